/** Waits on the terminal: one line in place that goes when it is over; elsewhere it is said once. */
import { ellipsis, humanSize, log, type WaitView } from "../base/index.ts";
import type { Io } from "./command.ts";

const CLEAR = "\r\x1b[2K";

export function waitView(io: Io): WaitView {
  let said = false;
  return {
    at({ text, total, done }) {
      if (io.stderrIsTty) {
        const line = `${text}: ${humanSize(Math.min(done(), total))} of ${humanSize(total)}`;
        io.err(CLEAR + ellipsis(line, io.columns - 1));
      } else if (!said) log.warn(`${text} (${humanSize(total)})`);
      said = true;
    },
    end() {
      if (io.stderrIsTty) io.err(CLEAR);
    },
  };
}
