import { beforeAll, describe, expect, setDefaultTimeout } from "bun:test";
import { createSocket } from "node:dgram";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { BUSYBOX, busyboxArchive, requires, useSandbox } from "../support/index.ts";

setDefaultTimeout(20_000);
const box = useSandbox("510-ports");
const { test } = requires("overlay", "subuid", "busybox");
const FIRST = 10_000 + (process.pid % 100) * 40;
let next = FIRST;

beforeAll(async () => {
  await box.ok(["load", "-i", await busyboxArchive()]);
});

/** Opens a connection, sends, shuts its side, and gives what came until the end. */
function talk(port: number, text: string, host = "127.0.0.1"): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host, allowHalfOpen: true });
    let got = "";
    socket.on("data", (chunk: Buffer) => {
      got += chunk.toString();
    });
    socket.on("end", () => {
      socket.destroy();
      resolve(got);
    });
    socket.on("error", reject);
    socket.setTimeout(10_000, () => socket.destroy(new Error("nothing came")));
    socket.end(text);
  });
}

async function answer(port: number, text: string, host?: string): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await talk(port, text, host);
    } catch (error) {
      if (attempt === 40) throw error;
      await Bun.sleep(50); // the service inside is about to listen
    }
  }
}

const serve = (command: string) => ["nc", "-ll", "-p", "80", "-e", command];
const own = Object.values(networkInterfaces())
  .flatMap((entries) => entries ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address;

describe("a published TCP port", () => {
  test("carries both directions, and a half-closed connection's answer", async () => {
    const port = next++;
    await box.ok(["run", "-d", "--name", "t510", "-p", `${port}:80`, BUSYBOX, ...serve("cat")]);
    const text = "x".repeat(300_000);
    expect((await answer(port, text)) === text).toBe(true);
    expect(await answer(port, "six", "::1")).toBe("six");
    expect(await box.ok(["port", "t510"])).toBe(`80/tcp -> 0.0.0.0:${port}`);
    await box.ok(["rm", "-f", "-t", "0", "t510"]);
    await expect(talk(port, "")).rejects.toThrow();
  });

  test("shows the client's own address inside, and never a loopback one", async () => {
    const port = next++;
    const script = "netstat -tn | awk '$4 ~ /:80$/ { print $5 }' | head -n 1";
    await box.ok(["run", "-d", "--name", "c510", "-p", `${port}:80`, BUSYBOX, ...serve("cat")]);
    await answer(port, "");
    const seen = async (host: string) => {
      const socket: Socket = connect({ port, host });
      await new Promise((resolve) => socket.once("connect", resolve));
      await Bun.sleep(100);
      const all = await box.ok(["exec", "c510", "sh", "-c", script.replace(" | head -n 1", "")]);
      socket.destroy();
      return all;
    };
    expect(await seen("127.0.0.1")).toContain("10.88.0.1:");
    if (own !== undefined) expect(await seen(own)).toContain(`${own}:`);
    await box.ok(["rm", "-f", "-t", "0", "c510"]);
  });

  test("resets its clients where nobody listens inside", async () => {
    const port = next++;
    await box.ok(["run", "-d", "--name", "r510", "-p", `${port}:80`, BUSYBOX, "sleep", "60"]);
    await expect(talk(port, "")).rejects.toThrow("ECONNRESET");
    await box.ok(["rm", "-f", "-t", "0", "r510"]);
  });

  test("in use is an error of the start that leaves nothing behind", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "0.0.0.0", resolve));
    const { port } = taken.address() as { port: number };
    const { code, stderr } = await box.kelp(["run", "--rm", "-p", `${port}:80`, BUSYBOX, "true"]);
    taken.close();
    expect({ code, stderr }).toEqual({
      code: 126,
      stderr: `Error: cannot listen on tcp 0.0.0.0:${port}: bind: address already in use\n`,
    });
    expect(await box.ok(["ps", "-aq"])).toBe("");
  });

  requires("unprivileged", "overlay", "busybox").test(
    "below the limit says how an administrator opens it",
    async () => {
      const limit = Number(readFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "utf8"));
      if (limit <= 80) return;
      const { code, stderr } = await box.kelp(["run", "--rm", "-p", "80:80", BUSYBOX, "true"]);
      expect({ code, told: stderr.includes("net.ipv4.ip_unprivileged_port_start=80") }).toEqual({
        code: 126,
        told: true,
      });
    },
  );

  test("ps shows what is exposed and not published, as podman 5.8 does", async () => {
    const exposed = ["1234", "90-92", "80", "53/udp", "91/udp"].flatMap((port) => ["--expose", port]);
    await box.ok(["create", "--name", "e510", ...exposed, "-p", "18080:80", BUSYBOX, "true"]);
    const shown = ["ps", "-a", "--filter", "name=e510", "--format"];
    expect(await box.ok([...shown, "{{.Ports}}"])).toBe(
      "0.0.0.0:18080->80/tcp, 90-92/tcp, 1234/tcp, 53/udp, 91/udp",
    );
    const [row] = JSON.parse(await box.ok([...shown, "json"]));
    expect(row.ExposedPorts).toMatchObject({ "91": ["tcp", "udp"], "1234": ["tcp"] });
    await box.ok(["rm", "e510"]);
  });

  test("without a number is a free one; ranges and all exposed ports are published", async () => {
    const low = next;
    next += 3;
    const flags = ["-p", "80", "-p", "80", "-p", `${low}-${low + 2}:7000-7002`, "-P", "--expose", "90/udp"];
    await box.ok(["run", "-d", "--name", "p510", ...flags, BUSYBOX, "sleep", "60"]);
    const lines = (await box.ok(["port", "p510"])).split("\n").sort();
    expect(lines.map((line) => line.replace(/:\d+$/, ""))).toEqual([
      "7000/tcp -> 0.0.0.0",
      "7001/tcp -> 0.0.0.0",
      "7002/tcp -> 0.0.0.0",
      "80/tcp -> 0.0.0.0",
      "90/udp -> 0.0.0.0",
    ]);
    expect(lines.slice(0, 3).map((line) => Number(line.split(":").at(-1)))).toEqual([low, low + 1, low + 2]);
    await box.ok(["rm", "-f", "-t", "0", "p510"]);
  });

  test("leaks no descriptor over hundreds of connections, however they end", async () => {
    const port = next++;
    await box.ok(["run", "-d", "--name", "l510", "-p", `${port}:80`, BUSYBOX, ...serve("cat")]);
    await answer(port, "");
    const monitor = await box.ok(["inspect", "-f", "{{.State.ConmonPid}}", "l510"]);
    const open = () => readdirSync(`/proc/${monitor}/fd`).length;
    const before = open();
    const abrupt = () =>
      new Promise<void>((resolve) => {
        const socket = connect({ port, host: "127.0.0.1" });
        socket.on("error", () => {});
        socket.on("close", () => resolve());
        socket.once("connect", () => {
          socket.write("y".repeat(1000));
          socket.resetAndDestroy();
        });
      });
    for (let round = 0; round < 10; round++)
      await Promise.all([...Array(10)].flatMap(() => [talk(port, "z"), abrupt()]));
    for (let n = 0; n < 100 && open() > before + 2; n++) await Bun.sleep(50);
    expect(open()).toBeLessThanOrEqual(before + 2); // an empty pipe is kept
    await box.ok(["rm", "-f", "-t", "0", "l510"]);
  }, 60_000);
});

describe.skipIf(!existsSync("/usr/bin/perl"))("a published UDP port", () => {
  /** A service that answers every datagram with itself. @param before what it does first */
  async function startEcho(name: string, port: number, before = ""): Promise<void> {
    const program = `use IO::Socket::INET; $s = IO::Socket::INET->new(Proto => "udp", LocalPort => 80);
      while (defined($p = $s->recv($d, 9000))) { ${before} $s->send($d, 0, $p) }`;
    const mounts = ["/usr", "/lib", "/lib64"].filter((path) => existsSync(path));
    const flags = mounts.flatMap((path) => ["-v", `${path}:${path}:ro`]);
    const publish = ["-p", `${port}:80/udp`];
    const bound = async () => (await box.ok(["exec", name, "cat", "/proc/net/udp"])).includes(":0050 ");
    await box.ok([
      "run",
      "-d",
      "--name",
      name,
      ...flags,
      ...publish,
      BUSYBOX,
      "/usr/bin/perl",
      "-e",
      program,
    ]);
    for (let n = 0; n < 100 && !(await bound()); n++) await Bun.sleep(50);
  }

  test("carries datagrams there and back, each to its own client", async () => {
    const port = next++;
    await startEcho("u510", port);
    const socket = createSocket("udp4");
    const got = new Promise<string>((resolve) => socket.once("message", (data) => resolve(data.toString())));
    const timer = setInterval(() => socket.send("hello", port, "127.0.0.1"), 100);
    expect(await Promise.race([got, Bun.sleep(5000).then(() => "nothing")])).toBe("hello");
    clearInterval(timer);
    socket.close();
    await box.ok(["rm", "-f", "-t", "0", "u510"]);
  });

  test("brings an answer to the client's own address that took its time", async () => {
    if (own === undefined || !existsSync("/usr/bin/nsenter")) return;
    const port = next++;
    await startEcho("s510", port, "sleep 3;");
    // The kernel forgets whom a datagram was from after half a minute; here at once.
    const [pid, monitor] = (
      await box.ok(["inspect", "-f", "{{.State.Pid}} {{.State.ConmonPid}}", "s510"])
    ).split(" ");
    const forget = "echo 1 >/proc/sys/net/netfilter/nf_conntrack_udp_timeout";
    const enter = ["--preserve-credentials", "-U", "-t", pid!, "nsenter", `--net=/proc/${monitor}/ns/net`];
    const { exitCode, stderr } = Bun.spawnSync(["nsenter", ...enter, "sh", "-c", forget]);
    expect({ exitCode, stderr: stderr.toString() }).toEqual({ exitCode: 0, stderr: "" });
    const socket = createSocket("udp4");
    const got = new Promise<string>((resolve) => socket.once("message", (data) => resolve(data.toString())));
    socket.send("late", port, own);
    expect(await Promise.race([got, Bun.sleep(12_000).then(() => "nothing")])).toBe("late");
    socket.close();
    await box.ok(["rm", "-f", "-t", "0", "s510"]);
  }, 60_000);
});

test("run tells of a port that cannot be had before it looks for the image in any registry", async () => {
  const port = next++;
  await box.ok(["run", "-d", "--name", "holder510", "-p", `127.0.0.1:${port}:80`, BUSYBOX, "sleep", "60"]);
  // Nothing listens there: a pull would say so.
  const image = "127.0.0.1:1/none510/none:1";
  const start = async (...flags: string[]) => {
    const { code, stdout, stderr } = await box.kelp(["run", "--rm", "--retry", "0", ...flags, image]);
    return { code, stdout, error: stderr.split("\n")[0] };
  };
  const taken = `Error: cannot listen on tcp 127.0.0.1:${port}: bind: address already in use`;
  expect(await start("-p", `127.0.0.1:${port}:80`)).toEqual({ code: 126, stdout: "", error: taken });
  expect(await start("-p", `127.0.0.1:${port - 1}-${port}:80-81`)).toEqual({
    code: 126,
    stdout: "",
    error: taken,
  });
  expect((await start("-p", "70000:80")).error).toContain("ports are numbers from 1 to 65535");
  expect((await start("--network", "none510")).error).toContain("network not found");
  for (const flags of [[], ["-p", `127.0.0.1:${port}:80/udp`], ["--network", "host", "-p", `${port}:80`]])
    expect((await start(...flags)).error).not.toContain("listen");
  await box.ok(["rm", "-ft0", "holder510"]);
});
