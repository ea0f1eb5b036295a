/**
 * A disk with a write cache that a power cut empties: what the guest has written is there when it reads, but only
 * what it has flushed outlives `cutPower`. QEMU killed over an ordinary file would lose nothing, since the host has
 * all of it already. Spoken is the network block device protocol, over a unix socket.
 */
import { closeSync, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import type { Socket } from "bun";

/** Unit of the cache; requests are multiples of it. */
const SECTOR = 512;

const NBD = {
  magic: 0x4e42444d41474943n,
  option: 0x49484156454f5054n,
  optionReply: 0x3e889045565a9n,
  request: 0x25609513,
  reply: 0x67446698,
  fixedNewstyle: 1,
  hasFlags: 1,
  sendFlush: 4,
  sendFua: 8,
  optExportName: 1,
  optAbort: 2,
  optGo: 7,
  repAck: 1,
  repInfo: 3,
  repUnsupported: 0x80000001,
  read: 0,
  write: 1,
  disconnect: 2,
  flush: 3,
  fua: 1,
  invalid: 22,
} as const;

interface Connection {
  buffer: Buffer;
  phase: "flags" | "options" | "requests";
  out: Buffer[];
}

export class LossyDisk {
  readonly #fd: number;
  /** Sectors written and not flushed, by number. */
  #cache = new Map<number, Buffer>();
  readonly #listener;
  /** Sectors that power cuts have lost so far. */
  lost = 0;

  /** @param file what is on the disk for sure, a multiple of the sector's size */
  constructor(
    file: string,
    readonly socket: string,
    readonly size: number,
  ) {
    this.#fd = openSync(file, "r+");
    this.#listener = Bun.listen<Connection>({
      unix: socket,
      socket: {
        open: (peer) => {
          peer.data = { buffer: Buffer.alloc(0), phase: "flags", out: [] };
          this.#send(peer, greeting());
        },
        data: (peer, bytes) => {
          peer.data.buffer = Buffer.concat([peer.data.buffer, bytes]);
          while (this.#step(peer));
        },
        drain: (peer) => this.#flushOut(peer),
      },
    });
  }

  /** Forgets what was not flushed. The machine must be dead. */
  cutPower(): void {
    this.lost += this.#cache.size;
    this.#cache = new Map();
  }

  close(): void {
    this.#listener.stop(true);
    closeSync(this.#fd);
    try {
      unlinkSync(this.socket);
    } catch {
      // Bun has removed it.
    }
  }

  #send(peer: Socket<Connection>, bytes: Buffer): void {
    peer.data.out.push(bytes);
    this.#flushOut(peer);
  }

  #flushOut(peer: Socket<Connection>): void {
    const { out } = peer.data;
    while (out.length > 0) {
      const written = peer.write(out[0]!);
      if (written < out[0]!.length) {
        out[0] = out[0]!.subarray(Math.max(written, 0));
        return;
      }
      out.shift();
    }
  }

  /** Takes one message from the buffer, if it is whole. */
  #step(peer: Socket<Connection>): boolean {
    const { phase, buffer } = peer.data;
    if (phase === "flags") {
      if (buffer.length < 4) return false;
      peer.data.buffer = buffer.subarray(4);
      peer.data.phase = "options";
      return true;
    }
    return phase === "options" ? this.#option(peer) : this.#request(peer);
  }

  #option(peer: Socket<Connection>): boolean {
    const { buffer } = peer.data;
    if (buffer.length < 16) return false;
    const length = buffer.readUInt32BE(12);
    if (buffer.length < 16 + length) return false;
    const option = buffer.readUInt32BE(8);
    peer.data.buffer = buffer.subarray(16 + length);
    const flags = NBD.hasFlags | NBD.sendFlush | NBD.sendFua;
    if (option === NBD.optGo) {
      const info = Buffer.alloc(12);
      info.writeBigUInt64BE(BigInt(this.size), 2);
      info.writeUInt16BE(flags, 10);
      this.#send(peer, optionReply(option, NBD.repInfo, info));
      this.#send(peer, optionReply(option, NBD.repAck));
      peer.data.phase = "requests";
    } else if (option === NBD.optExportName) {
      const answer = Buffer.alloc(134);
      answer.writeBigUInt64BE(BigInt(this.size), 0);
      answer.writeUInt16BE(flags, 8);
      this.#send(peer, answer);
      peer.data.phase = "requests";
    } else if (option === NBD.optAbort) peer.end();
    else this.#send(peer, optionReply(option, NBD.repUnsupported));
    return true;
  }

  #request(peer: Socket<Connection>): boolean {
    const { buffer } = peer.data;
    if (buffer.length < 28) return false;
    const [flags, type] = [buffer.readUInt16BE(4), buffer.readUInt16BE(6)];
    const [offset, length] = [Number(buffer.readBigUInt64BE(16)), buffer.readUInt32BE(24)];
    const payload = type === NBD.write ? length : 0;
    if (buffer.length < 28 + payload) return false;
    const handle = buffer.subarray(8, 16);
    const data = buffer.subarray(28, 28 + payload);
    peer.data.buffer = buffer.subarray(28 + payload);
    if (type === NBD.disconnect) {
      peer.end();
      return false;
    }
    const reply = Buffer.alloc(16);
    reply.writeUInt32BE(NBD.request === buffer.readUInt32BE(0) ? NBD.reply : 0, 0);
    handle.copy(reply, 8);
    let body = Buffer.alloc(0);
    if (type === NBD.read) body = this.#read(offset, length);
    else if (type === NBD.write) this.#write(offset, data, (flags & NBD.fua) !== 0);
    else if (type === NBD.flush) this.#flush();
    else reply.writeUInt32BE(NBD.invalid, 4);
    this.#send(peer, Buffer.concat([reply, body]));
    return true;
  }

  #read(offset: number, length: number): Buffer<ArrayBuffer> {
    const data = Buffer.alloc(length);
    readSync(this.#fd, data, 0, length, offset);
    for (let at = 0; at < length; at += SECTOR) this.#cache.get((offset + at) / SECTOR)?.copy(data, at);
    return data;
  }

  #write(offset: number, data: Buffer, through: boolean): void {
    for (let at = 0; at < data.length; at += SECTOR) {
      const sector = (offset + at) / SECTOR;
      if (through) this.#cache.delete(sector);
      else this.#cache.set(sector, Buffer.from(data.subarray(at, at + SECTOR)));
    }
    if (through) writeSync(this.#fd, data, 0, data.length, offset);
  }

  #flush(): void {
    for (const [sector, data] of this.#cache) writeSync(this.#fd, data, 0, SECTOR, sector * SECTOR);
    this.#cache = new Map();
  }
}

function greeting(): Buffer {
  const bytes = Buffer.alloc(18);
  bytes.writeBigUInt64BE(NBD.magic, 0);
  bytes.writeBigUInt64BE(NBD.option, 8);
  bytes.writeUInt16BE(NBD.fixedNewstyle, 16);
  return bytes;
}

function optionReply(option: number, type: number, data = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(20);
  head.writeBigUInt64BE(NBD.optionReply, 0);
  head.writeUInt32BE(option, 8);
  head.writeUInt32BE(type, 12);
  head.writeUInt32BE(data.length, 16);
  return Buffer.concat([head, data]);
}
