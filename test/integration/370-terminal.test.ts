/** Manners at a terminal, in a real one: what is asked, how wide, what is escaped, and how it ends. */
import { beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
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
import { digestOf, StubRegistry } from "../support/stub-registry.ts";

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
  "a name that is nearly right is told at a terminal, and in one line to scripts",
  async () => {
    await box.ok(["create", "--name", "t370-web", BUSYBOX]);
    const message = (name: string) => `no container with name or ID "${name}" found: no such container`;
    const terminal = shell();
    try {
      await terminal.waitFor(/ready>/);
      terminal.type("clear; kelp logs t370-wbe; kelp history busybx");
      terminal.keys("Enter");
      const shown = await terminal.waitFor(/busybx: image not known\s+Hint: .*\s+ready>/);
      expect(shown).toContain(`Error: ${message("t370-wbe")}\nHint: did you mean t370-web?\n`);
      expect(shown).toContain("Hint: did you mean busybox?");
    } finally {
      terminal.close();
    }
    expect((await box.kelp(["logs", "t370-wbe"])).stderr).toBe(`Error: ${message("t370-wbe")}\n`);
    await box.ok(["rm", "t370-web"]);
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
        `stty -a > ${box.directory}/before; kelp run --rm -it ${BUSYBOX} sh -c 'trap "exit 130" INT; echo inside; while sleep 0.2; do :; done'; echo status $?`,
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

/** A build whose second time comes from the cache, which a terminal shows in a colour. */
function coloured(variables: string, turn: number) {
  writeFileSync(join(box.directory, "Containerfile"), `FROM ${BUSYBOX}\nRUN echo made > /made\n`);
  return `clear; ${variables} kelp build -t t370 ${box.directory}; echo turn ${turn} status $?`;
}

needs.test(
  "a build has colours on a terminal, and none with NO_COLOR",
  async () => {
    const terminal = shell();
    try {
      await terminal.waitFor(/ready>/);
      for (const [turn, [variables, painted]] of (
        [
          ["", undefined],
          ["", true],
          ["NO_COLOR=", true],
          ["NO_COLOR=1", false],
        ] as const
      ).entries()) {
        terminal.type(coloured(variables, turn));
        terminal.keys("Enter");
        await terminal.waitFor(new RegExp(`turn ${turn} status 0`));
        if (painted === undefined) continue;
        expect(terminal.screen()).toContain("CACHED");
        expect({ variables, painted: terminal.painted().includes("\u001b[36m") }).toEqual({
          variables,
          painted,
        });
      }
    } finally {
      terminal.close();
    }
  },
  60_000,
);

/** What a terminal and a store are like after ctrl-c in `command`, once `shown` has appeared. */
async function interrupted(command: string, shown: RegExp): Promise<void> {
  const terminal = shell();
  const state = (name: string) => `stty -a > ${box.directory}/${name}`;
  const before = await box.ok(["images", "-aq"]);
  try {
    await terminal.waitFor(/ready>/);
    terminal.type(`${state("before")}; clear; ${command}; echo status $?`);
    terminal.keys("Enter");
    await terminal.waitFor(shown);
    terminal.keys("C-c");
    await terminal.waitFor(/^status 130$/m);
    terminal.type(
      `${state("after")}; cmp ${box.directory}/before ${box.directory}/after && echo same terminal`,
    );
    terminal.keys("Enter");
    const screen = await terminal.waitFor(/^same terminal$/m);
    expect(screen).not.toMatch(/internal error|at \/|Error: .*\n.*Error: /);
  } finally {
    terminal.close();
  }
  expect(await box.ok(["images", "-aq"])).toBe(before);
  expect(await box.ok(["ps", "-aq"])).toBe("");
}

needs.test(
  "ctrl-c ends a pull at once, and the next one goes on with what has come",
  async () => {
    const stub = await StubRegistry.start();
    try {
      const layer = await makeTar([{ name: "noise", content: randomBytes(1 << 20) }]);
      const { layers } = stub.add("t/slow", "1", [{ tar: layer }]);
      const blob = layers[0] as Buffer;
      const half = blob.length >> 1;
      stub.handler = (request, response) => {
        if (!request.url?.endsWith(digestOf(blob))) return undefined;
        response.writeHead(200, { "Content-Length": blob.length }).write(blob.subarray(0, half));
        return true;
      };
      const name = `${stub.host}/t/slow:1`;
      await interrupted(`kelp pull --tls-verify=false ${name}`, /[0-9a-f]{12} \[=+ .*1\.049MB/);
      stub.reset();
      await box.ok(["pull", "-q", "--tls-verify=false", name]);
      const asked = stub.requests.find(({ url }) => url.endsWith(digestOf(blob)));
      expect(asked?.headers.range).toMatch(/^bytes=[1-9]\d*-/);
      await box.ok(["rmi", name]);
    } finally {
      stub.stop();
    }
  },
  60_000,
);

needs.test(
  "ctrl-c ends a build at once, with the program of its step",
  async () => {
    const mark = `t370-${process.pid}`;
    const file = `FROM ${BUSYBOX}\nRUN echo begun ${mark}; sleep 3700 ${mark} || sleep 3700\n`;
    writeFileSync(join(box.directory, "Containerfile"), file);
    await interrupted(`kelp build ${box.directory}`, new RegExp(`> begun ${mark}`));
    const alive = readdirSync("/proc").filter((pid) => {
      if (!/^\d+$/.test(pid)) return false;
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(mark);
      } catch {
        return false;
      }
    });
    expect(alive).toEqual([]);
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
    expect({ command, stdout, stderr }).toEqual({ command, stdout: "141\n", stderr: "" });
  }
});

test("no colours, no cursor movements where there is no terminal, whatever TERM says", async () => {
  const env = { TERM: "xterm-256color" };
  for (const words of [["ps", "-a"], ["images"], ["--help"], ["help", "settings"], ["info"]]) {
    const { stdout, stderr } = await box.kelp(words, { env });
    expect(`${stdout}${stderr}`).not.toContain("\u001b");
  }
});
