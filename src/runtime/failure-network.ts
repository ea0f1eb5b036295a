/** What failed operations of the network mean: published ports, the uplink, interfaces. */
import { HostError, type KelpError, SetupError } from "../base/index.ts";
import { type FailureInput, HELPER, words } from "./failure-input.ts";
import type { PlanOp } from "./plan/ops.ts";

export function explainPublish(
  { args }: Extract<PlanOp, { op: "publish" }>,
  { errno }: FailureInput,
): KelpError {
  const protocol = args.protocol === 17 ? "udp" : "tcp";
  const six = args.address.length === 16;
  const words6 = Array.from({ length: 8 }, (_, i) =>
    ((args.address[2 * i]! << 8) | args.address[2 * i + 1]!).toString(16),
  );
  const address = six
    ? `[${words6.join(":")}]`.replace("[0:0:0:0:0:0:0:", "[::").replace("::0]", "::]")
    : args.address.join(".");
  const ports = args.count > 1 ? `${args.port}-${args.port + args.count - 1}` : String(args.port);
  return publishError({ protocol, where: `${address}:${ports}`, port: args.port }, errno);
}

/**
 * A port that cannot be listened at. podman's status for what its runtime refuses is 126, and scripts look for its words.
 *
 * @param wanted `where`: address and ports, `port`: the first of them
 */
export function publishError(
  { protocol, where, port }: { readonly protocol: string; readonly where: string; readonly port: number },
  errno: number,
): KelpError {
  if (errno === 13) {
    const opened = `an administrator opens it with sysctl net.ipv4.ip_unprivileged_port_start=${port}`;
    return new SetupError(
      "privileged-port",
      `cannot expose privileged port ${where}/${protocol}: permission denied (${opened})`,
      { exitCode: 126, hint: "Or choose a port from 1024 on (kelp doctor low-ports)." },
    );
  }
  return new SetupError("port-not-free", `cannot listen on ${protocol} ${where}: bind: ${words(errno)}`, {
    exitCode: 126,
    ...(errno === 98 ? { hint: "Another program or container listens there; choose another port." } : {}),
  });
}

export function explainUplink(op: PlanOp, { plan, errno }: FailureInput): KelpError {
  const uplink = plan.ops.find((other) => other.op === "keep" && other.stage === "uplink");
  const program = uplink?.op === "keep" ? uplink.args.argv[0] : "the uplink";
  const reason =
    errno >= HELPER
      ? `it exited with status ${errno - HELPER}`
      : op.op === "awaitKept" && errno === 110
        ? "it did not get ready in time"
        : words(errno);
  return new HostError("uplink-failed", `cannot connect containers to the outside: ${program}: ${reason}`, {
    hint: "Give --network none or host, or look why with the program's own options.",
  });
}

export function explainTap({ args }: Extract<PlanOp, { op: "tapAdd" }>, { errno }: FailureInput): KelpError {
  return new HostError(
    "uplink-failed",
    `cannot connect containers to the outside: ${args.device}: ${words(errno)}`,
    { hint: "Give --network none or host, or look what is wrong with that device." },
  );
}

export function explainInterface(op: PlanOp, { errno }: FailureInput): KelpError {
  const args = op.args as { readonly name?: string; readonly link?: string; readonly master?: string };
  const name = args.master ? `bridge ${args.master}` : `interface ${args.link ?? args.name}`;
  return new SetupError("network-setup-failed", `cannot set up ${name}: ${words(errno)}`);
}

export function explainFilters(_op: PlanOp, { errno }: FailureInput): KelpError {
  return new HostError("no-packet-filters", `cannot set up the networks' packet filters: ${words(errno)}`, {
    hint: "The kernel needs nf_tables with masquerading and conntrack (nft_masq, nft_ct); or give --network none or host.",
  });
}
