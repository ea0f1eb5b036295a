import { afterAll, beforeAll, describe, expect, setDefaultTimeout } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { networkInterfaces } from "node:os";
import { BUSYBOX, busyboxArchive, requires, useSandbox } from "../support/index.ts";

setDefaultTimeout(30_000);
const box = useSandbox("520-own-stack");
const slirp = requires("overlay", "subuid", "busybox", "slirp4netns", "tun");
const pasta = requires("overlay", "subuid", "busybox", "pasta", "tun");

/** A server on the host's loopback only, and one everywhere. */
let loopback: Server;
let everywhere: Server;
let [closed, open] = [0, 0];
let next = 14_000 + (process.pid % 100) * 20;
const own = Object.values(networkInterfaces())
  .flatMap((entries) => entries ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address;

function listen(host: string): Promise<[Server, number]> {
  return new Promise((resolve) => {
    const server = createServer((_request, response) => response.end("from outside"));
    server.listen(0, host, () => resolve([server, (server.address() as { port: number }).port]));
  });
}

beforeAll(async () => {
  await box.ok(["load", "-i", await busyboxArchive()]);
  [loopback, closed] = await listen("127.0.0.1");
  [everywhere, open] = await listen("0.0.0.0");
});
afterAll(() => {
  loopback.close();
  everywhere.close();
});

const sh = (script: string, ...flags: string[]) =>
  box.kelp(["run", "--rm", ...flags, BUSYBOX, "sh", "-c", script]);
const fetch = (address: string, port: number) =>
  `timeout 3 wget -qO- http://${address}:${port}/ 2>/dev/null || echo closed`;
const service = ["sh", "-c", "mkdir /w; echo inside >/w/index.html; exec httpd -f -p 80 -h /w"];

/** Programs that work for this sandbox's containers. */
function programs(name: string): number[] {
  const read = (pid: string, file: string) => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, "utf8");
    } catch {
      return "";
    }
  };
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid) && read(pid, "cmdline").includes(name))
    .filter((pid) => {
      const parent = /^PPid:\s+(\d+)/m.exec(read(pid, "status"))?.[1] ?? "0";
      return read(parent, "cmdline").includes(box.directory);
    })
    .map(Number);
}

async function get(port: number): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await (await globalThis.fetch(`http://127.0.0.1:${port}/`)).text();
    } catch (error) {
      if (attempt === 100) throw error;
      await Bun.sleep(50);
    }
  }
}

async function publishes(mode: string, program: string): Promise<void> {
  const port = next++;
  const flags = ["--network", mode, "-p", `${port}:80`];
  await box.ok(["run", "-d", "--name", "p520", ...flags, BUSYBOX, ...service]);
  expect(await get(port)).toBe("inside\n");
  expect(await sh("true", ...flags)).toEqual({
    code: 126,
    stdout: "",
    stderr: `Error: cannot listen on tcp 0.0.0.0:${port}: bind: address already in use\n`,
  });
  // The port is free again at once, whoever listened at it.
  for (let round = 0; round < 8; round++) await box.ok(["restart", "-t", "0", "p520"]);
  expect(await get(port)).toBe("inside\n");
  await box.ok(["rm", "-f", "-t", "0", "p520"]);
  expect(programs(program)).toEqual([]);
}

describe("slirp4netns of one's own", () => {
  slirp.test(
    "has its own address, reaches the host, and never its loopback unless it is asked to",
    async () => {
      const script = `ip -4 -o addr show tap0 | sed 's/.*inet \\([^ ]*\\).*/\\1/'; ${fetch(own ?? "", open)}; echo; ${fetch("10.0.2.2", closed)}`;
      const lines = async (mode: string) => (await sh(script, "--network", mode)).stdout.trim().split("\n");
      expect(await lines("slirp4netns")).toEqual(["10.0.2.100/24", "from outside", "closed"]);
      expect(await lines("slirp4netns:allow_host_loopback=true")).toEqual([
        "10.0.2.100/24",
        "from outside",
        "from outside",
      ]);
    },
  );

  slirp.test("takes its options", async () => {
    const script = "ip -o addr show tap0; ip link show tap0; cat /etc/resolv.conf; ip -6 route";
    const { stdout } = await sh(
      script,
      "--network",
      "slirp4netns:cidr=10.5.0.0/24,mtu=1400,enable_ipv6=false",
    );
    expect(stdout).toContain("inet 10.5.0.100/24");
    expect(stdout).toContain("mtu 1400");
    expect(stdout).toContain("nameserver 10.5.0.3");
    expect(stdout).not.toContain("fd00::");
    expect(await sh("true", "--network", "slirp4netns:nosuch=1")).toMatchObject({
      code: 125,
      stderr: expect.stringContaining('unknown option for slirp4netns: "nosuch=1"'),
    });
  });

  slirp.test("publishes ports, again and again", () => publishes("slirp4netns", "slirp4netns"), 60_000);

  slirp.test("comes back by itself when its program is killed", async () => {
    await box.ok(["run", "-d", "--name", "k520", "--network", "slirp4netns", BUSYBOX, "sleep", "90"]);
    const reached = () => box.ok(["exec", "k520", "sh", "-c", fetch(own ?? "", open)]);
    expect(await reached()).toBe("from outside");
    const [first] = programs("slirp4netns");
    process.kill(first!, "SIGKILL");
    let got = "closed";
    for (let attempt = 0; attempt < 20 && got === "closed"; attempt++) got = await reached();
    expect(got).toBe("from outside");
    await box.ok(["rm", "-f", "-t", "0", "k520"]);
    expect(programs("slirp4netns")).toEqual([]);
  });
});

describe("pasta of one's own", () => {
  pasta.test("has the host's address and none of its loopback's services", async () => {
    const script = `ip -4 -o addr; ${["127.0.0.1", "169.254.1.2"].map((address) => fetch(address, closed)).join("; ")}`;
    const { stdout } = await sh(script, "--network", "pasta");
    expect(stdout).toContain(`inet ${own}/`);
    expect(stdout.trim().split("\n").slice(-2)).toEqual(["closed", "closed"]);
  });

  pasta.test("publishes ports, again and again", () => publishes("pasta", "pasta"), 60_000);

  pasta.test("takes pasta's options but those by which kelp holds it", async () => {
    const address = await sh(
      "ip -4 -o addr show eth9",
      "--network",
      "pasta:-I,eth9,-a,10.9.9.9,-n,24,-g,10.9.9.1",
    );
    expect(address.stdout).toContain("inet 10.9.9.9/24");
    expect(await sh("true", "--network", "pasta:--netns,/proc/1/ns/net")).toEqual({
      code: 125,
      stdout: "",
      stderr: expect.stringContaining("cannot give pasta the option --netns: it is kelp's to give"),
    });
    expect(await sh("true", "--network", "pasta:--no-such-option")).toMatchObject({
      code: 125,
      stderr: expect.stringContaining("pasta: it exited with status 1"),
    });
    expect(programs("pasta")).toEqual([]);
  });
});
