/** An image with the hostile programs of test/attack/programs in it, compiled by the machine's own compiler. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheDirectory, ROOT } from "./environment.ts";
import { busyboxFiles, dockerArchive, makeTar, type TarFile } from "./images.ts";

const SOURCE = join(ROOT, "test/attack/programs/hostile.c");
export const HOSTILE = "localhost/hostile:latest";

/** The path of the static program; made once for each version of its source. Needs `requires("cc")`. */
export function hostileProgram(): string {
  const hash = createHash("sha256").update(readFileSync(SOURCE)).digest("hex").slice(0, 16);
  const path = join(cacheDirectory(), `hostile-${hash}`);
  if (existsSync(path)) return path;
  const temporary = `${path}.${process.pid}`;
  const flags = ["-O2", "-static", "-pthread", "-Wall", "-Wextra", "-Werror"];
  const { status, stderr } = spawnSync("cc", [...flags, "-o", temporary, SOURCE], { encoding: "utf8" });
  if (status !== 0) throw new Error(`cc: ${stderr}`);
  renameSync(temporary, path);
  return path;
}

/** Busybox with /bin/hostile and files of the test's own, to be loaded as HOSTILE or another name. */
export async function writeHostileArchive(
  directory: string,
  files: readonly TarFile[] = [],
  { config = {}, tag = HOSTILE }: { config?: Record<string, unknown>; tag?: string } = {},
): Promise<string> {
  const program = { name: "bin/hostile", content: readFileSync(hostileProgram()), mode: 0o755 };
  const names = new Set(files.map(({ name }) => name));
  const system = busyboxFiles().filter(({ name }) => !names.has(name));
  const path = join(directory, `${tag.replaceAll(/\W/g, "-")}.tar`);
  writeFileSync(
    path,
    await dockerArchive([await makeTar([...system, program, ...files])], { config, tags: [tag] }),
  );
  return path;
}
