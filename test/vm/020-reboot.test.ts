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
const NAMES = ["always", "stopped", "unless", "halted", "no"];
const states = `for name in ${NAMES.join(" ")}; do kelp inspect -f '{{.Name}} {{.State.Running}}' $name; done`;

test(
  "after a reboot containers come back as their policy says, and nobody had to log in",
  async () => {
    const out = await kelp(`
      run() { kelp run -d --name $1 --restart $2 --stop-timeout 2 ${BUSYBOX} sleep 100000 >/dev/null; }
      run always always; run stopped always; run unless unless-stopped; run halted unless-stopped; run no no
      kelp stop stopped halted >/dev/null
      kelp system boot enable; ${states}`);
    expect(out).toStartWith("enabled: /home/kelp/.config/systemd/user/kelp-boot.service\n");
    expect(out).toEndWith("always true\nstopped false\nunless true\nhalted false\nno true");
    await vm.reboot();
    await vm.until(
      "root",
      "su -s /bin/sh kelp -c 'XDG_RUNTIME_DIR=/run/user/1000 systemctl --user is-active kelp-boot.service'",
    );
    // podman's meaning: always starts at boot even if it had been stopped, unless-stopped does not.
    expect(await kelp(states)).toBe("always true\nstopped true\nunless true\nhalted false\nno false");
    expect(await kelp("kelp inspect -f '{{.State.Status}}' no; kelp system check && echo clean")).toBe(
      "exited\nclean",
    );
  },
  TEST_MS,
);

test(
  "what runs then has scopes and limits of its own, and the boot unit does not hold it",
  async () => {
    const out = await kelp(`
      kelp inspect -f '{{.State.CgroupPath}}' always
      systemctl --user stop kelp-boot.service; kelp inspect -f '{{.State.Running}}' always
      kelp system boot disable; kelp system boot status; echo $?`);
    expect(out).toMatch(
      /^\/user\.slice\/.*\/kelp-[0-9a-f]{64}\.scope\/container\ntrue\ndisabled\ndisabled\n1$/,
    );
    await vm.reboot();
    await vm.until("root", "systemctl is-active user@1000.service");
    expect(await kelp("kelp ps -q")).toBe("");
  },
  TEST_MS,
);

test(
  "shutting down does not wait for containers that heed their stop signal",
  async () => {
    const id = await kelp(`
      kelp run -d --name polite --restart always ${BUSYBOX} sh -c 'trap "echo bye; exit 0" TERM; while :; do sleep 0.2; done'`);
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    const from = performance.now();
    await vm.reboot();
    // systemd would have killed it after 90 seconds.
    const log = await kelp(
      "kelp logs polite; kelp inspect -f '{{.State.Status}} {{.State.ExitCode}}' polite",
    );
    expect(log).toBe("bye\nexited 0");
    expect(performance.now() - from).toBeLessThan(TEST_MS);
  },
  TEST_MS,
);
