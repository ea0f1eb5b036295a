/** Whether the kernel starts programs of another architecture, natively or through a registered emulator. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const BINFMT = "/proc/sys/fs/binfmt_misc";
/** ELF's `e_machine`, by Go's words. */
const MACHINES: Readonly<Record<string, number>> = {
  "386": 3,
  amd64: 62,
  arm: 40,
  arm64: 183,
  loong64: 258,
  mips64le: 8,
  ppc64le: 21,
  riscv64: 243,
  s390x: 22,
};
/** What a processor runs besides its own. */
const NATIVE: Readonly<Record<string, readonly string[]>> = { amd64: ["386"], arm64: ["arm"] };
/** Where `e_machine` is in a header. */
const MACHINE_OFFSET = 18;

/** @param own this machine's architecture */
export function runsArchitecture(architecture: string, own: string, directory = BINFMT): boolean {
  if (architecture === own || NATIVE[own]?.includes(architecture) === true) return true;
  const machine = MACHINES[architecture];
  return machine !== undefined && handlers(directory).some((text) => handles(text, machine));
}

function handlers(directory: string): string[] {
  try {
    const names = readdirSync(directory).filter((name) => name !== "register" && name !== "status");
    return names.map((name) => readFileSync(join(directory, name), "utf8"));
  } catch {
    return [];
  }
}

function handles(text: string, machine: number): boolean {
  const magic = /^magic ([0-9a-f]+)$/m.exec(text)?.[1];
  if (!text.startsWith("enabled") || magic === undefined || !/^offset 0$/m.test(text)) return false;
  const bytes = Buffer.from(magic, "hex");
  if (bytes.length < MACHINE_OFFSET + 2) return false;
  // Both byte orders: s390x is the only one of its number.
  return [bytes.readUInt16LE(MACHINE_OFFSET), bytes.readUInt16BE(MACHINE_OFFSET)].includes(machine);
}
