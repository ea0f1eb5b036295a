import { expect } from "bun:test";
import { BUSYBOX } from "../support/index.ts";
import { useGuest } from "./support/index.ts";

const guest = await useGuest();
const { test, kelp } = guest;
const NAMES = ["always", "stopped", "unless", "halted", "no"];
const states = `for name in ${NAMES.join(" ")}; do kelp inspect -f '{{.Name}} {{.State.Running}}' $name; done`;

test("after a reboot containers come back as their policy says, and nobody had to log in", async () => {
  const out = await kelp(`
    run() { kelp run -d --name $1 --restart $2 --stop-timeout 2 ${BUSYBOX} sleep 100000 >/dev/null; }
    run always always; run stopped always; run unless unless-stopped; run halted unless-stopped; run no no
    kelp stop stopped halted >/dev/null
    kelp system boot enable; ${states}`);
  expect(out).toStartWith("enabled: /home/kelp/.config/systemd/user/kelp-boot.service\n");
  expect(out).toEndWith("always true\nstopped false\nunless true\nhalted false\nno true");
  await kelp(`
    printf '[Container]\\nImage=${BUSYBOX}\\nContainerName=quad\\nExec=sleep 100000\\nVolume=quad-data:/data\\n[Service]\\nTimeoutStopSec=3\\n[Install]\\nWantedBy=default.target\\n' >quad.container
    kelp quadlet install quad.container
    systemctl --user daemon-reload; systemctl --user start quad.service
    kelp exec quad sh -c 'echo kept >/data/f; sync'`);
  await guest.machine.reboot();
  await guest.machine.until(
    "root",
    "su -s /bin/sh kelp -c 'XDG_RUNTIME_DIR=/run/user/1000; export XDG_RUNTIME_DIR; for unit in kelp-boot quad; do systemctl --user is-active $unit || exit; done'",
  );
  // podman's meaning: always starts at boot even if it had been stopped, unless-stopped does not.
  expect(await kelp(states)).toBe("always true\nstopped true\nunless true\nhalted false\nno false");
  expect(await kelp("kelp inspect -f '{{.State.Status}}' no; kelp system check && echo clean")).toBe(
    "exited\nclean",
  );
});

test("a quadlet that is installed runs again as well, with its data", async () => {
  expect(
    await kelp("kelp exec quad cat /data/f; systemctl --user stop quad; kelp quadlet rm quad.container"),
  ).toBe("kept\nquad.container");
});

test("what runs then has scopes and limits of its own, and the boot unit does not hold it", async () => {
  const out = await kelp(`
    kelp inspect -f '{{.State.CgroupPath}}' always
    systemctl --user stop kelp-boot.service; kelp inspect -f '{{.State.Running}}' always
    kelp system boot disable; kelp system boot status; echo $?`);
  expect(out).toMatch(
    /^\/user\.slice\/.*\/kelp-[0-9a-f]{64}\.scope\/container\ntrue\ndisabled\ndisabled\n1$/,
  );
});

test("shutting down lets containers heed their stop signal, and nothing starts without the boot unit", async () => {
  const id = await kelp(`
    kelp run -d --name polite --restart always ${BUSYBOX} sh -c 'trap "echo bye; exit 0" TERM; while :; do sleep 0.2; done'`);
  expect(id).toMatch(/^[0-9a-f]{64}$/);
  await guest.machine.reboot();
  await guest.machine.until("root", "systemctl is-active user@1000.service");
  const out = await kelp(
    "kelp ps -q; kelp logs polite; kelp inspect -f '{{.State.Status}} {{.State.ExitCode}}' polite; kelp system check && echo clean",
  );
  expect(out).toBe("bye\nexited 0\nclean");
});
