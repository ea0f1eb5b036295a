/**
 * The networks' name server. The image's programs are static: `nslookup` asks the server of resolv.conf and never looks
 * into /etc/hosts, which other tests do.
 */
import { afterEach, beforeAll, describe, expect, setDefaultTimeout } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, busyboxArchive, requires, useSandbox } from "../support/index.ts";

setDefaultTimeout(60_000);
const box = useSandbox("550-names");
const { test } = requires("overlay", "subuid", "busybox", "aardvark");
const names = join(box.runtime, "kelp", "names");

beforeAll(async () => {
  await box.ok(["load", "-i", await busyboxArchive()]);
});
afterEach(async () => {
  await box.ok(["rm", "-f", "-t", "0", "-a"]);
  await box.ok(["network", "prune", "-f"]);
});

const up = (name: string, ...flags: string[]) =>
  box.ok(["run", "-d", "--name", name, ...flags, BUSYBOX, "sleep", "300"]);
const inside = (name: string, script: string) => box.ok(["exec", name, "sh", "-c", script]);
const address = (name: string, network: string) =>
  box.ok(["inspect", "-f", `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`, name]);

/** What the server says: addresses, or nothing. */
const ask = (from: string, name: string, server = "") =>
  inside(from, `nslookup -type=a ${name} ${server} 2>/dev/null | sed -n 's/^Address: //p' | sort | xargs`);

/** The server reads its files a moment after they were written. */
async function asked(from: string, name: string, expected: string): Promise<void> {
  let found = "";
  for (let n = 0; n < 100; n++) {
    found = await ask(from, name);
    if (found === expected) return;
    await Bun.sleep(50);
  }
  expect({ [name]: found }).toEqual({ [name]: expected });
}

/** The sandbox's server, and what keeps it running. */
function servers(): { keeper: number; init: number; program: number }[] {
  const read = (pid: string | number, file: string) => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, "utf8");
    } catch {
      return "";
    }
  };
  const parent = (pid: string | number) => Number(/^PPid:\s+(\d+)/m.exec(read(pid, "status"))?.[1] ?? 0);
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid) && read(pid, "cmdline").includes(`${names}\0`))
    .map((pid) => ({ program: Number(pid), init: parent(pid), keeper: parent(parent(pid)) }));
}

async function eventually(holds: () => boolean): Promise<void> {
  for (let n = 0; n < 200 && !holds(); n++) await Bun.sleep(50);
  expect(holds()).toBe(true);
}

async function served(): Promise<{ keeper: number; init: number; program: number }> {
  await eventually(() => servers().length === 1);
  return servers()[0]!;
}

describe("the name server of a network", () => {
  test("knows its members by name, alias and short ID, and follows renames and ends", async () => {
    await box.ok(["network", "create", "n550"]);
    await up("asker", "--network", "n550");
    const id = await up("web", "--network", "n550:alias=db", "--network-alias", "Store");
    const ip = await address("web", "n550");
    for (const name of ["web", "db", "store", "STORE", id.slice(0, 12), "web.dns.podman"])
      await asked("asker", name, ip);
    expect(await inside("asker", `nslookup ${ip} | grep -c 'name = web$'`)).toBe("1");
    await box.ok(["rename", "web", "site"]);
    await asked("asker", "site", ip);
    expect(await ask("asker", "web")).toBe("");
    await box.ok(["stop", "-t", "0", "site"]);
    await asked("asker", "site", "");
    await box.ok(["start", "site"]);
    await asked("asker", "site", await address("site", "n550"));
  });

  test("gives every address of an alias that several containers share", async () => {
    await box.ok(["network", "create", "n550"]);
    for (const name of ["one", "two"]) await up(name, "--network", "n550:alias=pool");
    const all = [await address("one", "n550"), await address("two", "n550")].toSorted().join(" ");
    await asked("one", "pool", all);
  });

  test("is in resolv.conf, with the flags' search domains or podman's", async () => {
    await box.ok(["network", "create", "--subnet", "10.213.5.0/24", "n550"]);
    const shown = (...flags: string[]) =>
      box.ok(["run", "--rm", "--network", "n550", ...flags, BUSYBOX, "cat", "/etc/resolv.conf"]);
    expect((await shown()).split("\n").slice(0, 2)).toEqual([
      expect.stringMatching(/^search dns\.podman\b/),
      "nameserver 10.213.5.1",
    ]);
    const flags = ["--dns", "192.0.2.7", "--dns-search", "example.com", "--dns-option", "ndots:3"];
    expect(await shown(...flags)).toBe("search example.com\nnameserver 10.213.5.1\noptions ndots:3");
  });

  test("is joined and left by a running container, which knows the names of all its networks", async () => {
    for (const name of ["a550", "b550"]) await box.ok(["network", "create", name]);
    await up("mover", "--network", "a550");
    await up("near", "--network", "a550");
    await up("far", "--network", "b550");
    const before = await inside("mover", "cat /etc/resolv.conf");
    expect(await ask("mover", "far")).toBe("");
    await box.ok(["network", "connect", "--alias", "guest", "b550", "mover"]);
    await asked("mover", "far", await address("far", "b550"));
    await asked("mover", "near", await address("near", "a550"));
    await asked("far", "guest", await address("mover", "b550"));
    await box.ok(["network", "disconnect", "a550", "mover"]);
    await asked("mover", "far", await address("far", "b550"));
    await asked("mover", "near", "");
    await asked("near", "mover", "");
    await box.ok(["network", "connect", "a550", "mover"]);
    await box.ok(["network", "disconnect", "b550", "mover"]);
    expect(await inside("mover", "cat /etc/resolv.conf")).toBe(before);
  });

  test("serves a container that comes from the default network, which has none", async () => {
    await up("plain");
    expect(servers()).toEqual([]);
    expect(await inside("plain", "cat /etc/resolv.conf")).not.toContain("dns.podman");
    await box.ok(["network", "create", "n550"]);
    await box.ok(["network", "connect", "n550", "plain"]);
    await asked("plain", "plain", await address("plain", "n550"));
    expect(await inside("plain", "cat /etc/resolv.conf")).toContain("dns.podman");
  });

  test("serves a container in another's network, by that one's own files", async () => {
    await box.ok(["network", "create", "n550"]);
    await up("owner", "--network", "n550");
    await up("guest", "--network", "container:owner");
    await up("second", "--network", "container:guest");
    await up("near", "--network", "n550");
    const ip = await address("near", "n550");
    for (const name of ["guest", "second"]) {
      await asked(name, "near", ip);
      expect(await inside(name, "grep -w near /etc/hosts | cut -f 1")).toBe(ip);
    }
    await up("apart", "--network", "container:owner", "--add-host", "other:192.0.2.1");
    expect(await inside("apart", "grep -c -e near -e other /etc/hosts")).toBe("1");
  });

  test("does not run for networks without names", async () => {
    await box.ok(["network", "create", "--disable-dns", "n550"]);
    await up("nameless", "--network", "n550");
    expect(await inside("nameless", "cat /etc/resolv.conf")).not.toContain("dns.podman");
    expect(servers()).toEqual([]);
  });

  test("hears nothing of a network that is gone, whatever was left of it", async () => {
    await box.ok(["network", "create", "--subnet", "10.213.6.0/24", "n550"]);
    mkdirSync(names, { recursive: true, mode: 0o700 });
    writeFileSync(join(names, "0".repeat(32)), "10.213.6.1 10.0.2.3\nx 10.213.6.9  ghost\n");
    await up("one", "--network", "n550");
    await asked("one", "one", await address("one", "n550"));
    expect(await ask("one", "ghost")).toBe("");
  });

  test("ends with its last container, and nothing of it is left", async () => {
    await box.ok(["network", "create", "n550"]);
    await up("last", "--network", "n550");
    await up("other");
    const { keeper } = await served();
    await box.ok(["rm", "-f", "-t", "0", "last"]);
    await eventually(() => servers().length === 0 && !readdirSync("/proc").includes(String(keeper)));
    expect(readdirSync(names)).toEqual([]);
    // The next container of such a network, in the same namespace, has one again.
    await up("again", "--network", "n550");
    await asked("again", "again", await address("again", "n550"));
    await box.ok(["kill", "again", "other"]);
    await eventually(() => servers().length === 0);
  });

  test("has no power but to listen, and nobody's privileges to gain", async () => {
    await box.ok(["network", "create", "n550"]);
    await up("one", "--network", "n550");
    const { program } = await served();
    const status = readFileSync(`/proc/${program}/status`, "utf8");
    const field = (name: string) => new RegExp(`^${name}:\\s+(\\w+)`, "m").exec(status)?.[1];
    expect([field("CapBnd"), field("CapPrm"), field("NoNewPrivs")]).toEqual([
      "0000000000000400",
      "0000000000000400",
      "1",
    ]);
  });
});

describe("when the name server is killed", () => {
  test("it comes back by itself, and neighbours are found all the time", async () => {
    await box.ok(["network", "create", "n550"]);
    for (const name of ["one", "two"]) await up(name, "--network", "n550");
    const ip = await address("two", "n550");
    await asked("one", "two", ip);
    for (const whom of ["program", "init"] as const) {
      const first = await served();
      process.kill(first[whom], "SIGKILL");
      expect(await inside("one", "grep -w two /etc/hosts | cut -f 1")).toBe(ip);
      await eventually(() => servers().length === 1 && servers()[0]!.program !== first.program);
      expect((await served()).keeper).toBe(first.keeper);
      await asked("one", "two", ip);
    }
  });

  test("with its keeper, it goes and comes back with the next command that looks after networks", async () => {
    await box.ok(["network", "create", "n550"]);
    await up("one", "--network", "n550");
    for (const command of [
      ["network", "reload", "one"],
      ["run", "--rm", "--network", "n550", BUSYBOX, "true"],
    ]) {
      process.kill((await served()).keeper, "SIGKILL");
      await eventually(() => servers().length === 0);
      await box.ok(command);
      await asked("one", "one", await address("one", "n550"));
    }
  });
});

describe("without the name server", () => {
  const config = join(box.env.XDG_CONFIG_HOME!, "containers", "containers.conf");

  test("names are in /etc/hosts, and running containers change over by network reload", async () => {
    mkdirSync(join(config, ".."), { recursive: true });
    writeFileSync(config, '[engine]\nhelper_binaries_dir = ["/nowhere"]\n');
    try {
      await box.ok(["network", "create", "n550"]);
      for (const name of ["one", "two"]) await up(name, "--network", "n550");
      const ip = await address("two", "n550");
      expect(servers()).toEqual([]);
      expect(await inside("one", "cat /etc/resolv.conf")).not.toContain("dns.podman");
      expect(await inside("one", "grep -w two /etc/hosts | cut -f 1")).toBe(ip);
      rmSync(config);
      await box.ok(["network", "reload", "-a"]);
      await asked("one", "two", ip);
    } finally {
      rmSync(config, { force: true });
    }
  });
});
