/** The role `__job`: work inside the user namespace for a kelp outside of it. */
import { answerJob, errorReply, type Job } from "../runtime/index.ts";
import { STORAGE_JOBS } from "../storage/index.ts";
import type { Io } from "./command.ts";

type Jobs = Readonly<Record<string, () => Promise<Job>>>;

/** Those of builds are loaded when one is wanted. */
async function jobs(name: string): Promise<Jobs> {
  return name.startsWith("build-") ? (await import("../build/index.ts")).BUILD_JOBS : STORAGE_JOBS;
}

/** The role `__failed`: who waits for a job's reply gets the reason as one, everybody else as words. */
export async function reportFailed(words: readonly string[], io: Io): Promise<number> {
  const { explainFailedStart } = await import("../container/index.ts");
  const error = await explainFailedStart(words);
  const subject = words[0] ?? "";
  if (!subject.startsWith("job:") || subject === "job:unshare") throw error;
  io.out(errorReply(error));
  return 0;
}

/** Answers the request on standard input with a reply on standard output. */
export async function runJob(name: string, io: Io): Promise<number> {
  const known = await jobs(name);
  const load = Object.hasOwn(known, name) ? known[name] : undefined;
  if (load === undefined) throw new Error(`there is no job ${name}`);
  let request = "";
  for await (const chunk of io.stdin().setEncoding("utf8")) request += chunk;
  io.out(await answerJob(await load(), request));
  return 0;
}
