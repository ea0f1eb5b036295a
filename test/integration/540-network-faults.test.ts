/** What networks say when the machine or the kernel cannot, and that nothing stays behind. */
import { beforeAll, describe, expect, setDefaultTimeout } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, busyboxArchive, KELP, requires, useSandbox } from "../support/index.ts";

setDefaultTimeout(60_000);
const box = useSandbox("540-network-faults");
const { test } = requires("overlay", "subuid", "busybox");
const { test: confined } = requires("overlay", "subuid", "busybox", "unprivileged", "slirp4netns", "tun");
let archive = "";

beforeAll(async () => {
  archive = await busyboxArchive();
  await box.ok(["load", "-i", archive]);
});

/** Runs a command in the shared network namespace, by way of a container on it. */
async function inShared(container: string, command: readonly string[], stdin = ""): Promise<string> {
  const monitor = await box.ok(["inspect", "-f", "{{.State.ConmonPid}}", container]);
  const argv = ["nsenter", "-t", monitor, "-U", "--preserve-credentials", "-n", ...command];
  const { stdout, stderr, success } = Bun.spawnSync(argv, { stdin: Buffer.from(stdin), stderr: "pipe" });
  if (!success) throw new Error(`${command.join(" ")}: ${stderr.toString()}`);
  return stdout.toString();
}

const links = async (container: string) =>
  (await inShared(container, ["ip", "-o", "link"])).split("\n").map((line) => line.split(/[\s:@]+/)[1] ?? "");

describe("a bridge", () => {
  test("with 1,023 ports says that the kernel allows no more, and nothing of that start stays", async () => {
    await box.ok(["network", "create", "f540"]);
    await box.ok(["run", "-d", "--name", "f540", "--network", "f540", BUSYBOX, "sleep", "300"]);
    const bridge = await box.ok(["network", "inspect", "-f", "{{.NetworkInterface}}", "f540"]);
    const lines = Array.from(
      { length: 1022 },
      (_, n) => `link add x${n} type veth peer name y${n}\nlink set x${n} master ${bridge}\n`,
    );
    await inShared("f540", ["ip", "-batch", "-"], lines.join(""));
    const before = await links("f540");
    expect(await box.kelp(["run", "--rm", "--network", "f540", BUSYBOX, "true"])).toEqual({
      code: 125,
      stdout: "",
      stderr: `Error: cannot set up bridge ${bridge}: the kernel lets no more interfaces join a bridge (1023)\n`,
    });
    for (let n = 0; n < 100 && (await links("f540")).length > before.length; n++) await Bun.sleep(50);
    expect(await links("f540")).toEqual(before);
    expect(await box.ok(["ps", "-aq"])).toHaveLength(12);
    await box.ok(["rm", "-f", "-t", "0", "f540"]);
    await box.ok(["network", "rm", "f540"]);
  });

  test("is gone with its network, filters and lease, while others stay", async () => {
    await box.ok(["run", "-d", "--name", "g540", BUSYBOX, "sleep", "300"]);
    const before = await links("g540");
    await box.ok(["network", "create", "--internal", "--subnet", "10.215.0.0/24", "g540"]);
    await box.ok(["run", "-d", "--name", "i540", "--network", "g540", BUSYBOX, "sleep", "300"]);
    const bridge = await box.ok(["network", "inspect", "-f", "{{.NetworkInterface}}", "g540"]);
    expect(await links("g540")).toContain(bridge);
    expect(await box.kelp(["network", "rm", "g540"])).toMatchObject({ code: 2, stdout: "" });
    expect(await links("g540")).toContain(bridge);
    await box.ok(["network", "rm", "-f", "-t", "0", "g540"]);
    for (let n = 0; n < 100 && (await links("g540")).length > before.length; n++) await Bun.sleep(50);
    expect(await links("g540")).toEqual(before);
    // The subnet, and the address, are free again.
    await box.ok(["network", "create", "--subnet", "10.215.0.0/24", "g540"]);
    const address = ["ip", "-4", "-o", "addr", "show", "eth0"];
    const fixed = ["--network", "g540:ip=10.215.0.2"];
    expect(await box.ok(["run", "--rm", ...fixed, BUSYBOX, ...address])).toContain("10.215.0.2/24");
    await box.ok(["rm", "-f", "-t", "0", "g540"]);
    await box.ok(["network", "rm", "g540"]);
  });
});

describe("without a way to the outside", () => {
  /** On a machine that lacks something; `hide` is the shell's command for that. */
  async function without(hide: string): Promise<string> {
    const script = join(box.directory, "script.sh");
    const run = (...flags: string[]) =>
      `${KELP} run --rm ${flags.join(" ")} ${BUSYBOX} sh -c 'ip -4 -o addr show eth0 | grep -c inet; cat /etc/resolv.conf' 2>&1 || true`;
    const lines = [
      // Its own store as well: one that is in use keeps the runtime directory it has.
      `export HOME=${box.directory}/own XDG_RUNTIME_DIR=${box.directory}/own-run XDG_DATA_HOME=${box.directory}/own`,
      "mkdir -p -m 700 $HOME $XDG_RUNTIME_DIR; ip link set lo up",
      hide,
      `${KELP} load -q -i ${archive} >/dev/null`,
      run(),
      run(),
      run("--network", "slirp4netns"),
      "rm -rf $HOME $XDG_RUNTIME_DIR",
    ];
    writeFileSync(script, lines.join("\n"));
    const child = Bun.spawn(["unshare", "-Urnm", "sh", script], { env: { ...box.env }, stdout: "pipe" });
    const text = await new Response(child.stdout).text();
    expect(await child.exited).toBe(0);
    return text;
  }

  for (const [what, hide, reason, asked] of [
    [
      "slirp4netns",
      `: >${box.directory}/nothing; mount --bind ${box.directory}/nothing ${Bun.which("slirp4netns")}`,
      "slirp4netns is not installed",
      "slirp4netns is not installed\nHint: Install slirp4netns.\n",
    ],
    [
      "/dev/net/tun",
      "mount -t tmpfs none /dev/net",
      "/dev/net/tun cannot be opened",
      "/dev/net/tun cannot be opened\nHint: Ask an administrator for chmod 666 /dev/net/tun.\n",
    ],
  ] as const) {
    confined(`for want of ${what} containers run, and the reason is said once`, async () => {
      const lines = (await without(hide)).split("\n");
      expect(lines[0]).toContain(`containers reach one another but nothing outside: ${reason}`);
      const rest = `1\n1\nError: cannot use --network slirp4netns: ${asked}`;
      expect(lines.slice(1).join("\n")).toBe(rest);
    });
  }
});
