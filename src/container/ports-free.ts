/**
 * Whether published ports can be had, asked before an image is pulled: that takes long, and in vain if they cannot. Nothing is
 * held; the start, which listens first of all, has the last word.
 */
import { errnoCode, type KelpError } from "../base/index.ts";
import { publishError } from "../runtime/index.ts";
import type { Context, PortMapping } from "../state/index.ts";
import { networkConfig } from "./config-network.ts";
import type { CreateOptions } from "./create-options.ts";

/** @throws {KelpError} what the start would say, or what is wrong with the flags of the network */
export async function refuseTakenPorts(ctx: Context, options: CreateOptions): Promise<void> {
  const { network } = networkConfig(ctx, options, []);
  // What --replace ends may hold them; what was chosen at random is free.
  if (options.replace === true || (options.publish ?? []).length === 0) return;
  for (const port of network.ports)
    for (let offset = 0; offset < port.range; offset++) {
      const error = await probe(port, port.hostPort + offset);
      if (error !== undefined) throw error;
    }
}

async function probe({ hostIp, protocol }: PortMapping, port: number): Promise<KelpError | undefined> {
  const address = hostIp === "" ? "0.0.0.0" : hostIp;
  try {
    await (protocol === "udp" ? bindDatagram(address, port) : listen(address, port));
    return undefined;
  } catch (error) {
    const errno = Math.abs((error as NodeJS.ErrnoException).errno ?? 0);
    if (errnoCode(error) === undefined || errno === 0) return undefined;
    return publishError(
      { protocol, where: `${address.includes(":") ? `[${address}]` : address}:${port}`, port },
      errno,
    );
  }
}

function listen(host: string, port: number): Promise<void> {
  const server = process.getBuiltinModule("node:net").createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve()));
  });
}

function bindDatagram(address: string, port: number): Promise<void> {
  const type = address.includes(":") ? "udp6" : "udp4";
  const socket = process.getBuiltinModule("node:dgram").createSocket({ type });
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.bind({ address, port, exclusive: true }, () => socket.close(() => resolve()));
  });
}
