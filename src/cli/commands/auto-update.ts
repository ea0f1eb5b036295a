import { autoUpdate } from "../../container/index.ts";
import { acquireImages, isOutdated } from "../../image/index.ts";
import { openContext } from "../../state/index.ts";
import { defineCommand } from "../command.ts";
import { reportFailure } from "../exit.ts";
import { printFormatted } from "../format.ts";
import { interruptible } from "../interrupt.ts";
import { FORMAT_OPTION } from "../options/listing.ts";
import { accessOptions, retryOptions } from "../options/registry.ts";
import { showProgress } from "../progress.ts";

export default defineCommand({
  paths: [["auto-update"]],
  summary: "Update the images of services and restart them",
  description:
    "Looks after running containers that have the label io.containers.autoupdate (AutoUpdate= of a quadlet) and run in a systemd unit: registry compares their image with the registry's and pulls a newer one, local with what the image's name stands for in the store by now. Their units are restarted and waited for, until systemd calls them started and their health checks are content; a unit that does not get there is started with its former image again.",
  usage: "[options]",
  examples: [
    ["kelp auto-update --dry-run", "Show what would be updated"],
    ["kelp auto-update --rollback=false", "Leave a failed unit as it is"],
  ],
  options: {
    authfile: {
      kind: "string",
      value: "FILE",
      text: "Registry credentials; the label io.containers.autoupdate.authfile has precedence",
      completes: "file",
    },
    "dry-run": { kind: "boolean", text: "Pull nothing and restart nothing" },
    ...FORMAT_OPTION,
    rollback: { kind: "boolean", default: true, text: "Go back to the former image where a unit fails" },
    "tls-verify": { kind: "boolean", default: true, text: "Require HTTPS and verify certificates" },
  },
  args: { min: 0, max: 0 },
  async run({ io, options, given, globals }) {
    const ctx = await openContext(globals);
    ctx.state.expectWrites();
    const progress = showProgress(io, false);
    const how = (authFile: string | undefined, signal: AbortSignal) => ({
      access: accessOptions({ ...options, authfile: authFile ?? options.authfile }, given),
      ...retryOptions(ctx, {}, given),
      progress,
      signal,
    });
    try {
      const { reports, problems } = await interruptible((signal) =>
        autoUpdate(ctx, {
          dryRun: options["dry-run"],
          rollback: options.rollback,
          isOutdated: (image, authFile) => isOutdated(ctx, image, how(authFile, signal)),
          pull: async (image, authFile) =>
            (await acquireImages(ctx, image, { ...how(authFile, signal), policy: "always" }))[0]!,
        }),
      );
      progress.close();
      const rows = reports.map(({ unit, container: { id, name }, image, policy, updated }) => ({
        Unit: unit,
        Container: `${id.slice(0, 12)} (${name})`,
        ContainerID: id,
        ContainerName: name,
        Image: image,
        Policy: policy,
        Updated: updated,
      }));
      if (rows.length > 0 || options.format === "json") {
        await printFormatted(io, rows, {
          name: "auto-update",
          format: options.format,
          columns: ["Unit", "Container", "Image", "Policy", "Updated"],
        });
      }
      return Math.max(0, ...problems.map((problem) => reportFailure(problem, io, false)));
    } finally {
      progress.close();
    }
  },
});
