import { afterAll, beforeAll, expect } from "bun:test";
import { BUSYBOX, requires } from "../support/index.ts";
import { Machine } from "./support/machine.ts";

const { test, missing } = requires("qemu");
let vm: Machine;

const START_MS = 20 * 60_000;
const TEST_MS = 15 * 60_000;

beforeAll(async () => {
  if (missing !== undefined) return;
  vm = await Machine.start();
  await vm.ok("login:kelp", "kelp load -q -i /opt/kelp/busybox.tar");
}, START_MS);

afterAll(() => vm?.end());

const kelp = (script: string) => vm.ok("login:kelp", script);

test(
  "a generated unit holds its container, limits it, restarts it when it is killed, and ends it",
  async () => {
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
    await vm.ok("root", `kill -9 ${first}`);
    await vm.until(
      "login:kelp",
      `p=$(kelp inspect -f '{{.State.Pid}}' web) && [ "$p" -gt 0 ] && [ "$p" != ${first} ]`,
    );
    // Heeding the signal it exits with 0, so the unit has not failed.
    expect(
      await kelp(
        "systemctl --user stop container-web.service; kelp container exists web; echo $?; systemctl --user is-failed container-web.service || :",
      ),
    ).toBe("1\ninactive");
  },
  TEST_MS,
);

test(
  "a quadlet that is installed runs as a service, and after a reboot again",
  async () => {
    await kelp(`
      printf '[Container]\\nImage=${BUSYBOX}\\nContainerName=quad\\nExec=sleep 100000\\nVolume=quad-data:/data\\n[Install]\\nWantedBy=default.target\\n' >quad.container
      kelp quadlet install quad.container
      systemctl --user daemon-reload; systemctl --user start quad.service`);
    expect(
      await kelp("systemctl --user is-active quad.service; kelp exec quad sh -c 'echo kept >/data/f; sync'"),
    ).toBe("active");
    await vm.reboot();
    await vm.until("login:kelp", "systemctl --user is-active quad.service");
    expect(await kelp("kelp exec quad cat /data/f; kelp system check && echo clean")).toBe("kept\nclean");
  },
  TEST_MS,
);
