/** Runs the bun among the dependencies, wherever npm has put it: `node scripts/bun.mjs ARGS…`. */
import { spawnSync } from "node:child_process";
import { findBun } from "./lib/toolchain.mjs";

const { status } = spawnSync(findBun(), process.argv.slice(2), { stdio: "inherit" });
process.exitCode = status ?? 1;
