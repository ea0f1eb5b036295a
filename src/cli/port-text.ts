/** A container's ports as `ps` shows them. */
import type { ContainerRecord } from "../state/index.ts";

/** `0.0.0.0:8080->80/tcp, …`, ranges as ranges; then `53/udp` of those that are exposed and not published. */
export function portText({ config }: ContainerRecord): string {
  const { ports, exposed = [] } = config.network;
  const published = ports.map(
    (port) =>
      `${port.hostIp || "0.0.0.0"}:${range(port.hostPort, port.range)}->${range(port.containerPort, port.range)}/${port.protocol}`,
  );
  const isPublished = ({ number, protocol }: Exposed) =>
    ports.some(
      (port) =>
        port.protocol === protocol &&
        number >= port.containerPort &&
        number < port.containerPort + port.range,
    );
  const others = parse(exposed).filter((port) => !isPublished(port));
  return [...published, ...runs(others)].join(", ");
}

/** Go's field: protocols by number. */
export function exposedPorts({ config }: ContainerRecord): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { number, protocol } of parse(config.network.exposed ?? [])) {
    const protocols = found.get(String(number)) ?? [];
    found.set(String(number), [...protocols, protocol]);
  }
  return found;
}

interface Exposed {
  readonly number: number;
  readonly protocol: string;
}

/** By protocol, then by number. */
function parse(keys: readonly string[]): Exposed[] {
  return keys
    .map((key) => {
      const [number, protocol = "tcp"] = key.split("/");
      return { number: Number(number), protocol };
    })
    .sort((a, b) => (a.protocol < b.protocol ? -1 : a.protocol > b.protocol ? 1 : a.number - b.number));
}

/** Neighbours as one: `90-92/tcp`. */
function runs(ports: readonly Exposed[]): string[] {
  const texts: string[] = [];
  for (let start = 0; start < ports.length; ) {
    const { number, protocol } = ports[start]!;
    let length = 1;
    while (ports[start + length]?.protocol === protocol && ports[start + length]?.number === number + length)
      length++;
    texts.push(`${range(number, length)}/${protocol}`);
    start += length;
  }
  return texts;
}

function range(first: number, length: number): string {
  return length > 1 ? `${first}-${first + length - 1}` : String(first);
}
