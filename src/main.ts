/**
 * Chooses the role of this process and nothing else: the command line, or one of the roles kelp and
 * holdfast start kelp in (ARCHITECTURE.md). Sets the exit status.
 */
import { dispatch } from "./cli/dispatch.ts";
import { reportFailure } from "./cli/exit.ts";
import { terminalIo } from "./cli/io.ts";

async function main(argv: readonly string[]): Promise<number> {
  switch (argv[0]) {
    default:
      return dispatch(argv, terminalIo);
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = reportFailure(error, terminalIo({}), (process.env.KELP_DEBUG ?? "") !== "");
}
