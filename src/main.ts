/**
 * Chooses the role of this process and nothing else: the command line, or one of the roles kelp and
 * holdfast start kelp in (ARCHITECTURE.md). Sets the exit status.
 */
import { dispatch } from "./cli/dispatch.ts";
import { endOnUncaught, reportFailure } from "./cli/exit.ts";
import { terminalIo } from "./cli/io.ts";

async function main(argv: readonly string[]): Promise<number> {
  switch (argv[0]) {
    case "__job":
      return (await import("./cli/roles.ts")).runJob(argv[1] ?? "", terminalIo({}));
    case "__failed":
      return (await import("./cli/roles.ts")).reportFailed(argv.slice(1), terminalIo({}));
    case "__ended":
      return (await import("./container/index.ts")).finishEnded(argv.slice(1));
    case "__complete":
    case "__completeNoDesc":
      return (await import("./cli/complete.ts")).complete(argv, terminalIo({}));
    default:
      return dispatch(argv, terminalIo);
  }
}

/** systemd calls its generators by path: under such a name kelp is one. */
function wordsOf(called: string, argv: readonly string[]): readonly string[] {
  return /(^|\/)(quadlet|[^/]*-generator)$/.test(called) ? ["quadlet", "generate", ...argv] : argv;
}

/**
 * The executable starts with a reluctant compiler (scripts/build.mjs): what a short command does it does once, and the
 * interpreter is done before compiled code would have paid. Whatever lasts gets the usual one.
 */
function compileWhatLasts(): void {
  const usual = () => Bun.unsafe.setJITPolicy(1);
  if (process.argv[2] === "__job") usual();
  else setTimeout(usual, 100).unref();
}

const debug = (process.env.KELP_DEBUG ?? "") !== "";
compileWhatLasts();
endOnUncaught(() => terminalIo({}), debug);
try {
  process.exitCode = await main(wordsOf(process.argv0, process.argv.slice(2)));
} catch (error) {
  process.exitCode = reportFailure(error, terminalIo({}), debug);
}
