import { expect } from "bun:test";
import { BUSYBOX } from "../support/index.ts";
import { useGuest } from "./support/index.ts";

const guest = await useGuest();
const { test } = guest;

interface Row {
  readonly check: string;
  readonly status: "ok" | "advice" | "problem";
  readonly fix: readonly string[];
}

/** What a login of the user finds to be mended. */
async function findings(): Promise<readonly Row[]> {
  const { stdout } = await guest.machine.script("login:fresh", "kelp doctor --json");
  const rows = (JSON.parse(stdout) as Row[]).filter(({ status }) => status !== "ok");
  // There is no mirror in the guest to install a package from.
  return rows.filter(({ fix }) => !fix.some((line) => line.includes("apt-get install")));
}

/** The command in a line of advice, which may be said in passing: `log out and in again (or: COMMAND)`. */
function command(line: string): string {
  return /\(or: (.*)\)$/.exec(line)?.[1] ?? line;
}

test("every command that doctor gives a new user mends what it is given for", async () => {
  await guest.root(`
    useradd --create-home --shell /bin/sh fresh
    echo 'fresh ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/fresh
    sed -i /^fresh:/d /etc/subuid /etc/subgid
    chmod 600 /dev/fuse /dev/net/tun; chmod u-s /usr/bin/newuidmap
    sysctl -q user.max_user_namespaces=0 kernel.unprivileged_userns_clone=0`);
  const mended: string[] = [];
  const given = new Set<string>();
  // One finding may hide another, or have two causes.
  for (let found = await findings(); found.length > 0; found = await findings()) {
    // Nothing is advised a second time: it has helped.
    expect(found.filter(({ fix }) => given.has(fix.join("\n")))).toEqual([]);
    // Whatever ends this very session comes last.
    const lines = found.flatMap(({ fix }) => fix.map(command));
    const last = lines.filter((line) => line.includes("restart user@"));
    const script = lines.filter((line) => !last.includes(line)).join("\n");
    await guest.machine.ok("login:fresh", `set -e\n${script}`);
    if (last[0] !== undefined) await guest.root(last[0]);
    for (const { check, fix } of found) {
      mended.push(check);
      given.add(fix.join("\n"));
    }
  }
  expect(mended.sort()).toEqual([
    "cgroup-controllers",
    "fuse-device",
    "id-map-programs",
    "inotify",
    "lingering",
    "low-ports",
    "ping",
    "subordinate-ids",
    "tun-device",
    "user-namespaces",
    "user-namespaces",
  ]);
});

test("and then containers run for that user with every limit", async () => {
  const out = await guest.machine.ok(
    "login:fresh",
    `kelp load -q -i /opt/kelp/busybox.tar >/dev/null
    kelp run --rm -m 64m --cpus 1 --cpuset-cpus 0 --pids-limit 20 --device-read-bps /dev/vdc:9mb -u 1234:1234 ${BUSYBOX} id -u`,
  );
  expect(out).toBe("1234");
});

test("on a machine with cgroup v1 containers run without limits, and doctor says how to get them", async () => {
  await guest.machine.cutPower();
  await guest.machine.boot({ keepsRoot: false, kernelWords: ["systemd.unified_cgroup_hierarchy=0"] });
  const out = await guest.kelp(`
    kelp run --rm ${BUSYBOX} echo runs
    kelp run --rm -m 64m ${BUSYBOX} true 2>&1; echo $?
    kelp doctor cgroup`);
  expect(out).toMatch(
    /^runs\nError: cannot apply --memory: .*\nHint: boot with (systemd\.unified_cgroup_hierarchy=1) [\s\S]*\n125\nadvice: cgroup: [\s\S]*boot with \1 /,
  );
});
