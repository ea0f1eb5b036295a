/** Which pasta it is. */
/** `2025_01_21` of `pasta 0.0~git20250121…` or `2025_01_21.abc`; empty where it does not say. */
export function pastaVersion(program: string): string {
  // Seldom asked: loading it would cost every start.
  const { spawnSync } = require("node:child_process") as typeof import("node:child_process");
  const { stdout } = spawnSync(program, ["--version"], { encoding: "utf8", env: {}, timeout: 5000 });
  const match = /(20\d\d)_?(\d\d)_?(\d\d)/.exec(stdout ?? "");
  return match === null ? "" : `${match[1]}_${match[2]}_${match[3]}`;
}
