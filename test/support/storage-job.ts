/** Entry of a process that runs one storage job: `bun storage-job.ts NAME`, input and reply as `__job` has them. */
import { readFileSync } from "node:fs";
import { answerJob } from "../../src/runtime/index.ts";
import { STORAGE_JOBS, type StorageJobName } from "../../src/storage/index.ts";

const name = process.argv[2] as StorageJobName;
process.stdout.write(await answerJob(await STORAGE_JOBS[name](), readFileSync(0, "utf8")));
