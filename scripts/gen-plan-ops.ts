/**
 * Writes native/plan_ops.h from src/runtime/plan/ops.ts. `--check` writes nothing and fails if the
 * header in the repository is not what would be written.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { ARG_KINDS, opTable, opTableHash } from "../src/runtime/plan/op-table.ts";
import { type ArgKind, NO_SLOT, STAGES, TOLERATE } from "../src/runtime/plan/ops.ts";

const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const upper = (name: string) => snake(name).toUpperCase();
const hex = (code: number) => `0x${code.toString(16).padStart(2, "0")}`;

const C_TYPES: Record<ArgKind, string> = {
  u32: "uint32_t ",
  u64: "uint64_t ",
  slot: "uint32_t ",
  into: "uint32_t ",
  str: "struct text ",
  strv: "struct texts ",
  blob: "struct text ",
};

function argsStruct([name, def]: ReturnType<typeof opTable>[number]): string {
  const members = Object.entries(def.args).map(([arg, kind]) => `\t${C_TYPES[kind]}${snake(arg)};`);
  return `struct args_${snake(name)} {\n${(members.length > 0 ? members : ["\tuint32_t none;"]).join("\n")}\n};`;
}

function tableRow([name, def]: ReturnType<typeof opTable>[number]): string {
  const stages = def.stages.map((stage) => `1 << STAGE_${upper(stage)}`).join(" | ");
  const args = Object.entries(def.args).map(
    ([arg, kind]) => `{ ARG_${upper(kind)}, offsetof(struct args_${snake(name)}, ${snake(arg)}) }`,
  );
  return `\t[OP_${upper(name)}] = { ${stages}, ${args.length}, {\n\t\t${(args.length > 0 ? args : ["{ 0, 0 }"]).join(",\n\t\t")} } },`;
}

function header(): string {
  const table = opTable();
  const operations = table.filter(([, def]) => !def.stages.includes("config"));
  const records = table.filter(([, def]) => def.stages.includes("config"));
  const most = Math.max(...table.map(([, def]) => Object.keys(def.args).length));
  return `/* SPDX-License-Identifier: Apache-2.0 */
/* Generated from src/runtime/plan/ops.ts by scripts/gen-plan-ops.ts. Do not edit. */
#ifndef PLAN_OPS_H
#define PLAN_OPS_H

#define NO_SLOT ${hex(NO_SLOT)}U
#define STAGE_NAMES { ${STAGES.map((stage) => `"${stage}"`).join(", ")} }
#define PLAN_TABLE_HASH { ${[...opTableHash()].map(hex).join(", ")} }

enum stage {
${STAGES.map((stage) => `\tSTAGE_${upper(stage)},`).join("\n")}
\tSTAGE_COUNT
};

enum opcode {
${table.map(([name, def]) => `\tOP_${upper(name)} = ${hex(def.code)},`).join("\n")}
\tOP_LIMIT
};

/* Opcodes of records are below this. */
enum { RECORD_LIMIT = ${hex(Math.max(...records.map(([, def]) => def.code)) + 1)} };

enum tolerate {
${Object.entries(TOLERATE)
  .map(([name, bits]) => `\tTOLERATE_${upper(name)} = ${hex(bits)},`)
  .join("\n")}
};

enum arg_kind { ${ARG_KINDS.map((kind) => `ARG_${upper(kind)}`).join(", ")} };

${table.map(argsStruct).join("\n\n")}

union args {
${table.map(([name]) => `\tstruct args_${snake(name)} ${snake(name)};`).join("\n")}
};

/* X(opcode, function) for every operation; config records have no function. */
#define PLAN_OPS(X) \\
${operations.map(([name]) => `\tX(OP_${upper(name)}, op_${snake(name)})`).join(" \\\n")}

/* How an opcode's arguments lie in its struct; \`stages\` has a bit per legal stage. */
struct op_def {
\tuint16_t stages;
\tuint8_t argc;
\tstruct {
\t\tuint8_t kind;
\t\tuint8_t offset;
\t} arg[${most}];
};

#ifdef PLAN_OPS_TABLE
static const struct op_def op_defs[OP_LIMIT] = {
${table.map(tableRow).join("\n")}
};
#endif

#endif
`;
}

const path = new URL("../native/plan_ops.h", import.meta.url);
const wanted = header();
if (!process.argv.includes("--check")) {
  writeFileSync(path, wanted);
} else if (readFileSync(path, "utf8") !== wanted) {
  console.error("native/plan_ops.h is stale: run bun scripts/gen-plan-ops.ts");
  process.exit(1);
}
