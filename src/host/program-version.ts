/** What a program says about its version. */
import { spawnSync } from "node:child_process";

/** From the first line of `--version`: `NAME version 1.2.0`, or `NAME 0.0~git…`; empty if it does not say. */
export function programVersion(path: string): string {
  const { stdout } = spawnSync(path, ["--version"], { encoding: "utf8", timeout: 10_000 });
  const [first = ""] = (stdout ?? "").split("\n");
  return /(?:version\s+|\s)v?(\d\S*)/.exec(first)?.[1] ?? "";
}
