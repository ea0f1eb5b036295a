/** Stores in temporary directories, and records with no more than a test cares about. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Paths } from "../../../src/host/index.ts";
import { type ContainerConfig, type NewImageRecord, newId, State } from "../../../src/state/index.ts";

const made: string[] = [];
const opened: State[] = [];

/** For `afterEach` of every file: a hook in this module would belong to the first file that imports it. */
export function removeScratch(): void {
  for (const state of opened.splice(0)) state.close();
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true });
}

export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "kelp-unit-"));
  made.push(directory);
  return directory;
}

export function pathsIn(directory: string): Paths {
  return {
    data: join(directory, "data"),
    config: join(directory, "config"),
    cache: join(directory, "cache"),
    runtime: join(directory, "run"),
  };
}

export function openState(paths: Paths = pathsIn(scratch())): State {
  const state = new State(paths);
  opened.push(state);
  return state;
}

/** A config with what the database itself looks at; the rest is nobody's concern here. */
export function config(changes: Partial<ContainerConfig> = {}): ContainerConfig {
  return { image: "", autoRemove: false, mounts: [], ...changes } as ContainerConfig;
}

export function image(changes: Partial<NewImageRecord> = {}): NewImageRecord {
  const id = newId();
  return {
    id,
    manifestDigest: `sha256:${newId()}`,
    created: 1000,
    size: 1,
    names: [],
    digests: [],
    repoDigests: [],
    layers: [],
    configJson: "{}",
    readOnly: false,
    ...changes,
  };
}
