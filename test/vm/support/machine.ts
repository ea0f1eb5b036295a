/** A Debian with systemd, cgroup v2 and a lingering user in QEMU: boots, runs scripts, reboots, loses power. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, type ScriptResult, type Who } from "./agent.ts";
import { HOME_BYTES } from "./disks.ts";
import { LossyDisk } from "./lossy-disk.ts";
import { type Hardware, qemuCommand, type Start } from "./qemu.ts";
import { connectTo, Qmp } from "./qmp.ts";

/** An emulated machine on a busy one: minutes, where seconds are normal. */
const BOOT_MS = 8 * 60_000;
const SCRIPT_MS = 6 * 60_000;
/** After a failure, of which this may be the reason. */
const STORY_MS = 30_000;

export class Machine {
  readonly #directory: string;
  readonly #hardware: Hardware;
  readonly #disk: LossyDisk;
  #qemu: Bun.Subprocess | undefined;
  #agent: Agent | undefined;
  #qmp: Qmp | undefined;
  /** How often QEMU was started. */
  #lives = 0;
  /** The newest script and what it wrote. */
  #last = "";

  /**
   * A machine that is off.
   *
   * @param directory its own, removed at its end
   * @param home      file with the disk of the home directories, which it changes
   */
  constructor(directory: string, hardware: Hardware, home: string) {
    this.#directory = directory;
    this.#hardware = hardware;
    this.#disk = new LossyDisk(home, join(directory, "home.sock"), HOME_BYTES);
  }

  /** What power cuts have lost, in sectors. */
  get lostSectors(): number {
    return this.#disk.lost;
  }

  /** From off to where scripts are carried out. */
  async boot(start: Start = { keepsRoot: false }): Promise<void> {
    await this.#powerOn(start);
    await this.#booted(0);
  }

  /** Goes on where a machine was saved; only the clock has to be told what happened. */
  async restore(state: string): Promise<void> {
    await this.#powerOn({ keepsRoot: false, state });
    await this.#qmp?.go();
    await this.ok("root", `date -s @${(Date.now() / 1000).toFixed(3)}`);
  }

  /** Writes memory and devices to a file and goes off; the disks stay as they are then. */
  async save(state: string): Promise<void> {
    await this.ok("root", "sync");
    await this.#qmp?.save(state);
    await this.#qmp?.execute("quit");
    await this.#qemu?.exited;
  }

  /** An orderly reboot, asked for by root in the guest. */
  async reboot(): Promise<void> {
    const before = this.#agent?.boots ?? 0;
    this.script("root", "systemctl reboot").catch(() => undefined);
    await this.#booted(before);
    this.#agent?.forget("the machine has rebooted");
  }

  /** No orderly anything: the processor stops, and what the disk had not been told to keep is gone. */
  async cutPower(): Promise<void> {
    this.#qemu?.kill("SIGKILL");
    await this.#qemu?.exited;
    this.#agent?.close("the power was cut");
    this.#qmp?.close();
    this.#disk.cutPower();
  }

  async end(): Promise<void> {
    await this.cutPower();
    this.#disk.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Runs a shell script in the guest. */
  async script(who: Who, text: string, limitMs = SCRIPT_MS): Promise<ScriptResult> {
    if (this.#agent === undefined) throw new Error("the machine is off");
    this.#last = `${who}: ${text}\n(no answer)`;
    const result = await this.#agent.run(who, text, limitMs);
    this.#last = `${who}: ${text}\nexit status ${result.code}\n${result.stdout}${result.stderr}`;
    return result;
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
      await sleep(300);
    }
  }

  /** For who has to explain a failure: the last script with all that it wrote, and what the guest has to say. */
  async story(): Promise<string> {
    const asked = this.#last;
    const journal = await this.script(
      "root",
      "journalctl -n 40 -o short-monotonic --no-pager",
      STORY_MS,
    ).catch(() => undefined);
    return `--- the last script, ${asked}\n--- the guest\n${journal?.stdout ?? this.#lastWords()}`;
  }

  /** All that came over the serial line since the machine was made. */
  console(): string {
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

  async #powerOn(start: Start): Promise<void> {
    const log = join(this.#directory, "qemu.log");
    const [agent, control] = ["agent.sock", "control.sock"].map((name) => join(this.#directory, name));
    for (const path of [agent, control]) rmSync(path!, { force: true });
    const connections = {
      home: this.#disk.socket,
      agent: agent!,
      control: control!,
      console: this.#consolePath(++this.#lives),
    };
    const qemu = Bun.spawn(qemuCommand(this.#hardware, connections, start), {
      stdin: "ignore",
      stdout: "ignore",
      stderr: Bun.file(log),
    });
    this.#qemu = qemu;
    const gone = () =>
      qemu.exitCode === null ? undefined : `QEMU does not start: ${readFileSync(log, "utf8")}`;
    this.#agent = new Agent(await connectTo(agent!, gone));
    this.#qmp = await Qmp.open(await connectTo(control!, gone));
  }

  async #booted(before: number): Promise<void> {
    const end = performance.now() + BOOT_MS;
    while (this.#agent?.boots === before) {
      if (this.#qemu?.exitCode != null) throw new Error(`QEMU has ended: ${this.#lastWords()}`);
      if (performance.now() > end) throw new Error(`the guest does not boot:\n${this.#lastWords()}`);
      await sleep(100);
    }
  }

  /** The end of what the guest's kernel and systemd have said. */
  #lastWords(): string {
    return this.console().slice(-4000);
  }
}
