/** Where the quadlets of this user are. */
import { dirname } from "node:path";
import { hostEnvironment } from "../config/index.ts";
import type { Context } from "../state/index.ts";
import { type quadletDirectories, quadletHome } from "../systemd/index.ts";

export function ownQuadlets({ paths }: Pick<Context, "paths">): ReturnType<typeof quadletHome> {
  return quadletHome(paths, process.execPath);
}

export function quadletPlaces({ paths }: Pick<Context, "paths">): Parameters<typeof quadletDirectories>[0] {
  const { QUADLET_UNIT_DIRS: only, XDG_RUNTIME_DIR: runtime } = hostEnvironment();
  return { only, config: dirname(paths.config), runtime, uid: process.getuid!() };
}
