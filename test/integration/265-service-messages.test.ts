/** What a container says to the service manager through NOTIFY_SOCKET, and the sockets it is given: with a real systemd. */
import { beforeAll, describe, expect } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  BUSYBOX,
  busyboxArchive,
  KELP,
  ROOT,
  requires,
  run,
  useSandbox,
  useSystemd,
} from "../support/index.ts";

const box = useSandbox("265-service-messages");
const needed = requires("services", "cgroup2", "overlay", "subuid", "cc");
const { test } = needed;
const systemd = useSystemd(box, needed.missing);
/** Sends a datagram; static, so that it runs in every image. */
const TELL = join(ROOT, "native/build/monitor-host");

beforeAll(async () => {
  if (needed.missing !== undefined) return;
  await box.ok(["load", "-q", "-i", await busyboxArchive()]);
  const made = await run("make", ["-s", "-C", join(ROOT, "native"), "build/monitor-host"], {
    env: box.env,
    timeout: 120_000,
  });
  expect(made).toMatchObject({ code: 0 });
}, 120_000);

/** A unit of type notify whose container runs the script, in which `say TEXT` tells the manager. */
async function service(name: string, script: string, more = "", flags = ""): Promise<void> {
  const file = join(box.directory, `${name}.sh`);
  await Bun.write(file, `say() { /tell tell "$NOTIFY_SOCKET" "$1"; }\n${script}\n`);
  await systemd.unit(
    `${name}.service`,
    `[Service]
Type=notify
NotifyAccess=all
Delegate=yes
KillMode=mixed
ExecStart=${KELP} run --name ${name} --replace --rm --cgroups=split --stop-timeout 2 -d --network none ${flags} -v ${TELL}:/tell:ro -v ${file}:/script:ro ${BUSYBOX} sh /script
ExecStop=${KELP} stop --ignore -t 1 ${name}
${more}
`,
  );
}

describe("a watchdog", () => {
  const PINGS = `echo usec $WATCHDOG_USEC
say READY=1
trap 'exit 0' TERM
while [ ! -e /tmp/quiet ]; do say WATCHDOG=1; sleep 0.2; done
while :; do sleep 0.1; done`;

  test("is content with a container that answers, and ends one that does not, in time", async () => {
    await service("dog", PINGS, "WatchdogSec=3", "--init");
    expect(await systemd.systemctl("start", "dog")).toMatchObject({ code: 0, stderr: "" });
    expect(await box.ok(["logs", "dog"])).toBe("usec 3000000");
    const pid = await systemd.property("dog", "MainPID");
    await Bun.sleep(5_000);
    expect([await systemd.property("dog", "ActiveState"), await systemd.property("dog", "MainPID")]).toEqual([
      "active",
      pid,
    ]);
    await box.ok(["exec", "dog", "touch", "/tmp/quiet"]);
    const from = Date.now();
    await systemd.settled("dog", "ActiveState", "failed");
    expect(await systemd.property("dog", "Result")).toBe("watchdog");
    expect(Date.now() - from).toBeLessThan(20_000);
    expect(readdirSync(join(box.runtime, "kelp/c"))).toEqual([]); // the monitor was let end by itself
    expect((await box.kelp(["container", "exists", "dog"])).code).toBe(1);
  }, 60_000);

  test("starts it again where the unit says so", async () => {
    await service("again", PINGS, "WatchdogSec=2\nRestart=on-watchdog\nRestartSec=100ms");
    expect(await systemd.systemctl("start", "again")).toMatchObject({ code: 0, stderr: "" });
    await box.ok(["exec", "again", "touch", "/tmp/quiet"]);
    await systemd.settled("again", "NRestarts", "1");
    await systemd.settled("again", "ActiveState", "active");
    expect((await box.kelp(["exec", "again", "test", "-e", "/tmp/quiet"])).code).toBe(1);
    await systemd.systemctl("stop", "again");
  }, 60_000);
});

describe("a container's own words", () => {
  test("EXTEND_TIMEOUT_USEC gives it more time to start than the unit does", async () => {
    const slow = (words: string) =>
      `trap 'exit 0' TERM\n${words}\nn=0; while [ $n -lt 60 ]; do sleep 0.1; n=$((n + 1)); done\nsay READY=1\nwhile :; do sleep 0.1; done`;
    await service("slow", slow("say EXTEND_TIMEOUT_USEC=20000000"), "TimeoutStartSec=4");
    expect(await systemd.systemctl("start", "slow")).toMatchObject({ code: 0 });
    await systemd.systemctl("stop", "slow");
    await service("silent", slow(":"), "TimeoutStartSec=4");
    expect((await systemd.systemctl("start", "silent")).code).toBe(1);
    expect(await systemd.property("silent", "Result")).toBe("timeout");
    await systemd.settled("silent", "ActiveState", "failed");
    expect(readdirSync(join(box.runtime, "kelp/c"))).toEqual([]);
  }, 60_000);

  test("STATUS, RELOADING and STOPPING are what the unit is seen to do", async () => {
    const script = `say 'READY=1
STATUS=serving'
trap 'exit 0' TERM
while [ ! -e /tmp/reload ]; do sleep 0.1; done
say RELOADING=1
while [ ! -e /tmp/ready ]; do sleep 0.1; done
say READY=1
while [ ! -e /tmp/stop ]; do sleep 0.1; done
say 'STOPPING=1
STATUS=going'
while [ ! -e /tmp/end ]; do sleep 0.1; done`;
    await service("words", script, "TimeoutStopSec=30");
    expect(await systemd.systemctl("start", "words")).toMatchObject({ code: 0 });
    await systemd.settled("words", "StatusText", "serving");
    const touch = (name: string) => box.ok(["exec", "words", "touch", `/tmp/${name}`]);
    await touch("reload");
    await systemd.settled("words", "ActiveState", "reloading");
    await touch("ready");
    await systemd.settled("words", "ActiveState", "active");
    await touch("stop");
    await systemd.settled("words", "ActiveState", "deactivating");
    expect(await systemd.property("words", "StatusText")).toBe("going");
    // The container's end may be faster than that of the exec.
    await box.kelp(["exec", "words", "touch", "/tmp/end"]);
    await systemd.settled("words", "ActiveState", "inactive");
    expect(await systemd.property("words", "Result")).toBe("success");
  }, 60_000);

  test("about process ids and the watchdog's end for others do not get through", async () => {
    await service(
      "liar",
      "say 'MAINPID=1\nFDSTORE=1\nREADY=1'\ntrap 'exit 0' TERM\nwhile :; do sleep 0.1; done",
      "FileDescriptorStoreMax=4",
    );
    expect(await systemd.systemctl("start", "liar")).toMatchObject({ code: 0 });
    expect(await systemd.property("liar", "MainPID")).toBe(
      await box.ok(["inspect", "liar", "--format", "{{.State.ConmonPid}}"]),
    );
    expect(await systemd.property("liar", "NFileDescriptorStore")).toBe("0");
    await systemd.systemctl("stop", "liar");
  }, 60_000);
});

test("several sockets reach the container with their names, and each leads to who listens there", async () => {
  const at = (name: string) => join(box.runtime, `${name}.sock`);
  for (const name of ["one", "two"])
    await systemd.unit(
      `${name}.socket`,
      `[Socket]\nListenDatagram=${at(name)}\nFileDescriptorName=${name}\nService=fds.service\nRemoveOnStop=yes\n`,
    );
  const script = `say READY=1
trap 'exit 0' TERM
echo "$LISTEN_FDS $LISTEN_FDNAMES $([ "$LISTEN_PID" = $$ ] && echo mine)"
n=3
for name in $(echo "$LISTEN_FDNAMES" | tr : ' '); do eval "(echo $name: \\$(dd bs=200 count=1 2>/dev/null)) <&$n &"; n=$((n + 1)); done
while :; do sleep 0.1; done`;
  await service("fds", script, "Sockets=one.socket two.socket");
  expect(await systemd.systemctl("start", "one.socket", "two.socket")).toMatchObject({ code: 0, stderr: "" });
  expect(await systemd.systemctl("start", "fds")).toMatchObject({ code: 0, stderr: "" });
  for (const name of ["one", "two"]) await run(TELL, ["tell", at(name), `hello ${name}\n`], { env: box.env });
  for (let i = 0; i < 200 && (await box.ok(["logs", "fds"])).split("\n").length < 3; i++) await Bun.sleep(50);
  const [first, ...others] = (await box.ok(["logs", "fds"])).split("\n");
  expect(first).toMatch(/^2 (one:two|two:one) mine$/);
  expect(others.sort()).toEqual(["one: hello one", "two: hello two"]);
  await systemd.systemctl("stop", "one.socket", "two.socket", "fds.service");
}, 60_000);

test("a unit whose container is gone fails with kelp's status, and says which container it wanted", async () => {
  await box.ok(["create", "--name", "gone", BUSYBOX, "sleep", "600"]);
  const log = join(box.directory, "gone.log");
  const text = await box.ok(["generate", "systemd", "--name", "--restart-policy", "no", "gone"]);
  await systemd.unit("gone.service", text.replace("[Service]\n", `[Service]\nStandardError=file:${log}\n`));
  await box.ok(["rm", "gone"]);
  expect((await systemd.systemctl("start", "gone")).code).toBe(1);
  expect([
    await systemd.property("gone", "Result"),
    await systemd.property("gone", "ExecMainStatus"),
  ]).toEqual(["exit-code", "125"]);
  expect(readFileSync(log, "utf8")).toContain('no container with name or ID "gone" found');
}, 60_000);
