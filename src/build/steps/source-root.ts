/** Where COPY --from and RUN --mount=from take files from. */
import { join } from "node:path";
import { runInside } from "../../runtime/index.ts";
import { rootfsIn } from "../../storage/index.ts";
import type { CopyReply, CopyRequest } from "../inside/copy-job.ts";
import type { Session } from "../session.ts";

/** The context or another directory of the user's, or the files of a stage or image. */
export type SourceRoot =
  | { readonly kind: "directory"; readonly path: string; readonly ignore: readonly string[] }
  | { readonly kind: "layers"; readonly rows: readonly number[]; readonly chain: string };

/** What a copy request says of its source. */
export function requestOf(root: SourceRoot): Pick<CopyRequest, "owners" | "ignore"> {
  return { owners: root.kind === "layers", ignore: root.kind === "directory" ? root.ignore : [] };
}

/**
 * Runs the job `build-copy`, with the layers of the source mounted for it.
 *
 * @param target rows of the layers the image has, or a plain directory
 * @param dir scratch of the step
 */
export async function copyFrom(
  session: Session,
  root: SourceRoot,
  target: { readonly rows: readonly number[] } | { readonly path: string },
  request: Omit<CopyRequest, "source" | "target">,
  dir: string,
): Promise<CopyReply> {
  const { ctx, driver, run } = session;
  const to =
    "rows" in target ? await rootfsIn(ctx, driver, target.rows, join(dir, "target"), run) : undefined;
  const from =
    root.kind === "layers" ? await rootfsIn(ctx, driver, root.rows, join(dir, "source"), run) : undefined;
  const views = [
    ...(to === undefined ? [] : [{ rootfs: to, writable: true }]),
    ...(from === undefined ? [] : [{ rootfs: from, writable: false }]),
  ];
  const input: CopyRequest = {
    ...request,
    target: to?.merged ?? (target as { path: string }).path,
    source: from?.merged ?? (root as { path: string }).path,
  };
  return runInside(ctx, "build-copy", input, views.length === 0 ? {} : { views });
}

export const PLAIN_COPY = {
  exclude: [],
  inline: [],
  fetched: [],
  archives: [],
  intoDirectory: false,
  parents: false,
} as const;
