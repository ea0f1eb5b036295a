/** Attacks on and through the network, by the rows N1 to N6. Every "cannot" has a control that can. */
import { beforeAll, describe, expect, setDefaultTimeout } from "bun:test";
import { createSocket } from "node:dgram";
import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { BUSYBOX, busyboxArchive, requires, useSandbox } from "../support/index.ts";

setDefaultTimeout(60_000);
const box = useSandbox("attack-network");
const { test } = requires("busybox", "overlay", "subuid");
const outside = requires("busybox", "overlay", "subuid", "slirp4netns", "tun");
const raw = requires("busybox", "overlay", "subuid", "cc");
const noisy = requires("busybox", "overlay", "subuid", "cc", "slirp4netns", "tun");
const own = Object.values(networkInterfaces())
  .flatMap((entries) => entries ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address;
const packets = join(import.meta.dir, "programs/packets.c");
let program = "";

beforeAll(async () => {
  await box.ok(["load", "-i", await busyboxArchive()]);
  if (raw.missing !== undefined) return;
  program = join(box.directory, "packets");
  const made = Bun.spawnSync(["cc", "-O1", "-static", "-Wall", "-o", program, packets], { stderr: "pipe" });
  expect(made.stderr.toString()).toBe("");
  chmodSync(program, 0o755);
});

const sh = (script: string, ...flags: string[]) =>
  box.kelp(["run", "--rm", ...flags, BUSYBOX, "sh", "-c", script]);
const inside = (name: string, script: string) => box.ok(["exec", name, "sh", "-c", script]);

async function eventually<T>(value: () => T | Promise<T>, good: (value: T) => boolean): Promise<T> {
  let found = await value();
  for (let n = 0; n < 100 && !good(found); n++) {
    await Bun.sleep(100);
    found = await value();
  }
  return found;
}

function listen(host: string): Promise<[Server, number]> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.end("from the host\n"));
    server.once("error", reject);
    server.listen(0, host, () => resolve([server, (server.address() as { port: number }).port]));
  });
}

const read = (path: string) => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
};

/** The process of this sandbox that connects containers to the outside. */
function uplink(): string | undefined {
  return readdirSync("/proc").find((pid) => {
    if (!/^\d+$/.test(pid) || !read(`/proc/${pid}/cmdline`).includes("slirp4netns")) return false;
    const parent = /^PPid:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? "0";
    return read(`/proc/${parent}/cmdline`).includes(box.directory);
  });
}

describe("N1: the program that takes a container's packets", () => {
  outside.test("has no privileges, a filter of system calls and a file system of its own", async () => {
    await box.ok(["run", "-d", "--name", "n1", BUSYBOX, "sleep", "300"]);
    await box.kelp(["exec", "n1", "sh", "-c", `timeout 3 nc ${own} 9 </dev/null`]);
    const confined = await eventually(
      () => {
        const pid = uplink();
        const status = pid === undefined ? "" : read(`/proc/${pid}/status`);
        return ["NoNewPrivs", "Seccomp", "CapEff"].map(
          (key) => new RegExp(`^${key}:\\s+(\\S+)`, "m").exec(status)?.[1],
        );
      },
      ([, seccomp]) => seccomp === "2",
    );
    expect(confined).toEqual(["1", "2", expect.stringMatching(/^0{16}$|^0000000000000400$/)]);
    await box.ok(["rm", "-f", "-t", "0", "n1"]);
  });

  test("is not one with known holes: an old version is refused", async () => {
    const old = join(box.directory, "old-slirp4netns");
    writeFileSync(old, "#!/bin/sh\necho slirp4netns version 0.4.3\n", { mode: 0o755 });
    const run = ["--network-cmd-path", old, "run", "--rm", BUSYBOX, "true"];
    expect(await box.kelp(run)).toMatchObject({
      code: 125,
      stderr: expect.stringContaining("version 0.4 is older than 1.0"),
    });
  });

  noisy.test("costs only its container when packets of any kind come, and nobody else", async () => {
    const flags = [
      "-v",
      `${program}:/packets:ro`,
      "--cap-add",
      "NET_RAW",
      "--security-opt",
      "seccomp=unconfined",
    ];
    const stack = ["--network", "slirp4netns"];
    await box.ok(["run", "-d", "--name", "n1a", ...stack, ...flags, BUSYBOX, "sleep", "300"]);
    await box.ok(["run", "-d", "--name", "n1b", ...stack, BUSYBOX, "sleep", "300"]);
    const [server, port] = await listen("0.0.0.0");
    expect(await inside("n1a", "/packets noise tap0 20000")).toBe("sent");
    const fetch = (name: string) => inside(name, `timeout 3 nc ${own} ${port} </dev/null || true`);
    expect(await fetch("n1b")).toBe("from the host");
    // Whatever became of its program, it is there again.
    expect(
      await eventually(
        () => fetch("n1a"),
        (text) => text !== "",
      ),
    ).toBe("from the host");
    server.close();
    await box.ok(["rm", "-f", "-t", "0", "n1a", "n1b"]);
  });
});

describe("N2: the host's loopback", () => {
  const modes = [[], ["--network", "slirp4netns"], ["--network", "pasta"]];
  for (const flags of modes) {
    const { test } = flags.includes("pasta")
      ? requires("busybox", "overlay", "subuid", "pasta", "tun")
      : outside;
    test(`is closed by every way in ${flags.at(-1) ?? "the default network"}; what listens everywhere is open`, async () => {
      const closed = await listen("127.0.0.1");
      const closed6 = await listen("::1").catch(() => undefined);
      const [everywhere, open] = await listen("0.0.0.0");
      const ways = [
        "127.0.0.1",
        "10.0.2.2",
        "10.88.0.1",
        "169.254.1.2",
        "host.containers.internal",
        own ?? "",
      ];
      const tries = [
        ...ways.map((way) => `timeout 2 nc ${way} ${closed[1]} </dev/null`),
        ...["::1", "fd00::2"].map((way) => `timeout 2 nc ${way} ${closed6?.[1] ?? 9} </dev/null`),
      ];
      const control = flags.includes("pasta")
        ? "echo from the host"
        : `timeout 3 nc ${own} ${open} </dev/null`;
      const { stdout } = await sh(
        `(${tries.join("; ")}) 2>/dev/null; echo; echo control; ${control}`,
        ...flags,
      );
      expect(stdout).toBe("\ncontrol\nfrom the host\n");
      for (const server of [closed[0], closed6?.[0], everywhere]) server?.close();
    });
  }
});

describe("N3: published ports", () => {
  test("never come from loopback, nor reach what listens at the container's loopback only", async () => {
    const port = 18_000 + (process.pid % 200) * 10;
    const service = (name: string, host: number, at: string) => {
      const script = `mkdir /w; echo hello >/w/index.html; exec httpd -f -p ${at}:80 -h /w`;
      return box.ok(["run", "-d", "--name", name, "-p", `${host}:80`, BUSYBOX, "sh", "-c", script]);
    };
    await service("n3a", port, "0.0.0.0");
    await service("n3b", port + 1, "127.0.0.1");
    const get = async (to: number) => {
      try {
        return await (await fetch(`http://127.0.0.1:${to}/`)).text();
      } catch {
        return "refused";
      }
    };
    const good = (text: string) => text === "hello\n";
    expect(await eventually(() => get(port), good)).toBe("hello\n");
    expect(await inside("n3b", "timeout 2 wget -qO- http://127.0.0.1/")).toBe("hello");
    expect(await get(port + 1)).toBe("refused");
    const holding = connect({ host: "127.0.0.1", port });
    const peers = () => inside("n3a", "netstat -tn | awk '$4 ~ /:80$/ && $6 ~ /EST/ { print $5 }'");
    const seen = await eventually(peers, (text) => text !== "");
    expect(seen).not.toContain("127.");
    expect(seen).toContain("10.88.0.1:");
    holding.destroy();
    await box.ok(["rm", "-f", "-t", "0", "n3a", "n3b"]);
  });
});

describe("N4: a neighbour that says it is the router", () => {
  raw.test(
    "is not believed, and cannot say so without NET_RAW, which it does not have by default",
    async () => {
      await box.ok(["network", "create", "--subnet", "fd74::/64", "--subnet", "10.214.0.0/24", "n4"]);
      const join = ["--network", "n4", "-v", `${program}:/packets:ro`];
      const run = (name: string, ...flags: string[]) =>
        box.ok(["run", "-d", "--name", name, ...join, ...flags, BUSYBOX, "sleep", "300"]);
      await run("n4a", "--cap-add", "NET_RAW");
      await run("n4b");
      await run("n4c", "--privileged");
      await inside("n4c", "echo 2 >/proc/sys/net/ipv6/conf/eth0/accept_ra");
      expect(await inside("n4b", "/packets advertise eth0 2>&1 || true")).toContain(
        "Operation not permitted",
      );
      // It needs its link-local address for that, with which the kernel takes its time.
      const advertise = () => inside("n4a", "/packets advertise eth0 2>&1 && echo said || true");
      expect(await eventually(advertise, (text) => text === "said")).toBe("said");
      const prefixes = (name: string) => inside(name, "ip -6 route; ip -6 addr show eth0");
      // The control believes it.
      expect(
        await eventually(
          () => prefixes("n4c"),
          (text) => text.includes("bad"),
        ),
      ).toContain("2001:db8:bad");
      expect(await prefixes("n4b")).not.toContain("bad");
      expect(await inside("n4b", "cat /proc/sys/net/ipv6/conf/eth0/accept_ra")).toBe("0");
      await box.ok(["rm", "-f", "-t", "0", "n4a", "n4b", "n4c"]);
      await box.ok(["network", "rm", "n4"]);
    },
  );

  test("a network without IPv6 has none", async () => {
    expect(await sh("cat /proc/sys/net/ipv6/conf/eth0/disable_ipv6; ip -6 addr show eth0")).toMatchObject({
      stdout: "1\n",
    });
  });
});

describe("N5: an internal network", () => {
  outside.test("sends no name and nothing else outside", async () => {
    const socket = createSocket("udp4");
    const heard: string[] = [];
    socket.on("message", (data) =>
      heard.push(data.toString("latin1").includes("secret") ? "secret" : "control"),
    );
    await new Promise<void>((resolve) => socket.bind(0, "0.0.0.0", resolve));
    await box.ok(["network", "create", "--internal", "n5"]);
    const { port } = socket.address();
    const say = (word: string) =>
      `timeout 3 nslookup -port=${port} ${word}.example ${own} >/dev/null 2>&1; ` +
      `timeout 3 nslookup ${word}.example 10.0.2.3 >/dev/null 2>&1 && echo answered; grep nameserver /etc/resolv.conf; true`;
    const { code, stdout, stderr } = await sh(say("secret"), "--network", "n5");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    // Where aardvark-dns is installed the network has a server of its own, which knows its members only.
    expect(stdout).toMatch(/^(nameserver 10\.89\.\d+\.1\n)?$/);
    await sh(say("control"));
    expect(
      await eventually(
        () => heard.length,
        (length) => length > 0,
      ),
    ).toBeGreaterThan(0);
    expect(new Set(heard)).toEqual(new Set(["control"]));
    socket.close();
    await box.ok(["network", "rm", "n5"]);
  });
});

describe("N6: what listens", () => {
  /** `tcp 0.0.0.0:80` of this account. */
  function listeners(): string[] {
    const uid = String(process.getuid?.());
    return ["tcp", "tcp6", "udp", "udp6"].flatMap((kind) =>
      read(`/proc/self/net/${kind}`)
        .split("\n")
        .slice(1)
        .map((line) => line.trim().split(/\s+/))
        .filter((fields) => fields[7] === uid && (kind.startsWith("udp") || fields[3] === "0A"))
        .map((fields) => `${kind} ${fields[1]}`),
    );
  }

  outside.test("is what was asked for, and nothing else, while containers run", async () => {
    const port = 20_000 + (process.pid % 200) * 10;
    const before = new Set(listeners());
    await box.ok(["run", "-d", "--name", "n6", "-p", `127.0.0.1:${port}:80`, BUSYBOX, "sleep", "300"]);
    await box.kelp(["exec", "n6", "sh", "-c", `timeout 2 nc ${own} 9 </dev/null`]);
    const hex = port.toString(16).toUpperCase();
    expect(listeners().filter((listener) => !before.has(listener))).toEqual([`tcp 0100007F:${hex}`]);
    await box.ok(["rm", "-f", "-t", "0", "n6"]);
  });

  for (const name of ["../../etc/x", "a/b", "-rf", "a b", ".hidden", "host", "none"]) {
    test(`no network is called ${name}`, async () => {
      const { code, stdout } = await box.kelp(["network", "create", "--", name]);
      expect({ code, stdout }).toEqual({ code: 125, stdout: "" });
    });
  }

  for (const driver of ["../../bin/sh", "macvlan", "ipvlan", "x"]) {
    test(`no driver is ${driver}`, async () => {
      const { code, stdout } = await box.kelp(["network", "create", "-d", driver, "n6"]);
      expect({ code, stdout }).toEqual({ code: 125, stdout: "" });
    });
  }
});
