/** The program of the embedded image, run here and in namespaces of its own. */
import { expect, test } from "bun:test";
import { join } from "node:path";

const HELLO = join(import.meta.dirname, "../../native/build/hello");

function output(...command: string[]): string {
  const result = Bun.spawnSync([...command, HELLO]);
  expect(result.exitCode).toBe(0);
  return result.stdout.toString();
}

/** The text beside a label, continued lines joined. */
function value(text: string, label: string): string | undefined {
  const found = text.match(new RegExp(`^  ${label} +(.*(?:\\n {16}.*)*)`, "m"))?.[1];
  return found?.replace(/\n +/g, " ");
}

test("hello shows a container's first process, users and network", () => {
  const inside = output(
    "unshare",
    "--user",
    "--map-root-user",
    "--net",
    "--uts",
    "--pid",
    "--fork",
    "--mount-proc",
  );
  expect(value(inside, "process")).toStartWith("PID 1:");
  expect(value(inside, "user")).toBe("uid 0, gid 0");
  expect(value(inside, "uid map")).toBe(`0 is ${process.getuid?.()} outside`);
  expect(value(inside, "network")).toBe("lo (loopback only)");
});

test("hello names capabilities and restrictions", () => {
  const bare = output("setpriv", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all");
  expect(value(bare, "no_new_privs")).toBe("on");
  expect(value(output("unshare", "--user", "--map-root-user"), "capabilities")).toStartWith(
    "chown dac_override ",
  );
  expect(value(bare, "seccomp")).toMatch(/^(off|filter on)$/);
});

test("hello keeps within 80 columns and says what to try next", () => {
  const text = output();
  expect(text.split("\n").filter((line) => line.length > 80)).toEqual([]);
  expect(text).toContain("Try next:\n  kelp run");
});
