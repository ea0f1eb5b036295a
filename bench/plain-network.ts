/** What the kernel does without any engine: the limits that networks of containers are held against. */
import { existsSync } from "node:fs";
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

/** Loopback by way of a program that splices from socket to socket and does nothing else. */
export function spliced(load: Load): number | undefined {
  if (!hasProxy()) return undefined;
  const server = startServer(PLAIN_PORT);
  const proxy = Bun.spawn([PROXY, String(PROXY_PORT), String(PLAIN_PORT)], {
    stdout: "ignore",
    stderr: "ignore",
  });
  const rate = settled(() => onHost({ ...load, host: "127.0.0.1", port: PROXY_PORT }));
  proxy.kill();
  server.kill();
  return rate;
}

/** Two namespaces, a veth pair for each, a bridge between them. $1: MTU; the others: the client's command line. */
const BRIDGED = `
own=$(readlink /proc/self/ns/net)
ip link set lo up
ip link add br0 mtu $1 type bridge && ip link set br0 up
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

export function bridged(mtu: number, load: Load): number | undefined {
  // The namespaces' processes end with the first of their process namespace.
  const within = [
    "unshare",
    "-Urnpf",
    "--mount-proc",
    "--kill-child",
    "sh",
    "-c",
    BRIDGED,
    "sh",
    String(mtu),
  ];
  return settled(() => onHost({ ...load, host: "10.9.9.1", port: PLAIN_PORT, within }));
}
