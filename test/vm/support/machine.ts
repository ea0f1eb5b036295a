/** A Debian with systemd, cgroup v2 and a lingering user in QEMU, without KVM: boots, runs scripts, reboots, loses power. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type GuestImage, guestImage } from "./image.ts";
import { LossyDisk } from "./lossy-disk.ts";
import { homeDisk, payloadDisk } from "./payload.ts";

/** An emulated machine on a busy one: minutes, where seconds are normal. */
const BOOT_MS = 8 * 60_000;
const SCRIPT_MS = 6 * 60_000;
const HOME_BYTES = 1 << 30;

export interface ScriptResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** root; a login session of a user; a service of the user's systemd. */
export type Who = "root" | `login:${string}` | `unit:${string}`;

interface Waiting {
  readonly resolve: (result: ScriptResult) => void;
  readonly reject: (error: Error) => void;
}

export class Machine {
  readonly #directory: string;
  readonly #image: GuestImage;
  readonly #disk: LossyDisk;
  #qemu: Bun.Subprocess | undefined;
  #channel: Socket | undefined;
  #partial = "";
  #nextId = 1;
  /** How often QEMU was started. */
  #lives = 0;
  readonly #waiting = new Map<string, Waiting>();
  /** Boot IDs in the order in which the guest's agent has told them. */
  readonly #boots: string[] = [];

  private constructor(directory: string, image: GuestImage) {
    this.#directory = directory;
    this.#image = image;
    const home = join(directory, "home.ext4");
    homeDisk(home, HOME_BYTES);
    this.#disk = new LossyDisk(home, join(directory, "home.sock"), HOME_BYTES);
  }

  /** Makes the disks and boots. */
  static async start(): Promise<Machine> {
    const image = await guestImage();
    const directory = mkdtempSync(join(tmpdir(), "kelp-vm-"));
    await payloadDisk(join(directory, "payload.ext4"));
    const machine = new Machine(directory, image);
    await machine.boot();
    return machine;
  }

  /** What power cuts have lost, in sectors. */
  get lostSectors(): number {
    return this.#disk.lost;
  }

  /** From off to where scripts are carried out. */
  async boot(): Promise<void> {
    const before = this.#boots.length;
    const channel = join(this.#directory, "agent.sock");
    rmSync(channel, { force: true });
    this.#lives++;
    const files = { channel, home: this.#disk.socket, console: this.#consolePath(this.#lives) };
    this.#qemu = Bun.spawn(qemuCommand(this.#directory, this.#image, files), {
      stdin: "ignore",
      stdout: "ignore",
      stderr: Bun.file(join(this.#directory, "qemu.log")),
    });
    this.#channel = await this.#connect(channel);
    await this.#booted(before);
  }

  /** An orderly reboot, asked for by root in the guest. */
  async reboot(): Promise<void> {
    const before = this.#boots.length;
    this.script("root", "systemctl reboot").catch(() => undefined);
    await this.#booted(before);
    this.#forget("the machine has rebooted");
  }

  /** No orderly anything: the processor stops, and what the disk had not been told to keep is gone. */
  async cutPower(): Promise<void> {
    this.#qemu?.kill("SIGKILL");
    await this.#qemu?.exited;
    this.#channel?.destroy();
    this.#partial = "";
    this.#forget("the power was cut");
    this.#disk.cutPower();
  }

  async end(): Promise<void> {
    await this.cutPower();
    this.#disk.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Runs a shell script in the guest. */
  async script(who: Who, text: string, limitMs = SCRIPT_MS): Promise<ScriptResult> {
    const id = String(this.#nextId++);
    const answer = new Promise<ScriptResult>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#channel?.write(`${id} ${who} ${Buffer.from(text).toString("base64")}\n`);
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(new Error(`no answer in ${limitMs / 1000} s to: ${text}\n${this.console()}`)),
      limitMs,
    );
    try {
      return await Promise.race([answer, late.promise]);
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  /** The same for a script that has to succeed; its output without the last newline. */
  async ok(who: Who, text: string, limitMs?: number): Promise<string> {
    const { code, stdout, stderr } = await this.script(who, text, limitMs);
    if (code !== 0) throw new Error(`exit status ${code}: ${text}\n${stdout}${stderr}`);
    return stdout.trimEnd();
  }

  /** Until the script succeeds; gives what it said then. */
  async until(who: Who, text: string, limitMs = SCRIPT_MS): Promise<string> {
    const end = performance.now() + limitMs;
    for (;;) {
      const { code, stdout, stderr } = await this.script(who, text, limitMs);
      if (code === 0) return stdout.trimEnd();
      if (performance.now() > end) throw new Error(`never became true: ${text}\n${stdout}${stderr}`);
      await sleep(500);
    }
  }

  /** The end of what the guest's kernel and systemd have said. */
  console(): string {
    return this.wholeConsole().slice(-4000);
  }

  /** All that came over the serial line since the machine was made. */
  wholeConsole(): string {
    let text = "";
    for (let life = 1; life <= this.#lives; life++) {
      const path = this.#consolePath(life);
      if (existsSync(path)) text += readFileSync(path, "utf8");
    }
    return text;
  }

  #consolePath(life: number): string {
    return join(this.#directory, `console-${life}.log`);
  }

  async #connect(path: string): Promise<Socket> {
    for (let tries = 0; ; tries++) {
      const socket = connect(path);
      const ready = await new Promise<boolean>((resolve) => {
        socket.once("connect", () => resolve(true));
        socket.once("error", () => resolve(false));
      });
      if (ready) {
        socket.setEncoding("utf8").on("data", (text: string) => this.#receive(text));
        socket.on("error", () => undefined);
        return socket;
      }
      if (tries > 300 || this.#qemu?.exitCode != null)
        throw new Error(`QEMU does not start: ${readFileSync(join(this.#directory, "qemu.log"), "utf8")}`);
      await sleep(100);
    }
  }

  #receive(text: string): void {
    const lines = (this.#partial + text).split("\n");
    this.#partial = lines.pop() ?? "";
    for (const line of lines) {
      const [id = "", ...words] = line.split(" ");
      if (id === "ready") this.#boots.push(words[0] ?? "");
      else {
        const [stdout, stderr] = words.slice(1).map(decoded);
        this.#waiting
          .get(id)
          ?.resolve({ code: Number(words[0]), stdout: stdout ?? "", stderr: stderr ?? "" });
      }
    }
  }

  async #booted(before: number): Promise<void> {
    const end = performance.now() + BOOT_MS;
    while (this.#boots.length === before) {
      if (this.#qemu?.exitCode != null) throw new Error(`QEMU has ended: ${this.console()}`);
      if (performance.now() > end) throw new Error(`the guest does not boot:\n${this.console()}`);
      await sleep(200);
    }
  }

  #forget(reason: string): void {
    for (const { reject } of this.#waiting.values()) reject(new Error(reason));
    this.#waiting.clear();
  }
}

function decoded(word: string): string {
  return word === "-" ? "" : Buffer.from(word, "base64").toString();
}

interface MachineFiles {
  readonly channel: string;
  readonly home: string;
  readonly console: string;
}

function qemuCommand(directory: string, image: GuestImage, files: MachineFiles): string[] {
  const drive = (...words: string[]) => ["-drive", `if=virtio,format=raw,${words.join(",")}`];
  return [
    "qemu-system-x86_64",
    ...["-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "1536"],
    ...["-nodefaults", "-no-user-config", "-display", "none"],
    ...["-serial", `file:${files.console}`],
    ...["-kernel", image.kernel, "-initrd", image.initrd],
    ...["-append", "console=ttyS0 root=/dev/vda rw quiet mitigations=off systemd.show_status=error"],
    // Changes to the root disk live as long as QEMU: a reboot keeps them, a power cut does not.
    ...drive(`file=${image.root}`, "snapshot=on", "cache=unsafe"),
    ...drive(`file=${join(directory, "payload.ext4")}`, "read-only=on"),
    ...drive(`file=nbd+unix:///?socket=${files.home}`, "cache=none"),
    ...["-device", "virtio-rng-pci", "-device", "virtio-serial-pci"],
    ...["-chardev", `socket,id=agent,path=${files.channel},server=on,wait=off`],
    ...["-device", "virtserialport,chardev=agent,name=kelp.test"],
  ];
}
