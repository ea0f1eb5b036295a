import type { Io } from "../../src/cli/command.ts";

/** An Io that remembers what was written; not a terminal. */
export interface RecordingIo extends Io {
  readonly stdout: string;
  readonly stderr: string;
}

export function recordingIo(): RecordingIo {
  let stdout = "";
  let stderr = "";
  return {
    out: (text) => {
      stdout += text;
    },
    err: (text) => {
      stderr += text;
    },
    write: (chunk) => {
      stdout += new TextDecoder().decode(chunk);
    },
    stdin: () => process.stdin,
    stdinIsTty: false,
    stdoutIsTty: false,
    stderrIsTty: false,
    columns: 80,
    get stdout() {
      return stdout;
    },
    get stderr() {
      return stderr;
    },
  };
}
