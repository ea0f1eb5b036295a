/** Manners at a terminal, in a real one: what is asked, how wide, what is escaped, and how it ends. */
import { beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import {
  BUSYBOX,
  busyboxArchive,
  dockerArchive,
  KELP,
  makeTar,
  openTerminal,
  requires,
  run,
  useSandbox,
} from "../support/index.ts";

const box = useSandbox("370-terminal", { CONTAINERS_CONF: "/dev/null" });
const needs = requires("tmux", "subuid", "overlay", "busybox");

beforeAll(async () => {
  if (needs.missing === undefined) await box.ok(["load", "-q", "-i", await busyboxArchive()]);
}, 60_000);

/** A shell in a terminal, so that the exit status can be seen. */
function shell(columns = 100) {
  const env = { ...box.env, PS1: "ready> ", PATH: `${join(KELP, "..")}:${box.env.PATH}` };
  return openTerminal(["sh", "-i"], { env, columns });
}

needs.test(
  "prune asks, shows its warning, and no is no",
  async () => {
    await box.ok(["volume", "create", "t370"]);
    const terminal = shell();
    try {
      await terminal.waitFor(/ready>/);
      terminal.type("kelp volume prune --all; echo status $?");
      terminal.keys("Enter");
      const shown = await terminal.waitFor(/\[y\/N\] ?$/);
      expect(shown).toContain("WARNING! This will remove all volumes");
      terminal.type("n");
      terminal.keys("Enter");
      await terminal.waitFor(/status 0/);
      expect(await box.ok(["volume", "ls", "-q"])).toBe("t370");
      terminal.type("clear; kelp volume prune --all; echo status $?");
      terminal.keys("Enter");
      await terminal.waitFor(/\[y\/N\] ?$/);
      terminal.keys("C-c");
      await terminal.waitFor(/\^C/);
      expect(await box.ok(["volume", "ls", "-q"])).toBe("t370");
      terminal.type("clear; echo still $((1+1))");
      terminal.keys("Enter");
      await terminal.waitFor(/still 2/);
    } finally {
      terminal.close();
    }
  },
  60_000,
);

needs.test(
  "tables are as wide as the terminal there, and as wide as they must be in a pipe",
  async () => {
    const long = `localhost/${"very-long-name-".repeat(8)}end`;
    await box.ok(["tag", BUSYBOX, long]);
    const terminal = shell(70);
    try {
      await terminal.waitFor(/ready>/);
      terminal.type("clear; kelp images");
      terminal.keys("Enter");
      const shown = await terminal.waitFor(/REPOSITORY[\s\S]*ready>/);
      const rows = shown.split("\n").filter((line) => /very-long/.test(line));
      expect(rows.length).toBe(1);
      expect(rows[0]).toContain("…");
    } finally {
      terminal.close();
    }
    expect(await box.ok(["images"])).toContain(long);
    await box.ok(["untag", BUSYBOX, long]);
  },
  60_000,
);

needs.test(
  "the terminal is what it was after ctrl-c in a container, and the store is empty",
  async () => {
    const terminal = shell();
    try {
      await terminal.waitFor(/ready>/);
      terminal.type(
        `stty -a > ${box.directory}/before; kelp run --rm -it ${BUSYBOX} sh -c 'trap "exit 130" INT; echo inside; sleep 100; true'; echo status $?`,
      );
      terminal.keys("Enter");
      await terminal.waitFor(/^inside$/m);
      terminal.keys("C-c");
      await terminal.waitFor(/status 130/);
      terminal.type(
        `stty -a > ${box.directory}/after; cmp ${box.directory}/before ${box.directory}/after && echo same terminal`,
      );
      terminal.keys("Enter");
      await terminal.waitFor(/^same terminal$/m);
      expect(await box.ok(["ps", "-aq"])).toBe("");
    } finally {
      terminal.close();
    }
  },
  60_000,
);

needs.test(
  "control characters of an image reach no listing",
  async () => {
    const evil = "\u001b]0;owned\u0007\u001b[2J";
    const layer = await makeTar([{ name: "f", content: "x" }]);
    const archive = await dockerArchive([layer], {
      tags: ["localhost/evil:1"],
      config: { Cmd: [`${evil}cmd`], Labels: { note: evil }, Env: [`A=${evil}`] },
    });
    await box.ok(["load", "-q"], { stdin: archive });
    await box.ok(["create", "--name", "evil", "localhost/evil:1"]);
    for (const line of [
      ["ps", "-a", "--no-trunc"],
      ["images", "-a"],
      ["history", "--no-trunc", "localhost/evil:1"],
      ["image", "tree", "localhost/evil:1"],
      ["inspect", "evil"],
      ["inspect", "localhost/evil:1"],
      ["system", "df", "-v"],
      ["events", "--stream=false", "--since", "1h"],
    ]) {
      const output = await box.ok(line);
      expect({ line, raw: /[\u0000-\u0008\u000b-\u001f\u007f]/.test(output) }).toEqual({ line, raw: false });
    }
    await box.ok(["rm", "evil"]);
  },
  60_000,
);

test("a reader that goes away ends kelp quietly", async () => {
  for (const command of [
    "ps -a",
    "images",
    "--help",
    "completion bash",
    "events --since 1h --stream=false",
    "info",
  ]) {
    const { stdout, stderr } = await run(
      "bash",
      ["-c", `"${KELP}" ${command} | head -0; echo "\${PIPESTATUS[0]}"`],
      { env: box.env },
    );
    expect({ command, stdout, stderr }).toEqual({ command, stdout: "0\n", stderr: "" });
  }
});

test("no colours, no cursor movements where there is no terminal, whatever TERM says", async () => {
  const env = { TERM: "xterm-256color" };
  for (const words of [["ps", "-a"], ["images"], ["--help"], ["help", "settings"], ["info"]]) {
    const { stdout, stderr } = await box.kelp(words, { env });
    expect(`${stdout}${stderr}`).not.toContain("\u001b");
  }
});
