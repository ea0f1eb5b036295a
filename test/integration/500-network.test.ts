import { afterAll, beforeAll, describe, expect, setDefaultTimeout } from "bun:test";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { BUSYBOX, busyboxArchive, requires, useSandbox } from "../support/index.ts";

setDefaultTimeout(20_000);
const box = useSandbox("500-network");
const { test } = requires("overlay", "subuid", "busybox");
const outside = requires("overlay", "subuid", "busybox", "slirp4netns", "tun");

/** A server of the host, on its loopback and on its own address. */
let server: Server;
let port = 0;
const own = Object.values(networkInterfaces())
  .flatMap((entries) => entries ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address;

/** A virtual machine may be where the uplink is, which is refused for that. */
const HOST_SUBNET = own === undefined || own.startsWith("10.0.2.") ? [] : [`${own}/30`];

beforeAll(async () => {
  await box.ok(["load", "-i", await busyboxArchive()]);
  server = createServer((_request, response) => response.end("from outside"));
  await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve));
  port = (server.address() as { port: number }).port;
});
afterAll(() => server.close());

const sh = (script: string, ...flags: string[]) =>
  box.kelp(["run", "--rm", ...flags, BUSYBOX, "sh", "-c", script]);
const service = ["httpd", "-f", "-p", "80", "-h", "/etc"];
const reach = (address: string) =>
  `timeout 2 wget -qO- http://${address}/hostname >/dev/null 2>&1 && echo yes || echo no`;
const fetch = (address: string) =>
  `timeout 3 wget -qO- http://${address}:${port}/ 2>/dev/null || echo closed`;

/** Processes that belong to this sandbox's uplink. */
function uplinks(): { keeper: number; program: number }[] {
  const all = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const read = (pid: string, file: string) => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, "utf8");
    } catch {
      return "";
    }
  };
  const parent = (pid: string) => /^PPid:\s+(\d+)/m.exec(read(pid, "status"))?.[1] ?? "0";
  return all.flatMap((pid) => {
    const keeper = parent(parent(pid)); // the program lives under an init of its own
    return read(pid, "cmdline").includes("slirp4netns") && read(keeper, "cmdline").includes(box.directory)
      ? [{ keeper: Number(keeper), program: Number(pid) }]
      : [];
  });
}

/** The process that starts the uplink when it is needed: it has locked a file that says so. */
function keeperOfUplink(): string | undefined {
  const lock = join(box.runtime, "kelp", "uplink.lock");
  return readdirSync("/proc").find((pid) => {
    try {
      return (
        readlinkSync(`/proc/${pid}/fd/6`) === lock && readlinkSync(`/proc/${pid}/fd/5`).startsWith("net:")
      );
    } catch {
      return false;
    }
  });
}

async function eventually(holds: () => boolean): Promise<void> {
  for (let n = 0; n < 100 && !holds(); n++) await Bun.sleep(50);
  expect(holds()).toBe(true);
}

describe("the default network", () => {
  test("gives every container an interface, an address and a way out of its own", async () => {
    const script = "ip -4 -o addr show eth0 | sed 's/.*inet \\([^ ]*\\).*/\\1/'; ip route | grep -c ^default";
    const { code, stdout, stderr } = await sh(script);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^10\.88\.\d+\.\d+\/16\n1\n$/);
  });

  test("takes no IPv6 address that nobody asked for", async () => {
    expect(await sh("cat /proc/sys/net/ipv6/conf/eth0/disable_ipv6")).toMatchObject({ stdout: "1\n" });
  });

  outside.test("reaches the host by its address, and never its loopback", async () => {
    const script = [own ?? "", "127.0.0.1", "10.0.2.2", "10.88.0.1"].map((address) => fetch(address));
    const { stdout } = await sh(script.join("; echo; "));
    expect(stdout.split("\n").filter((line) => line !== "")).toEqual([
      "from outside",
      "closed",
      "closed",
      "closed",
    ]);
  });

  test("is used by no container with --network none or host", async () => {
    expect(
      await sh("ls /sys/class/net | tr '\\n' ' '; ip -o link | wc -l", "--network", "none"),
    ).toMatchObject({
      code: 0,
    });
    const none = await sh("ip -o link | wc -l", "--network", "none");
    const host = await sh(fetch("127.0.0.1"), "--network", "host");
    expect([none.stdout, host.stdout]).toEqual(["1\n", "from outside"]);
  });

  test("leaves the image's own resolv.conf with --dns none", async () => {
    expect(
      await sh("ls /etc/resolv.conf 2>&1 || grep -c resolv.conf /proc/self/mounts", "--dns", "none"),
    ).toEqual({
      code: 1,
      stdout: "ls: /etc/resolv.conf: No such file or directory\n0\n",
      stderr: "",
    });
    expect(await sh("true", "--dns", "none", "--dns", "192.0.2.1")).toEqual({
      code: 125,
      stdout: "",
      stderr: "Error: --dns none leaves no room for name servers: give one or the other\n",
    });
  });

  test("cannot be removed", async () => {
    expect(await box.kelp(["network", "rm", "kelp"])).toEqual({
      code: 125,
      stdout: "",
      stderr: "Error: default network kelp cannot be removed\n",
    });
  });
});

describe("a network of its own", () => {
  test("lets its containers find one another by name, alias and short ID, also after a rename", async () => {
    await box.ok(["network", "create", "n500"]);

    const id = await box.ok([
      "run",
      "-d",
      "--name",
      "a500",
      "--network",
      "n500:alias=db",
      BUSYBOX,
      ...service,
    ]);
    // A static program asks no name service: the names are looked up by hand.
    const find = (name: string) =>
      sh(`a=$(grep -w ${name} /etc/hosts | cut -f 1); ${reach("$a")}`, "--network", "n500");
    for (const name of ["a500", "db", id.slice(0, 12)])
      expect(await find(name)).toMatchObject({ stdout: "yes\n" });
    await box.ok(["rename", "a500", "b500"]);
    expect(await find("b500")).toMatchObject({ stdout: "yes\n" });
    expect(await find("a500")).toMatchObject({ stdout: "no\n" });
    await box.ok(["rm", "-f", "-t", "0", "b500"]);
    await box.ok(["network", "rm", "n500"]);
  });

  test("tells every member of every other, however many come and go at once", async () => {
    await box.ok(["network", "create", "crowd500"]);
    const names = Array.from({ length: 10 }, (_, n) => `crowd500-${n}`);
    const known = async (name: string) =>
      (await box.ok(["exec", name, "cat", "/etc/hosts"])).match(/\bcrowd500-\d+\b/g)?.toSorted();
    await Promise.all(
      names.map((name) =>
        box.ok(["run", "-d", "--name", name, "--network", "crowd500", BUSYBOX, "sleep", "60"]),
      ),
    );
    for (const name of names) expect(await known(name)).toEqual(names);

    await box.ok(["stop", "-t", "0", ...names.slice(0, 6)]);
    for (const name of names.slice(6)) expect(await known(name)).toEqual(names.slice(6));
    await Promise.all(names.slice(6, 8).map((name) => box.ok(["rm", "-f", "-t", "0", name])));
    for (const name of names.slice(8)) expect(await known(name)).toEqual(names.slice(8));
    await box.ok(["rm", "-f", "-t", "0", ...names.slice(0, 6), ...names.slice(8)]);
    await box.ok(["network", "rm", "crowd500"]);
  });

  outside.test("reaches nothing outside if it is internal", async () => {
    await box.ok(["network", "create", "--internal", "i500"]);
    const names = "nslookup example.org 10.0.2.3 >/dev/null 2>&1 || echo no names";
    const { stdout } = await sh(`${fetch(own ?? "")}; ${names}`, "--network", "i500");
    expect(stdout).toBe("closed\nno names\n");
    await box.ok(["network", "rm", "i500"]);
  });

  test("is out of its siblings' reach if it is isolated, and they are out of its", async () => {
    await box.ok(["network", "create", "-o", "isolate=true", "s500"]);
    await box.ok(["run", "-d", "--name", "c500", BUSYBOX, ...service]);
    await box.ok(["run", "-d", "--name", "d500", "--network", "s500", BUSYBOX, ...service]);
    const address = (name: string) =>
      box.ok(["inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", name]);
    const [open, apart] = [await address("c500"), await address("d500")];
    const seen = async (from: string, to: string) => (await sh(reach(to), "--network", from)).stdout;
    expect(await seen("kelp", open)).toBe("yes\n");
    expect(await seen("s500", apart)).toBe("yes\n");
    expect(await seen("kelp", apart)).toBe("no\n");
    expect(await seen("s500", open)).toBe("no\n");
    await box.ok(["rm", "-f", "-t", "0", "c500", "d500"]);
    await box.ok(["network", "rm", "s500"]);
  });

  test("of six addresses is filled, emptied and filled again, and says when it is full", async () => {
    await box.ok(["network", "create", "--subnet", "10.211.0.0/29", "f500"]);
    for (let round = 0; round < 3; round++) {
      const names = [0, 1, 2, 3, 4].map((n) => `f500-${round}-${n}`);
      for (const name of names)
        await box.ok(["run", "-d", "--name", name, "--network", "f500", BUSYBOX, "sleep", "90"]);
      expect(await sh("true", "--network", "f500")).toEqual({
        code: 125,
        stdout: "",
        stderr: "Error: IPAM error: failed to find free IP in range: 10.211.0.1 - 10.211.0.6\n",
      });
      await box.ok(["rm", "-f", "-t", "0", ...names]);
    }
    await box.ok(["network", "rm", "f500"]);
  }, 60_000);

  test("is not removed while a container is on it, and not found when it is gone", async () => {
    await box.ok(["network", "create", "u500"]);
    await box.ok(["create", "--name", "u500", "--network", "u500", BUSYBOX]);
    const used = await box.kelp(["network", "rm", "u500"]);
    expect({ code: used.code, stderr: used.stderr }).toEqual({
      code: 2,
      stderr:
        'Error: "u500" has associated containers with it. Use -f to forcibly delete containers and pods: network is being used\n',
    });
    await box.ok(["network", "rm", "-f", "u500"]);
    expect(await box.kelp(["network", "exists", "u500"])).toMatchObject({ code: 1, stdout: "" });
    expect(await sh("true", "--network", "u500")).toMatchObject({
      code: 125,
      stderr: expect.stringContaining("unable to find network with name or ID u500: network not found"),
    });
  });

  test("can be joined and left by a running container", async () => {
    await box.ok(["network", "create", "j500"]);
    await box.ok(["run", "-d", "--name", "j500", BUSYBOX, "sleep", "90"]);
    await box.ok(["network", "connect", "j500", "j500"]);
    const links = () => box.ok(["exec", "j500", "sh", "-c", "ip -o link | wc -l"]);
    expect(await links()).toBe("3");
    await box.ok(["network", "disconnect", "j500", "j500"]);
    expect(await links()).toBe("2");
    // Left first, joined last: the other one's interface keeps its name.
    await box.ok(["network", "connect", "j500", "j500"]);
    await box.ok(["network", "disconnect", "kelp", "j500"]);
    await box.ok(["network", "connect", "kelp", "j500"]);
    expect(
      await box.ok(["exec", "j500", "sh", "-c", "ip -o link | sed -n 's/.*\\(eth[0-9]\\).*/\\1/p'"]),
    ).toBe("eth1\neth0");
    await box.ok(["rm", "-f", "-t", "0", "j500"]);
    await box.ok(["network", "rm", "j500"]);
  });

  for (const [what, flags, message] of [
    [
      "a subnet of another",
      ["--subnet", "10.88.3.0/24"],
      "subnet 10.88.3.0/24 is already used by another network",
    ],
    [
      "the uplink's subnet",
      ["--subnet", "10.0.2.128/25"],
      "cannot use subnet 10.0.2.128/25: 10.0.2.0/24 is the uplink's",
    ],
    ...HOST_SUBNET.map(
      (own) => ["a subnet of the host's", ["--subnet", own], "is already used on the host"] as const,
    ),
    ["loopback addresses", ["--subnet", "127.5.0.0/24"], "127.0.0.0/8 is loopback"],
    [
      "packets that are too small for IPv6",
      ["--ipv6", "-o", "mtu=1200"],
      'cannot set mtu "1200": IPv6 needs',
    ],
    [
      "a route by nobody",
      ["--route", "10.1.0.0/16,10.1.1.1"],
      "gateway 10.1.1.1 is in no subnet of the network",
    ],
    ["a metric that is no number", ["-o", "metric=x"], 'cannot set metric to "x"'],
    [
      "a gateway outside",
      ["--subnet", "10.212.0.0/24", "--gateway", "10.1.1.1"],
      "gateway 10.1.1.1 not in subnet",
    ],
    ["what a user cannot have", ["-o", "vlan=5"], "cannot set network option vlan"],
    ["a driver it does not have", ["-d", "macvlan"], "cannot create a network with driver macvlan"],
  ] as const) {
    test(`is not made with ${what}`, async () => {
      const { code, stderr } = await box.kelp(["network", "create", ...flags, "x500"]);
      expect({ code, told: stderr.includes(message) }).toEqual({ code: 125, told: true });
      expect(await box.kelp(["network", "exists", "x500"])).toMatchObject({ code: 1 });
    });
  }
});

describe("the uplink", () => {
  outside.test(
    "starts with the first packet that wants to leave, which is not lost",
    async () => {
      // How often TCP had to send something again. On a busy machine the program may take its time.
      const again = "sed -n 's/^Tcp: \\([0-9].*\\)/\\1/p' /proc/net/snmp | cut -d ' ' -f 12";
      let lost = "";
      for (let round = 0; round < 3 && lost !== "0"; round++) {
        await box.ok(["run", "-d", "--name", "w500", BUSYBOX, "sleep", "90"]);
        expect(await box.ok(["exec", "w500", "sh", "-c", reach("10.88.0.1")])).toBe("no");
        expect(uplinks()).toEqual([]);
        const script = `${fetch(own ?? "")}; echo; ${again}`;
        const [said, retransmitted = ""] = (await box.ok(["exec", "w500", "sh", "-c", script])).split("\n");
        expect(said).toBe("from outside");
        expect(uplinks().length).toBe(1);
        lost = retransmitted;
        await box.ok(["rm", "-f", "-t", "0", "w500"]);
      }
      expect(lost).toBe("0");
    },
    60_000,
  );

  outside.test(
    "is reached by TCP's second try where the kernel drops the first packet, as those before 5.16 do",
    async () => {
      await box.ok(["run", "-d", "--name", "o500", BUSYBOX, "sleep", "90"]);
      const keeper = keeperOfUplink();
      // In the shared network, whose descriptor the keeper holds for the program: the older kernels' only behaviour.
      const script = "cd /proc/sys/net/ipv4/conf/tap0; echo 1 >arp_evict_nocarrier; cat arp_evict_nocarrier";
      const enter = [
        ...["nsenter", "--preserve-credentials", `--user=/proc/${keeper}/ns/user`],
        ...[`--net=/proc/${keeper}/fd/5`, "sh", "-c", script],
      ];
      // Older ones have no such setting, and nothing to set.
      expect(["1\n", ""]).toContain(Bun.spawnSync(enter, { stderr: "ignore" }).stdout.toString());
      expect(uplinks()).toEqual([]);
      const patient = fetch(own ?? "").replace("timeout 3", "timeout 15");
      expect(await box.ok(["exec", "o500", "sh", "-c", patient])).toBe("from outside");
      expect(uplinks().length).toBe(1);
      await box.ok(["rm", "-f", "-t", "0", "o500"]);
    },
    60_000,
  );

  outside.test(
    "comes back by itself when it is killed, and with the next command when its keeper is",
    async () => {
      await box.ok(["run", "-d", "--name", "k500", BUSYBOX, "sleep", "90"]);
      const reached = () => box.ok(["exec", "k500", "sh", "-c", fetch(own ?? "")]);
      expect(await reached()).toBe("from outside");
      const [first] = uplinks();
      process.kill(first!.program, "SIGKILL");
      await eventually(() => {
        const now = uplinks();
        return now.length === 1 && now[0]?.program !== first?.program;
      });
      await Bun.sleep(100);
      expect(await reached()).toBe("from outside");
      const [second] = uplinks();
      process.kill(second!.keeper, "SIGKILL");
      // The program dies with its keeper, a moment later; until then it counts as there.
      await eventually(() => !existsSync(`/proc/${second!.program}`));
      await box.ok(["network", "reload", "k500"]);
      expect(await reached()).toBe("from outside");
      await box.ok(["rm", "-f", "-t", "0", "k500"]);
    },
  );

  outside.test("ends with the last container, and nothing is left", async () => {
    await sh(fetch(own ?? ""));
    await eventually(() => uplinks().length === 0);
    expect(readdirSync(join(box.runtime, "kelp", "net"))).toEqual([]);
  });
});
