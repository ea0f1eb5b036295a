/** What the kernel does without any engine: the limits that networks of containers are held against. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Load, onHost, SERVER, settled, startServer } from "./iperf.ts";

const NATIVE = join(import.meta.dir, "../native");
const PROXY = join(NATIVE, "build/splice-proxy");
const PROXY_PORT = 25_211;
const PLAIN_PORT = 25_212;

/** The machine's loopback: a copy in, a copy out. */
export function loopback(load: Load): number | undefined {
  const server = startServer(PLAIN_PORT);
  const rate = settled(() => onHost({ ...load, host: "127.0.0.1", port: PLAIN_PORT }));
  server.kill();
  return rate;
}

/** Builds it where there is a compiler; a checkout that is copied to another root brings it along. */
function hasProxy(): boolean {
  if (Bun.which("make") !== null) Bun.spawnSync(["make", "-s", "-C", NATIVE, "build/splice-proxy"]);
  return existsSync(PROXY);
}

const QUIET = { stdout: "ignore", stderr: "ignore" } as const;

/** Loopback by way of a program that splices from socket to socket and does nothing else. */
export function spliced(load: Load): number | undefined {
  if (!hasProxy()) return undefined;
  const server = startServer(PLAIN_PORT);
  const proxy = Bun.spawn([PROXY, String(PROXY_PORT), String(PLAIN_PORT)], QUIET);
  const rate = settled(() => onHost({ ...load, host: "127.0.0.1", port: PROXY_PORT }));
  proxy.kill();
  server.kill();
  return rate;
}

/** Two namespaces, a veth pair for each, a bridge between them. $1: MTU; the others: what runs in the second. */
const BRIDGED = `
own=$(readlink /proc/self/ns/net)
ip link set lo up
ip link add br0 mtu $1 type bridge && ip addr add 10.9.9.254/24 dev br0 && ip link set br0 up
for n in 1 2; do
  unshare -n sleep 60 & pid=$!
  while [ "$(readlink /proc/$pid/ns/net)" = "$own" ]; do sleep 0.01; done
  ip link add port$n mtu $1 master br0 type veth peer name eth0 mtu $1 netns $pid && ip link set port$n up
  nsenter -t $pid -n ip addr add 10.9.9.$n/24 dev eth0
  nsenter -t $pid -n ip link set eth0 up
  [ $n = 1 ] && nsenter -t $pid -n ${SERVER} -s -p ${PLAIN_PORT} >/dev/null 2>&1 &
done
shift
sleep 0.3
nsenter -t $pid -n "$@"
`;

const SERVER_THERE = "10.9.9.1";

/** The namespaces' processes end with the first of their process namespace. */
const withBridge = (mtu: number) => [
  ...["unshare", "-Urnpf", "--mount-proc", "--kill-child"],
  ...["sh", "-c", BRIDGED, "sh", String(mtu)],
];

export function bridged(mtu: number, load: Load): number | undefined {
  return settled(() => onHost({ ...load, host: SERVER_THERE, port: PLAIN_PORT, within: withBridge(mtu) }));
}

/** As `spliced`, but on to a namespace beyond a bridge: what an engine with bridges can reach. */
export function splicedOverBridge(load: Load): number | undefined {
  if (!hasProxy()) return undefined;
  const network = Bun.spawn([...withBridge(65520), "sleep", "60"], QUIET);
  const inside = firstChild(network.pid);
  const to = [String(PROXY_PORT), String(PLAIN_PORT), SERVER_THERE, `/proc/${inside}/ns/net`];
  const proxy = Bun.spawn(["nsenter", "--preserve-credentials", "-U", "-t", inside, PROXY, ...to], QUIET);
  const rate = settled(() => onHost({ ...load, host: "127.0.0.1", port: PROXY_PORT }));
  proxy.kill();
  network.kill("SIGKILL");
  return rate;
}

function firstChild(pid: number): string {
  for (;;) {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ");
    if (child) return child;
    Bun.sleepSync(10);
  }
}
