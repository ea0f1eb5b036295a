import { describe, expect } from "bun:test";
import { BUSYBOX } from "../support/index.ts";
import { useGuest } from "./support/index.ts";

const guest = await useGuest();
const { test, kelp } = guest;

/** As lines `[Container]`, `Image=…`: a quadlet's file, for a script. */
const quadlet = (name: string, ...lines: string[]) =>
  `printf '%s\\n' '[Container]' 'Image=${BUSYBOX}' 'ContainerName=${name}' ${lines.map((line) => `'${line}'`).join(" ")} >${name}.container`;

test("a generated unit holds its container, limits it, restarts it when it is killed, and ends it", async () => {
  const out = await kelp(`
    kelp create --name web ${BUSYBOX} sh -c 'trap "exit 0" TERM; sleep 100000 & wait' >/dev/null
    mkdir -p ~/.config/systemd/user; cd ~/.config/systemd/user
    kelp generate systemd --new --name --files --restart-policy always --stop-timeout 5 web >/dev/null
    kelp rm web >/dev/null
    mkdir container-web.service.d; printf '[Service]\\nMemoryMax=80M\\n' >container-web.service.d/limit.conf
    systemctl --user daemon-reload; systemctl --user start container-web.service
    systemctl --user is-active container-web.service
    kelp inspect -f '{{.State.CgroupPath}}' web
    cat /sys/fs/cgroup$(kelp inspect -f '{{.State.CgroupPath}}' web)/../memory.max`);
  const [active, group, memory] = out.split("\n");
  expect(active).toBe("active");
  expect(group).toMatch(/\/container-web\.service\/kelp-[0-9a-f]{64}$/);
  expect(memory).toBe(String(80 << 20));
  const first = await kelp("kelp inspect -f '{{.State.Pid}}' web");
  await guest.root(`kill -9 ${first}`);
  await guest.machine.until(
    "login:kelp",
    `p=$(kelp inspect -f '{{.State.Pid}}' web) && [ "$p" -gt 0 ] && [ "$p" != ${first} ]`,
  );
  // Heeding the signal it exits with 0, so the unit has not failed.
  expect(
    await kelp(
      "systemctl --user stop container-web.service; kelp container exists web; echo $?; systemctl --user is-failed container-web.service || :",
    ),
  ).toBe("1\ninactive");
});

describe("systemctl tells how a container has ended", () => {
  const HOG = "dd if=/dev/zero of=/dev/null bs=64M count=1";
  const ENDINGS = {
    good: { command: "sleep 1", state: "inactive dead success 0 0" },
    bad: { command: 'sh -c "sleep 1; exit 3"', state: "failed failed exit-code 1 3" },
    killed: { command: "sleep 1000", state: "failed failed exit-code 1 137" },
    oom: { command: HOG, state: "failed failed exit-code 1 137" },
  };
  const SMALL = "--memory=32m --memory-swap=32m";
  /** @param unit shell word with $name in it */
  const endings = (unit: string) => `
    for name in ${Object.keys(ENDINGS).join(" ")}; do systemctl --user start ${unit}; done
    kill -9 $(kelp inspect -f '{{.State.Pid}}' killed)
    for name in ${Object.keys(ENDINGS).join(" ")}; do
      until [ "$(systemctl --user is-active ${unit} | sed s/failed/inactive/)" = inactive ]; do sleep 0.5; done
      echo $name $(for key in ActiveState SubState Result ExecMainCode ExecMainStatus; do
        systemctl --user show --value -p $key ${unit}; done)
    done
    journalctl --user -o cat -u "$(name=oom; echo ${unit})" | grep -o 'killed by the OOM killer'
    systemctl --user reset-failed`;
  const expected = [
    ...Object.entries(ENDINGS).map(([name, { state }]) => `${name} ${state}`),
    "killed by the OOM killer",
  ].join("\n");

  test("of a generated unit", async () => {
    const units = Object.entries(ENDINGS).map(
      ([name, { command }]) =>
        `kelp create --name ${name} ${SMALL} ${BUSYBOX} ${command} >/dev/null
        kelp generate systemd --new --files --name --restart-policy no ${name} >/dev/null; kelp rm ${name} >/dev/null`,
    );
    const out = await kelp(`
      mkdir -p ~/.config/systemd/user; cd ~/.config/systemd/user
      ${units.join("\n")}
      systemctl --user daemon-reload
      ${endings("container-$name.service")}`);
    expect(out).toBe(expected);
  });

  test("of a quadlet", async () => {
    const files = Object.entries(ENDINGS).map(([name, { command }]) =>
      quadlet(name, `Exec=${command}`, `PodmanArgs=${SMALL}`, "[Service]", "Restart=no"),
    );
    const out = await kelp(`
      ${files.join("\n")}
      kelp quadlet install ${Object.keys(ENDINGS)
        .map((name) => `${name}.container`)
        .join(" ")} >/dev/null
      systemctl --user daemon-reload
      ${endings("$name.service")}
      kelp ps -aq`);
    expect(out).toBe(expected);
  });

  test("and OOMPolicy says what becomes of a service one of whose processes is killed for memory", async () => {
    const args = `PodmanArgs=${SMALL} --init --stop-timeout=2`;
    const exec = `Exec=sh -c "${HOG}; echo survived; sleep 1000"`;
    const out = await kelp(`
      ${quadlet("goes-on", args, exec, "[Service]", "Restart=no")}
      ${quadlet("ends", args, exec, "[Service]", "Restart=no", "OOMPolicy=stop")}
      kelp quadlet install goes-on.container ends.container >/dev/null
      systemctl --user daemon-reload; systemctl --user start goes-on ends
      until systemctl --user is-failed -q ends; do sleep 0.5; done
      until kelp logs goes-on | grep survived; do sleep 0.5; done
      systemctl --user show --value -p Result ends goes-on; systemctl --user is-active goes-on
      systemctl --user stop goes-on; systemctl --user reset-failed; kelp ps -aq`);
    expect(out).toBe("survived\noom-kill\n\nsuccess\nactive");
  });
});

// The rest of auto-update: test/integration/26*.
test("auto-update of a quadlet goes back when the new image does not become healthy", async () => {
  await kelp(`
    new() { kelp run --name made ${BUSYBOX} sh -c "echo $1 >/version" && kelp commit -q made localhost/app:1 >/dev/null && kelp rm made >/dev/null; }
    new first
    printf '%s\\n' '[Container]' Image=localhost/app:1 ContainerName=app AutoUpdate=local Notify=healthy \\
      'HealthCmd=grep -qv broken /version' HealthInterval=1s HealthRetries=2 'Exec=sh -c "trap \\"exit 0\\" TERM; grep broken /version && exit 1; sleep 10000 & wait"' \\
      '[Service]' Restart=no >app.container
    kelp quadlet install app.container >/dev/null; systemctl --user daemon-reload; systemctl --user start app.service`);
  const update = "kelp auto-update --format '{{.Unit}} {{.Policy}} {{.Updated}}'";
  const out = await kelp(`
    new() { kelp run --name made ${BUSYBOX} sh -c "echo $1 >/version" && kelp commit -q made localhost/app:1 >/dev/null && kelp rm made >/dev/null; }
    kelp exec app cat /version
    new broken; ${update} 2>/dev/null; kelp exec app cat /version; systemctl --user is-active app.service
    systemctl --user stop app.service`);
  expect(out.split("\n")).toEqual(["first", "app.service local rolled back", "first", "active"]);
});
