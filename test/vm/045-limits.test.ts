import { expect } from "bun:test";
import { BUSYBOX } from "../support/index.ts";
import { useGuest } from "./support/index.ts";

const guest = await useGuest();
const { test, kelp } = guest;

/** Needs 48 MB; says whether it got them. */
const BIG = "dd if=/dev/zero of=/dev/null bs=48M count=1 2>/dev/null; echo $?";

test("memory and swap are limited apart", async () => {
  await guest.root(`
    mkdir -p /etc/systemd/system/user@.service.d
    printf '[Service]\\nDelegate=cpu cpuset io memory pids\\n' >/etc/systemd/system/user@.service.d/delegate.conf
    systemctl daemon-reload; systemctl restart user@1000.service
    fallocate -l 128M /swap; chmod 600 /swap; mkswap -q /swap; swapon /swap`);
  const out = await kelp(`
    kelp run --rm -m 32m --memory-swap 32m ${BUSYBOX} ${BIG}
    kelp run --rm -m 32m --memory-swap 96m ${BUSYBOX} ${BIG}`);
  expect(out).toBe("137\n0");
});

test("update changes the limits of a running container, and they hold at once", async () => {
  const out = await kelp(`
    kelp run -d --name live -m 32m --memory-swap 32m ${BUSYBOX} sleep 1000 >/dev/null
    kelp exec live ${BIG}
    kelp update -m 96m --memory-swap 96m live >/dev/null; kelp exec live ${BIG}
    kelp update --cpuset-cpus 1 --pids-limit 4 --cpus 0.2 --device-write-bps /dev/vdc:2mb live >/dev/null
    kelp exec live grep Cpus_allowed_list /proc/self/status
    kelp exec live sh -c 'for i in 1 2 3 4 5 6; do sleep 3 & done' 2>&1 | grep -o "can't fork"
    cd /sys/fs/cgroup$(kelp inspect -f '{{.State.CgroupPath}}' live)
    cat memory.max cpuset.cpus pids.max cpu.max io.max`);
  const [killed, allowed, cpus, fork, ...files] = out.split("\n");
  expect([killed, allowed]).toEqual(["137", "0"]);
  expect(cpus).toMatch(/:\s1$/);
  expect(fork).toBe("can't fork");
  expect(files.slice(0, 4)).toEqual(["100663296", "1", "4", "20000 100000"]);
  expect(files[4]).toMatch(/ wbps=2097152 /);
});

test("a limit that cannot be applied leaves the others as they were", async () => {
  const { code, stderr } = await guest.machine.script(
    "login:kelp",
    "kelp update --pids-limit 9 --cpuset-cpus 17 live; s=$?; cat /sys/fs/cgroup$(kelp inspect -f '{{.State.CgroupPath}}' live)/pids.max >&2; exit $s",
  );
  expect(code).toBe(125);
  expect(stderr).toMatch(/^Error: cannot apply --cpuset-cpus to container [\s\S]*\n4\n$/);
});

test("stats show what the controllers count", async () => {
  const out = await kelp(`
    kelp update --cpus 1 --pids-limit 20 live >/dev/null
    kelp exec -d live sh -c 'while :; do :; done'
    kelp stats --no-stream --format '{{.PIDs}} {{.MemUsage}} {{.CPUPerc}}' live`);
  const [, pids, limit, processor] = /^(\d+) \S+ \/ (\S+) ([\d.]+)%$/.exec(out) ?? [];
  expect(Number(pids)).toBeWithin(2, 5);
  expect(limit).toBe("100.7MB");
  expect(Number(processor)).toBeWithin(5, 110);
  await kelp("kelp rm -f -t 0 live");
});
