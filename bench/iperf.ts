/** iperf3, the machine's own, on both sides of a connection. */
import type { Subprocess } from "bun";

const SECONDS = 2;
const ATTEMPTS = 20;

export const SERVER = Bun.which("iperf3") ?? "iperf3";

/** What goes over the wire at once. */
export interface Load {
  readonly streams: number;
  readonly udp: boolean;
}

export interface Client extends Load {
  readonly host: string;
  readonly port: number;
  /** What runs it, in front of its own command line. */
  readonly within?: readonly string[];
}

export const serverCommand = (port: number) => [SERVER, "-s", "-p", String(port)];

export const clientCommand = ({ host, port, streams, udp }: Omit<Client, "within">) => [
  ...[SERVER, "-J", "-c", host, "-p", String(port), "-t", String(SECONDS), "-P", String(streams)],
  ...(udp ? ["-u", "-b", "0", "-l", "1400"] : []),
];

export function startServer(port: number): Subprocess {
  return Bun.spawn(serverCommand(port), { stdout: "ignore", stderr: "ignore" });
}

/** Its report. */
export function onHost({ within = [], ...client }: Client): string {
  const { stdout, success } = Bun.spawnSync([...within, ...clientCommand(client)], { stderr: "ignore" });
  if (!success) throw new Error("iperf3");
  return stdout.toString();
}

/** Gbit/s that arrived. */
function arrived(json: string): number | undefined {
  const { end } = JSON.parse(json) as {
    end: {
      sum_received?: { bits_per_second: number };
      sum?: { bits_per_second: number; lost_percent: number };
    };
  };
  if (end.sum?.lost_percent !== undefined)
    return (end.sum.bits_per_second * (100 - end.sum.lost_percent)) / 1e11;
  return end.sum_received === undefined ? undefined : end.sum_received.bits_per_second / 1e9;
}

/** Gbit/s of a client's report. One that fails (its server is not up yet) is run again; undefined: it never worked. */
export function settled(report: () => string): number | undefined {
  for (let left = ATTEMPTS; left > 0; left--) {
    try {
      return arrived(report());
    } catch {
      Bun.sleepSync(100);
    }
  }
  return undefined;
}
