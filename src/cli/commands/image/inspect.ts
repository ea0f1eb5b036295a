import { NotFoundError } from "../../../base/index.ts";
import { inspectImage, tryFindImage } from "../../../image/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { reportFailure } from "../../exit.ts";
import { printJson } from "../../format.ts";
import { markMaps } from "../../inspect-objects.ts";

export default defineCommand({
  paths: [["image", "inspect"]],
  summary: "Display the configuration of images",
  usage: "[options] IMAGE [IMAGE...]",
  options: {
    format: {
      kind: "string",
      short: "f",
      value: "FORMAT",
      text: "Print as json or by a Go template",
      completes: ["json"],
    },
  },
  args: { min: 1, completes: "image" },
  async run({ args, options, io, globals }) {
    const ctx = await openContext(globals);
    const found: object[] = [];
    let status = 0;
    for (const name of args) {
      const image = tryFindImage(ctx, name);
      if (image !== undefined) found.push(inspectImage(ctx, image.record));
      else
        status = reportFailure(new NotFoundError("image-not-known", `${name}: image not known`), io, false);
    }
    if (options.format === undefined || options.format === "json")
      io.out(found.length === 0 ? "[]\n" : printJson(found));
    else {
      const { renderTemplate } = await import("../../template.ts");
      for (const value of found) {
        markMaps(value);
        io.out(`${renderTemplate("inspect", options.format, value)}\n`);
      }
    }
    return status;
  },
});
