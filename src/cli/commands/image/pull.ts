import { KelpError } from "../../../base/index.ts";
import { acquireImages, parsePullPolicy, wantedPlatform } from "../../../image/index.ts";
import { openContext } from "../../../state/index.ts";
import { chooseName } from "../../choose-name.ts";
import { defineCommand } from "../../command.ts";
import { interruptible } from "../../interrupt.ts";
import { accessOptions, FETCH_OPTIONS, retryOptions } from "../../options/registry.ts";
import { patient } from "../../patience.ts";
import { showProgress } from "../../progress.ts";

export default defineCommand({
  paths: [["pull"], ["image", "pull"]],
  summary: "Pull images from registries",
  description:
    "Several layers are fetched at once and unpacked as they arrive. A broken download is gone on with by the next pull. Names may also begin with docker-archive:, oci-archive:, oci: or dir:.",
  usage: "[options] IMAGE [IMAGE...]",
  examples: [
    ["kelp pull quay.io/libpod/alpine", "Pull the tag latest"],
    ["kelp pull --platform linux/arm64 IMAGE", "Pull the image for another machine"],
  ],
  options: {
    "all-tags": { kind: "boolean", short: "a", text: "Pull every tag of the repository" },
    ...FETCH_OPTIONS,
    policy: {
      kind: "string",
      value: "POLICY",
      default: "always",
      text: "When to pull (always, missing, never, newer)",
      completes: ["always", "missing", "never", "newer"],
    },
    quiet: { kind: "boolean", short: "q", text: "Print the ID only" },
    "signature-policy": {
      kind: "string",
      value: "FILE",
      hidden: true,
      text: "Policy instead of policy.json",
    },
  },
  args: { min: 1, completes: "image" },
  async run({ args, options, given, io, globals }) {
    const ctx = await openContext(globals);
    const policy = parsePullPolicy(options.policy);
    const progress = patient(showProgress(io, options.quiet));
    const retry = retryOptions(ctx, options, given);
    const failures: unknown[] = [];
    await interruptible(async (signal) => {
      for (const name of args) {
        try {
          const images = await acquireImages(ctx, name, {
            policy,
            allTags: options["all-tags"],
            platform: wantedPlatform(options),
            access: accessOptions(options, given),
            policyFile: options["signature-policy"],
            ...retry,
            ...chooseName(io),
            progress,
            signal,
          });
          progress.close();
          for (const { record } of images) io.out(`${record.id}\n`);
        } catch (error) {
          if (!(error instanceof KelpError) || signal.aborted || args.length === 1) throw error;
          io.err(`Error: ${error.message}\n`);
          failures.push(error);
        } finally {
          progress.close();
        }
      }
    });
    return failures.length > 0 ? 125 : 0;
  },
});
