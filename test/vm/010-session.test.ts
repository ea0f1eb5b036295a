import { describe, expect } from "bun:test";
import { BUSYBOX } from "../support/index.ts";
import { useGuest } from "./support/index.ts";

const guest = await useGuest();
const { test, kelp } = guest;
const CGROUP = "/sys/fs/cgroup$(kelp inspect -f '{{.State.CgroupPath}}'";

describe("in a login session beside the user's systemd", () => {
  test("a container gets a scope of the user's systemd, with memory, pids and cpu to limit", async () => {
    const out = await kelp(`
      grep ^0:: /proc/self/cgroup
      kelp run -d --name web --stop-timeout 1 -m 64m --pids-limit 50 --cpus 0.5 ${BUSYBOX} sleep 1000 >/dev/null
      kelp inspect -f '{{.State.CgroupPath}}' web
      cd ${CGROUP} web) && cat memory.max pids.max cpu.max
      systemctl --user is-active "kelp-$(kelp inspect -f '{{.Id}}' web).scope"`);
    const [own, path, ...rest] = out.split("\n");
    expect(own).toMatch(/^0::\/user\.slice\/user-1000\.slice\/session-\w+\.scope$/);
    expect(path).toMatch(/user@1000\.service\/user\.slice\/kelp-[0-9a-f]{64}\.scope\/container$/);
    expect(rest).toEqual(["67108864", "50", "50000 100000", "active"]);
  });

  test("exec from another session enters the container's group, and so its limits", async () => {
    const out = await kelp("kelp exec web sh -c 'grep ^0:: /proc/self/cgroup; cat /sys/fs/cgroup/pids.max'");
    expect(out).toBe("0::/\n50");
  });

  test("pause stops its time, unpause lets it go on, update changes a limit of the running one", async () => {
    const out = await kelp(`
      kelp run -d --name busy ${BUSYBOX} sh -c 'while :; do :; done' >/dev/null
      cd ${CGROUP} busy)
      usage() { sed -n 's/^usage_usec //p' cpu.stat; }
      kelp pause busy >/dev/null; a=$(usage); sleep 1; b=$(usage)
      [ "$a" = "$b" ] && echo stood
      kelp unpause busy >/dev/null; until [ "$(usage)" -gt "$b" ]; do sleep 0.1; done; echo went on
      kelp update --pids-limit 7 busy >/dev/null; cat pids.max
      cd /; kelp rm -f -t 0 busy >/dev/null`);
    expect(out).toBe("stood\nwent on\n7");
  });

  test("the scope stopped by systemctl ends the container as kelp stop would, and before systemd would", async () => {
    const out = await kelp(`
      s=$(cut -d. -f1 /proc/uptime)
      systemctl --user stop "kelp-$(kelp inspect -f '{{.Id}}' web).scope"
      t=$(cut -d. -f1 /proc/uptime); [ $((t - s)) -lt 85 ] && echo before
      kelp inspect -f '{{.State.Running}} {{.State.ExitCode}}' web
      kelp start web >/dev/null && kelp inspect -f '{{.State.Running}}' web
      kelp rm -f -t 0 web >/dev/null; kelp system check && echo clean`);
    expect(out.split("\n")).toEqual(["before", "false 137", "true", "clean"]);
  });
});

describe("a limit", () => {
  test("of memory kills what exceeds it, and that is told", async () => {
    const out = await kelp(`
      kelp run --name hog -m 32m --memory-swap 32m ${BUSYBOX} sh -c 'x=0123456789abcdef; while :; do x=$x$x; done' 2>/dev/null; echo $?
      kelp inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}}' hog
      kelp events --stream=false --filter event=died --format '{{json .}}' | grep -c '"OOMKilled":"\\?true'
      kelp rm hog >/dev/null`);
    expect(out).toBe("137\ntrue 137\n1");
  });

  test("of processes stops a fork bomb", async () => {
    const out = await kelp(`
      kelp run -d --name many --pids-limit 20 ${BUSYBOX} sleep 600 >/dev/null
      kelp exec -d many sh -c 'bomb() { bomb & bomb & sleep 600; }; bomb' >/dev/null
      cd ${CGROUP} many); until grep -q 'max [1-9]' pids.events; do sleep 0.2; done
      cat pids.events pids.current; cd /; kelp rm -f -t 0 many >/dev/null`);
    const [events, current] = out.split("\n");
    expect(Number(events?.replace("max ", ""))).toBeGreaterThan(0);
    expect(Number(current)).toBeWithin(1, 21);
  });

  test("of processor time holds: a fifth of one CPU, measured over twenty of its periods", async () => {
    const out = await kelp(`
      kelp run -d --name slow --cpus 0.2 ${BUSYBOX} sh -c 'while :; do :; done' >/dev/null
      cd ${CGROUP} slow)
      # Both from one reading: the time that has passed, in periods of 100 ms, and the time that was used.
      counts() { sed -n 's/^nr_periods //p; s/^usage_usec //p' cpu.stat; }
      set -- $(counts); until set -- $1 $2 $(counts); [ $4 -ge $(($2 + 20)) ]; do sleep 0.1; done
      echo $((($3 - $1) / ($4 - $2) / 1000)); sed -n 's/^nr_throttled //p' cpu.stat
      cd /; kelp rm -f -t 0 slow >/dev/null`);
    const [percent, throttled] = out.split("\n").map(Number);
    expect(throttled).toBeGreaterThan(0);
    expect(percent).toBeWithin(5, 26);
  });

  test("whose controller was not delegated is an error that says what to do, and doing it mends it", async () => {
    const before = await guest.machine.script(
      "login:kelp",
      `kelp run --rm --device-write-bps /dev/vdc:1mb ${BUSYBOX} true`,
    );
    expect(before).toMatchObject({
      code: 125,
      stdout: "",
      stderr: expect.stringMatching(
        /cannot apply --device-write-bps: the cgroup controller io is not available[\s\S]*Delegate=cpu cpuset io memory pids/,
      ),
    });
    await guest.machine.ok(
      "root",
      `mkdir -p /etc/systemd/system/user@.service.d
      printf '[Service]\\nDelegate=cpu cpuset io memory pids\\n' >/etc/systemd/system/user@.service.d/delegate.conf
      systemctl daemon-reload; systemctl restart user@1000.service`,
    );
    const out = await kelp(`
      kelp run -d --name io --device-write-bps /dev/vdc:1mb --cpuset-cpus 1 -v data:/data ${BUSYBOX} sleep 1000 >/dev/null
      cd ${CGROUP} io) && cat io.max cpuset.cpus
      s=$(cut -d. -f1 /proc/uptime)
      kelp exec io dd if=/dev/zero of=/data/f bs=1M count=4 conv=fsync 2>/dev/null
      t=$(cut -d. -f1 /proc/uptime); echo $((t - s))
      cd /; kelp rm -f -t 0 io >/dev/null; kelp volume rm data >/dev/null`);
    const [limit, cpus, seconds] = out.split("\n");
    expect(limit).toMatch(/^\d+:\d+ rbps=max wbps=1048576 /);
    expect(cpus).toBe("1");
    expect(Number(seconds)).toBeGreaterThanOrEqual(3);
  });
});

describe("the end of a session", () => {
  test("leaves the containers of a lingering user alone", async () => {
    await kelp(`kelp run -d --name stay ${BUSYBOX} sleep 10000`);
    await guest.machine.until("root", '[ -z "$(loginctl list-sessions --no-legend)" ]');
    await guest.root("systemctl is-active user@1000.service");
    expect(await kelp("kelp inspect -f '{{.State.Running}}' stay; kelp rm -f -t 0 stay")).toStartWith("true");
  });

  test("ends those of a user who does not linger, with a state that says so", async () => {
    await guest.machine.ok("login:guest", `kelp run -d --name gone ${BUSYBOX} sleep 10000`);
    await guest.machine.until("root", "[ $(systemctl is-active user@1001.service) = inactive ]");
    const out = await guest.machine.ok(
      "login:guest",
      "kelp inspect -f '{{.State.Status}} {{.State.Running}}' gone; kelp start gone && kelp rm -f -t 0 gone >/dev/null; kelp system check >/dev/null && echo clean",
    );
    expect(out).toBe("exited false\ngone\nclean");
  });
});

describe("journald", () => {
  test("keeps a container's log, for kelp logs and for journalctl", async () => {
    const out = await kelp(`
      kelp run --name told --log-driver journald ${BUSYBOX} sh -c 'echo one; echo two >&2' >/dev/null 2>&1
      kelp logs told 2>&1 | sort`);
    expect(out).toBe("one\ntwo");
    const entry = await guest.machine.until(
      "root",
      'journalctl -o cat CONTAINER_NAME=told | grep -x one && journalctl -o json CONTAINER_NAME=told | grep -c \'"PRIORITY":"3"\'',
    );
    expect(entry).toBe("one\n1");
    await kelp("kelp rm told");
  });
});
