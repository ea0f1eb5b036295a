/** What changes around running containers: the host's addresses, routes and name servers, in a network of the test's own. */
import { beforeAll, describe, expect, setDefaultTimeout } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, busyboxArchive, KELP, requires, useSandbox } from "../support/index.ts";

setDefaultTimeout(90_000);
const box = useSandbox("530-recovery");
const { test } = requires("overlay", "subuid", "busybox", "slirp4netns", "tun");
const { test: hosted } = requires("overlay", "subuid", "busybox", "slirp4netns", "tun", "unprivileged");
const { test: named } = requires(
  "overlay",
  "subuid",
  "busybox",
  "slirp4netns",
  "tun",
  "unprivileged",
  "aardvark",
);
let archive = "";

beforeAll(async () => {
  archive = await busyboxArchive();
  await box.ok(["load", "-i", archive]);
});

/**
 * Answers every question with the address given, and says on TCP port 7000 by which address it was reached. Its name servers'
 * file is a copy, which the script may write to.
 */
const SERVER = `
const { createSocket } = require("node:dgram");
const { createServer } = require("node:net");
const [address] = process.argv.slice(2);
const answer = address.split(".").map(Number);
createServer((socket) => socket.end(socket.localAddress + "\\n")).listen(7000, "::", () => console.log("ready"));
const socket = createSocket("udp4");
socket.on("message", (question, from) => {
  let end = 12;
  while (question[end] !== 0) end += question[end] + 1;
  const asked = question.subarray(12, end + 5);
  const isA = asked[asked.length - 3] === 1;
  const head = Buffer.from([question[0], question[1], 0x81, 0x80, 0, 1, 0, isA ? 1 : 0, 0, 0, 0, 0]);
  const found = isA ? Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ...answer]) : Buffer.alloc(0);
  socket.send(Buffer.concat([head, asked, found]), from.port, from.address);
});
socket.bind(53, address);
`;

/** A host of its own: a user, network and mount namespace with one bridge that has addresses and a default route. */
async function onHostOfItsOwn(script: string): Promise<string[]> {
  const server = join(box.directory, "server.js");
  writeFileSync(server, SERVER);
  const resolv = join(box.directory, "resolv.conf");
  const begin = `
    set -e
    ip link set lo up; ip link add br0 type bridge; ip link set br0 up
    echo 0 >/proc/sys/net/ipv6/conf/br0/accept_dad
    move() { ip addr flush dev br0 scope global; for a; do ip addr add $a dev br0; done; }
    serve() { echo "nameserver $1" >${resolv}; bun ${server} $1 >${resolv}.log & s=$!; n=0
      while ! grep -q ready ${resolv}.log; do sleep 0.05; n=$((n+1)); [ $n -lt 400 ]; done; }
    end() { kill $s; wait $s 2>/dev/null || true; }
    inside() { kelp exec r sh -c "$1"; }
    say() { inside "timeout 5 nc $1 7000 </dev/null || echo unreachable"; }
    ask() { inside "timeout 5 nslookup $1 10.0.2.3 2>/dev/null | sed -n 's/^Address: \\\\([0-9.]*\\\\)\\$/\\\\1/p'"; }
    touch ${resolv}; mount --bind ${resolv} /etc/resolv.conf
    kelp load -q -i ${archive} >/dev/null
  `;
  const path = join(box.directory, "script.sh");
  const bun = process.execPath;
  writeFileSync(
    path,
    `kelp() { ${KELP} "$@"; }; bun() { exec ${bun} "$@"; }\n${begin}${script}\nkelp rm -f -t 0 -a >/dev/null; rm -rf $HOME $XDG_RUNTIME_DIR\n`,
  );
  const runtime = join(box.directory, "own-runtime");
  const env = { ...process.env, HOME: join(box.directory, "own-home"), XDG_RUNTIME_DIR: runtime };
  Bun.spawnSync(["mkdir", "-p", "-m", "700", runtime, env.HOME]);
  const child = Bun.spawn(["unshare", "-Urnm", "bash", path], { env, stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  // Some shells tell of programs that were ended.
  const told = stderr.replace(/^Terminated\n/gm, "");
  expect({ code: await child.exited, told }).toEqual({ code: 0, told: "" });
  return stdout.trim().split("\n");
}

describe("a running container", () => {
  hosted("follows the host's addresses and routes without being told", async () => {
    const lines = await onHostOfItsOwn(`
      move 198.51.100.1/24; ip route add default via 198.51.100.254; serve 198.51.100.1
      kelp run -d --name r ${BUSYBOX} sleep 300 >/dev/null
      say 198.51.100.1
      move 203.0.113.9/24; ip route add default via 203.0.113.254
      say 203.0.113.9
      say 198.51.100.1
      end
    `);
    expect(lines).toEqual(["::ffff:198.51.100.1", "::ffff:203.0.113.9", "unreachable"]);
  });

  hosted("follows the host's name servers", async () => {
    const lines = await onHostOfItsOwn(`
      move 198.51.100.1/24 198.51.100.2/24; ip route add default via 198.51.100.254; serve 198.51.100.1
      kelp run -d --name r ${BUSYBOX} sleep 300 >/dev/null
      ask one.example
      end; serve 198.51.100.2; sleep 2
      ask two.example
      end
    `);
    expect(lines).toEqual(["198.51.100.1", "198.51.100.2"]);
  });

  named(
    "asks the host's name servers through its network's own, also when that is gone, and never from an internal one",
    async () => {
      const lines = await onHostOfItsOwn(`
      move 198.51.100.1/24; ip route add default via 198.51.100.254; serve 198.51.100.1
      kelp network create n >/dev/null; kelp network create --internal closed >/dev/null
      here() { inside "timeout 20 nslookup -type=a $1 2>/dev/null | sed -n 's/^Address: //p'"; }
      until_is() { for n in $(seq 100); do [ "$(here $1)" = "$2" ] && break; sleep 0.1; done; here $1; }
      keeper() { p=$(pgrep -f "$XDG_RUNTIME_DIR/kelp/names"); p=$(ps -o ppid= -p $p); ps -o ppid= -p $p; }
      kelp run -d --name r --network n ${BUSYBOX} sleep 300 >/dev/null
      until_is r "$(kelp inspect -f '{{.NetworkSettings.Networks.n.IPAddress}}' r)"
      here one.example
      kill -9 $(keeper)
      while pgrep -f "$XDG_RUNTIME_DIR/kelp/names" >/dev/null; do sleep 0.05; done
      here two.example
      kelp rm -f -t 0 r >/dev/null
      kelp run -d --name r --network closed ${BUSYBOX} sleep 300 >/dev/null
      until_is r "$(kelp inspect -f '{{.NetworkSettings.Networks.closed.IPAddress}}' r)"
      echo "closed: $(here three.example)"
      kill -9 $(keeper)
      while pgrep -f "$XDG_RUNTIME_DIR/kelp/names" >/dev/null; do sleep 0.05; done
      echo "closed: $(here four.example)"
      end
    `);
      expect(lines).toEqual([
        "10.89.0.2",
        "198.51.100.1",
        "198.51.100.1",
        "10.89.1.2",
        "closed: ",
        "closed:",
      ]);
    },
  );

  hosted("reaches the host's IPv6 from a network that has it, and not from others", async () => {
    const lines = await onHostOfItsOwn(`
      move 198.51.100.1/24 2001:db8:7::1/64; ip route add default via 198.51.100.254
      ip -6 route add default via 2001:db8:7::ff; serve 198.51.100.1
      kelp network create --ipv6 six >/dev/null
      kelp run -d --name r --network six ${BUSYBOX} sleep 300 >/dev/null
      say 2001:db8:7::1
      kelp rm -f -t 0 r >/dev/null
      kelp run -d --name r ${BUSYBOX} sleep 300 >/dev/null
      say 2001:db8:7::1 2>/dev/null
      end
    `);
    expect(lines).toEqual(["2001:db8:7::1", "unreachable"]);
  });

  test("keeps its network when the monitor that made it is killed, and that container starts again", async () => {
    const port = 16_000 + (process.pid % 200) * 10;
    const web = ["sh", "-c", "mkdir /w; echo hello >/w/index.html; exec httpd -f -p 80 -h /w"];
    await box.ok(["run", "-d", "--name", "first", "-p", `${port}:80`, BUSYBOX, ...web]);
    await box.ok(["run", "-d", "--name", "second", "-p", `${port + 1}:80`, BUSYBOX, ...web]);
    const get = async (to: number) => {
      for (let n = 0; n < 100; n++) {
        const text = await fetch(`http://127.0.0.1:${to}/`).then(
          (response) => response.text(),
          () => "",
        );
        if (text !== "") return text;
        await Bun.sleep(50);
      }
      return "nothing";
    };
    expect([await get(port), await get(port + 1)]).toEqual(["hello\n", "hello\n"]);
    process.kill(Number(await box.ok(["inspect", "-f", "{{.State.ConmonPid}}", "first"])), "SIGKILL");
    expect(await get(port + 1)).toBe("hello\n");
    for (
      let n = 0;
      n < 100 && (await box.ok(["inspect", "-f", "{{.State.Status}}", "first"])) !== "exited";
      n++
    )
      await Bun.sleep(50);
    // Whoever noticed its end has taken its entries away.
    const entries = (name: string) => readdirSync(join(box.runtime, "kelp", name)).length;
    expect([entries("net"), entries("live")]).toEqual([1, 1]);
    await box.ok(["start", "first"]);
    expect([await get(port), await get(port + 1)]).toEqual(["hello\n", "hello\n"]);
    await box.ok(["rm", "-f", "-t", "0", "first", "second"]);
  });
});
