import { expect, test } from "bun:test";
import { join } from "node:path";
import { run } from "../../support/index.ts";

const EXIT = join(import.meta.dirname, "..", "..", "..", "src", "cli", "exit.ts");

test("an error that nobody caught ends a job with a line and a status, whatever it still waits for", async () => {
  const script = `
    import { EventEmitter } from "node:events";
    import { endOnUncaught } from ${JSON.stringify(EXIT)};
    const io = { err: (text) => void process.stderr.write(text), stderrIsTty: false };
    endOnUncaught(() => io, false);
    setTimeout(() => new EventEmitter().emit("error", new Error("the stream broke")), 1);
    await new Promise(() => setInterval(() => {}, 1000));
  `;
  const { code, stdout, stderr } = await run(process.execPath, ["-e", script], { timeout: 20_000 });
  expect({ code, stdout, stderr }).toEqual({
    code: 125,
    stdout: "",
    stderr: "Error: internal error: the stream broke\nHint: set KELP_DEBUG=1 to see where it happened\n",
  });
});
