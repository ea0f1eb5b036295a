import { readFileSync } from "node:fs";
import { errnoCode, UsageError } from "../../../base/index.ts";
import { hostEnvironment } from "../../../config/index.ts";
import { errnoText } from "../../../host/index.ts";
import { createSecret } from "../../../secret/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand, type Io } from "../../command.ts";

export default defineCommand({
  paths: [["secret", "create"]],
  summary: "Create a new secret",
  description:
    "The secret is encrypted with a key in kelp's configuration directory. Containers get it with run --secret.",
  usage: "[options] NAME FILE|-",
  examples: [["kelp secret create token ./token.txt", "Keep what is in a file"]],
  options: {
    driver: {
      kind: "string",
      short: "d",
      value: "DRIVER",
      default: "file",
      text: "Who keeps it; kelp has file only",
    },
    env: { kind: "boolean", text: "The second argument is the name of a variable that holds the secret" },
    ignore: { kind: "boolean", text: "Do not fail if there is one of that name" },
    label: { kind: "map", short: "l", value: "KEY=VALUE", text: "Label of the secret" },
    replace: { kind: "boolean", text: "Put it in the place of one of that name" },
  },
  args: { min: 2, max: 2, completes: { each: ["none", "file"] } },
  exclusive: [["ignore", "replace"]],
  async run({ io, args, options, globals }) {
    const [name = "", source = ""] = args;
    if (options.driver !== "file")
      throw new UsageError(
        "no-secret-driver",
        `secret driver ${options.driver} is not one of kelp's: it has file only`,
      );
    const data = await read(io, source, options.env);
    const ctx = await openContext(globals);
    const before = options.ignore ? ctx.state.secrets.byName(name) : undefined;
    const made =
      before ?? createSecret(ctx, { name, data, labels: options.label ?? {}, replace: options.replace });
    io.out(`${made.id}\n`);
    return 0;
  },
});

async function read(io: Io, source: string, isVariable: boolean): Promise<Uint8Array> {
  if (isVariable) {
    const value = hostEnvironment()[source];
    if (value === undefined)
      throw new UsageError(
        "missing-variable",
        `cannot create store secret data: environment variable ${source} is not set`,
      );
    return Buffer.from(value);
  }
  if (source === "-") {
    const chunks: Buffer[] = [];
    for await (const chunk of io.stdin()) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks);
  }
  try {
    return readFileSync(source);
  } catch (cause) {
    throw new UsageError(
      "missing-file",
      `open ${source}: ${errnoText(errnoCode(cause)) ?? "cannot be read"}`,
      { cause },
    );
  }
}
