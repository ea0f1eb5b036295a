import { UsageError } from "../../../base/index.ts";
import { hostEnvironment } from "../../../config/index.ts";
import { prepareExec, resolveContainer } from "../../../container/index.ts";
import { openContext } from "../../../state/index.ts";
import { clientConfig, DETACHED, handOver, terminalSize } from "../../attach.ts";
import { defineCommand } from "../../command.ts";
import { chooseContainers } from "../../containers.ts";
import { CIDFILE_OPTION, LATEST_OPTION } from "../../options/listing.ts";
import { preservedFds } from "../../preserve-fds.ts";

export default defineCommand({
  paths: [["exec"], ["container", "exec"]],
  summary: "Run a process in a running container",
  usage: "[options] CONTAINER COMMAND [ARG...]",
  examples: [
    ["kelp exec -it web sh", "Work in a running container"],
    ["kelp exec --user 1000 web id", "Run a command as another user"],
  ],
  options: {
    ...CIDFILE_OPTION,
    ...LATEST_OPTION,
    detach: { kind: "boolean", short: "d", text: "Print the session's ID and leave the process running" },
    "detach-keys": {
      kind: "string",
      value: "KEYS",
      text: "Keys that leave the process running; empty for none",
    },
    env: { kind: "list", short: "e", value: "NAME=VALUE", text: "Set an environment variable" },
    "env-file": {
      kind: "list",
      value: "FILE",
      text: "Read environment variables from a file",
      completes: "file",
    },
    interactive: { kind: "boolean", short: "i", text: "Pass standard input on" },
    "preserve-fd": {
      kind: "list",
      comma: true,
      value: "N",
      text: "Pass these file descriptors on, at their numbers",
    },
    "preserve-fds": {
      kind: "int",
      value: "N",
      text: "Pass this many file descriptors after standard error on",
    },
    privileged: {
      kind: "boolean",
      setting: "privileged",
      text: "Give the process every capability the container may have",
    },
    tty: { kind: "boolean", short: "t", text: "Give the process a terminal" },
    user: { kind: "string", short: "u", value: "USER[:GROUP]", text: "User and group of the process" },
    workdir: { kind: "string", short: "w", value: "DIR", text: "Working directory of the process" },
  },
  args: {
    min: 1,
    checked: true,
    options: "after-first",
    completes: { each: ["running", "path-in-container"] },
  },
  async run({ args, options, globals }) {
    const preserveFds = preservedFds(options);
    const ctx = await openContext(globals);
    const unnamed = options.latest || options.cidfile.length > 0;
    if (!unnamed && args.length === 0)
      throw new UsageError(
        "missing-container",
        "exec requires the name or ID of a container or the --latest flag",
      );
    const selected = unnamed ? chooseContainers(ctx, [], options) : undefined;
    if (selected?.failures[0] !== undefined) throw selected.failures[0];
    const record = selected?.targets[0]?.record ?? resolveContainer(ctx, args[0]!);
    const command = unnamed ? args : args.slice(1);
    if (command.length === 0) {
      throw new UsageError(
        "no-command",
        "must provide a non-empty command to start an exec session: invalid argument",
      );
    }
    const streams = options.detach ? DETACHED : { stdin: options.interactive, stdout: true, stderr: true };
    const prepared = await prepareExec(ctx, record, {
      args: command,
      env: options.env,
      envFiles: options["env-file"],
      caller: hostEnvironment(),
      workdir: options.workdir,
      user: options.user,
      tty: options.tty,
      privileged: options.privileged,
      preserveFds,
      consoleSize: options.tty && !options.detach ? terminalSize() : undefined,
      client: clientConfig(ctx, {
        streams,
        detachKeys: options["detach-keys"],
        sigProxy: true,
        announce: "",
      }),
    });
    ctx.state.close();
    return handOver(globals, "exec", prepared);
  },
});
