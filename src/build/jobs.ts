/** Work of builds in the user namespace; for the table of jobs. */
import type { Job } from "../runtime/index.ts";

export const BUILD_JOBS: Readonly<Record<string, () => Promise<Job>>> = {
  "build-copy": async () => {
    const { buildCopy } = await import("./inside/copy-job.ts");
    return ({ input }) => buildCopy(input);
  },
  "build-own": async () => {
    const { ownFile } = await import("./inside/directory-job.ts");
    return ({ input }) => ownFile(input);
  },
  "build-cache-directory": async () => {
    const { makeCacheDirectory } = await import("./inside/directory-job.ts");
    return ({ input }) => makeCacheDirectory(input);
  },
  "build-directory": async () => {
    const { makeDirectory } = await import("./inside/directory-job.ts");
    return ({ input }) => makeDirectory(input);
  },
};
