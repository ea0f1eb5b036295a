/** The digest of what a step takes from the context; it says when nothing is there to be taken. */
import type { KelpError } from "../../base/index.ts";
import { makeIgnore } from "../context/ignore.ts";
import { digestSources } from "../context/select.ts";
import { SourceTree } from "../context/source-tree.ts";
import type { CopyRequest } from "../inside/copy-job.ts";
import type { StepContext } from "./step-context.ts";

/** Read as the user: most contexts are theirs, and no process in the namespace is needed to find nothing changed. */
export function contextDigest(
  step: StepContext,
  path: string,
  request: Pick<CopyRequest, "patterns" | "ignore" | "exclude">,
): string {
  const tree = new SourceTree(path);
  const options = {
    ignore: makeIgnore(request.ignore, "the ignore file"),
    exclude: makeIgnore(request.exclude, "--exclude"),
    owners: false,
    cache: step.session.context.contents,
  };
  const digests = request.patterns.map((pattern) => {
    const found = tree.glob(Buffer.from(pattern).toString("latin1"));
    const { digest, count } = digestSources(tree, found, options);
    if (count === 0 && !isWhole(pattern)) throw missing(step, pattern, found.length > 0);
    return digest;
  });
  return digests.join("-");
}

/** All of the context may be nothing. */
function isWhole(pattern: string): boolean {
  return /^[./]*\*?$/.test(pattern);
}

export function missing(step: StepContext, pattern: string, ignored: boolean): KelpError {
  const reason = ignored ? "it is excluded by the ignore file" : "no such file or directory";
  return step.error(
    `${step.line.keyword}: ${JSON.stringify(pattern)}: ${reason}`,
    ignored ? undefined : "paths are looked up in the build context",
  );
}
