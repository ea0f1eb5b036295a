/** Work of builds in the user namespace; for the table of jobs. */
import type { Job } from "../runtime/index.ts";

export const BUILD_JOBS: Readonly<Record<string, () => Promise<Job>>> = {
  "build-copy": async () => {
    const { buildCopy } = await import("./inside/copy-job.ts");
    return ({ input }) => buildCopy(input);
  },
  "build-directory": async () => {
    const { makeDirectory } = await import("./inside/directory-job.ts");
    return ({ input }) => makeDirectory(input);
  },
};
