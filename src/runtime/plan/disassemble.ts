/** A plan as text for people: one line an operation, on the right the option or default it comes from. */
import { constants } from "node:fs";
import { type ArgKind, NO_SLOT, OPS, type OpDef, type Plan, type PlanOp, TOLERATE } from "./ops.ts";

const ORIGIN_COLUMN = 84;

const NAMESPACE_BITS: Bits = {
  NEWTIME: 0x80,
  NEWNS: 0x20000,
  NEWCGROUP: 0x2000000,
  NEWUTS: 0x4000000,
  NEWIPC: 0x8000000,
  NEWUSER: 0x10000000,
  NEWPID: 0x20000000,
  NEWNET: 0x40000000,
};
const MOUNT_ATTR_BITS: Bits = {
  RDONLY: 1,
  NOSUID: 2,
  NODEV: 4,
  NOEXEC: 8,
  NOATIME: 0x10,
  STRICTATIME: 0x20,
  NODIRATIME: 0x80,
  IDMAP: 0x100000,
  NOSYMFOLLOW: 0x200000,
};
const RESOLVE_BITS: Bits = { NO_XDEV: 1, NO_MAGICLINKS: 2, NO_SYMLINKS: 4, BENEATH: 8, IN_ROOT: 0x10 };
const OPEN_BITS: Bits = {
  WRONLY: 1,
  RDWR: 2,
  CREAT: 0x40,
  EXCL: 0x80,
  NOCTTY: 0x100,
  TRUNC: 0x200,
  APPEND: 0x400,
  NONBLOCK: 0x800,
  DIRECTORY: constants.O_DIRECTORY,
  NOFOLLOW: constants.O_NOFOLLOW,
  CLOEXEC: 0x80000,
  PATH: 0x200000,
};
const TREE_BITS: Bits = { CLONE: 1, NO_AUTOMOUNT: 0x800, EMPTY_PATH: 0x1000, RECURSIVE: 0x8000 };
const MOUNT_BITS: Bits = {
  RDONLY: 1,
  NOSUID: 2,
  NODEV: 4,
  NOEXEC: 8,
  REMOUNT: 0x20,
  BIND: 0x1000,
  REC: 0x4000,
  UNBINDABLE: 0x20000,
  PRIVATE: 0x40000,
  SLAVE: 0x80000,
  SHARED: 0x100000,
};

type Bits = Readonly<Record<string, number>>;

/** Which numbers are sets of bits with names: by argument, or by operation and argument. */
const BITS: Readonly<Record<string, Bits>> = {
  namespaces: NAMESPACE_BITS,
  cloneFlags: NAMESPACE_BITS,
  resolve: RESOLVE_BITS,
  attrs: MOUNT_ATTR_BITS,
  "joinNs.kind": NAMESPACE_BITS,
  "unshare.flags": NAMESPACE_BITS,
  "mountAttr.set": MOUNT_ATTR_BITS,
  "mountAttr.clear": MOUNT_ATTR_BITS,
  "mountAttr.propagation": MOUNT_BITS,
  "propagation.flags": MOUNT_BITS,
  "overlay.flags": MOUNT_BITS,
  "openPath.flags": OPEN_BITS,
  "openAt.flags": OPEN_BITS,
  "openTree.flags": TREE_BITS,
  "openTreeAt.flags": TREE_BITS,
};
const HEX = new Set(["bounding", "effective", "permitted", "inheritable", "ambient"]);
const OCTAL = new Set(["mode", "mask"]);

/**
 * The plan as text: stage, position, operation, arguments, then `# origin`. The position is what
 * holdfast reports when an operation fails.
 */
export function disassemblePlan(plan: Plan): string {
  const width = String(Math.max(plan.ops.length - 1, 0)).length;
  return plan.ops.map((op, index) => `${disassembleOp(op, String(index).padStart(width, "0"))}\n`).join("");
}

function disassembleOp(op: PlanOp, index: string): string {
  const def: OpDef = OPS[op.op];
  const args = Object.entries(op.args as Readonly<Record<string, unknown>>);
  const words = args.flatMap(([name, value]) => {
    const kind = def.args[name];
    return kind === undefined || kind === "into" ? [] : [`${name}=${showArg(op.op, name, kind, value)}`];
  });
  const into = args.find(([name]) => def.args[name] === "into");
  if (into !== undefined && into[1] !== NO_SLOT) words.push(`-> s${into[1]}`);
  if (op.tolerate !== undefined && op.tolerate !== 0) words.push(`unless ${showTolerated(op.tolerate)}`);
  const line = `${op.stage.padEnd(7)} ${index} ${[op.op.padEnd(11), ...words].join(" ")}`.trimEnd();
  return op.origin === undefined ? line : `${line.padEnd(ORIGIN_COLUMN)} # ${printable(op.origin)}`;
}

function showArg(op: string, name: string, kind: ArgKind, value: unknown): string {
  switch (kind) {
    case "str":
      return quote(value as string);
    case "strv":
      return `[${(value as readonly string[]).map(quote).join(" ")}]`;
    case "blob":
      return `<${(value as Uint8Array).length} bytes>`;
    case "slot":
    case "into":
      return value === NO_SLOT ? "none" : `s${value}`;
    default:
      return showNumber(op, name, BigInt(value as number | bigint));
  }
}

function showNumber(op: string, name: string, value: bigint): string {
  const bits = BITS[`${op}.${name}`] ?? BITS[name];
  if (bits !== undefined) return showBits(bits, value);
  if (HEX.has(name)) return `0x${value.toString(16)}`;
  if (OCTAL.has(name)) return `0${value.toString(8)}`;
  return String(value);
}

function showBits(bits: Bits, value: bigint): string {
  let rest = value;
  const names: string[] = [];
  for (const [name, bit] of Object.entries(bits)) {
    if ((rest & BigInt(bit)) === 0n) continue;
    names.push(name);
    rest &= ~BigInt(bit);
  }
  if (rest !== 0n || names.length === 0) names.push(rest === 0n ? "0" : `0x${rest.toString(16)}`);
  return names.join("|");
}

function showTolerated(set: number): string {
  return Object.entries(TOLERATE)
    .filter(([, bit]) => (set & bit) !== 0)
    .map(([name]) => name)
    .join("|");
}

/** As JSON writes it, which leaves no control character raw but DEL and the C1 set; those go too. */
function quote(text: string): string {
  return printable(JSON.stringify(text));
}

function printable(text: string): string {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
