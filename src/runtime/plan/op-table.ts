import { sha256Bytes } from "../../base/index.ts";
import { OPS, type OpDef, STAGES } from "./ops.ts";

/** Argument kinds as numbers: their order in the generated header and in the canonical text. */
export const ARG_KINDS = ["u32", "u64", "slot", "into", "str", "strv", "blob"] as const;

/** The operations with their names, ordered by opcode: the order of everything generated from the table. */
export function opTable(): ReadonlyArray<readonly [name: string, def: OpDef]> {
  return Object.entries(OPS as Record<string, OpDef>).sort(([, a], [, b]) => a.code - b.code);
}

/**
 * The op table as text. Two programs whose texts are equal understand each other's plans; whatever
 * changes the meaning of a plan's bytes (codes, stages, number, order and kinds of arguments) changes it.
 */
export function opTableText(): string {
  const lines = opTable().map(([name, def]) => {
    const args = Object.entries(def.args).map(([arg, kind]) => `${arg}:${kind}`);
    return `${def.code} ${name} ${def.stages.join(",")} ${args.join(",")}`;
  });
  return `${[`stages ${STAGES.join(",")}`, ...lines].join("\n")}\n`;
}

/** First 8 bytes of the SHA-256 of the canonical text: the plan header's word for "the same table". */
export function opTableHash(): Uint8Array {
  return sha256Bytes(opTableText()).subarray(0, 8);
}
