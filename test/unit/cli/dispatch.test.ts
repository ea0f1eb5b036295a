import { describe, expect, test } from "bun:test";
import { HostError, KelpError, ReaderGoneError, UsageError } from "../../../src/base/index.ts";
import { checkArgs, checkChosen, checkExclusive } from "../../../src/cli/arity.ts";
import { defineCommand } from "../../../src/cli/command.ts";
import { dispatch } from "../../../src/cli/dispatch.ts";
import { reportFailure } from "../../../src/cli/exit.ts";
import { FlagError } from "../../../src/cli/flag-error.ts";
import { commandHelp } from "../../../src/cli/help.ts";
import { toYaml } from "../../../src/cli/yaml.ts";
import { recordingIo } from "../../support/io.ts";

/** Standard output, standard error and status of a command line, as a shell would see them. */
async function kelp(...argv: string[]) {
  const io = recordingIo();
  let status: number;
  try {
    status = await dispatch(argv, () => io);
  } catch (error) {
    status = reportFailure(error, io, false);
  }
  return { status, stdout: io.stdout, stderr: io.stderr };
}

describe("command lines that are wrong", () => {
  const cases: readonly (readonly [string[], string])[] = [
    [
      ["verson"],
      "Error: unrecognized command `kelp verson`\nHint: did you mean 'kelp version'? 'kelp --help' lists the commands\n",
    ],
    [
      ["system", "nosuch"],
      "Error: unrecognized command `kelp system nosuch`\nHint: 'kelp system --help' lists the commands\n",
    ],
    [["version", "x"], 'Error: "kelp version" takes no arguments\n'],
    [["version", "--no-such"], "Error: unknown flag: --no-such\nSee 'kelp version --help'\n"],
    [["--rot=x", "version"], "Error: unknown flag: --rot\nHint: did you mean --root?\nSee 'kelp --help'\n"],
    [["completion"], "Error: accepts 1 arg(s), received 0\n"],
    [["--remote", "version"], "Error: --remote is not supported: kelp has no service to talk to\n"],
  ];
  for (const [argv, stderr] of cases) {
    test(argv.join(" "), async () =>
      expect(await kelp(...argv)).toEqual({ status: 125, stdout: "", stderr }),
    );
  }
  test("a group alone prints its help and fails", async () => {
    const { status, stderr } = await kelp("system");
    expect(status).toBe(125);
    expect(stderr).toStartWith("Manage kelp\n\nUsage:\n  kelp system [command]\n\nAvailable Commands:\n");
    expect(stderr).toEndWith("Error: missing command 'kelp system COMMAND'\n");
  });
  test("an unknown log level ends with 1, as in podman", async () => {
    const { status, stderr } = await kelp("--log-level", "loud", "version");
    expect(status).toBe(1);
    expect(stderr).toStartWith('Log Level "loud" is not supported');
  });
});

describe("command lines that are right", () => {
  test("global flags stand before or after the command", async () => {
    const before = await kelp("--log-level=error", "version", "--format", "{{.Client.Os}}");
    const after = await kelp("version", "--format={{.Client.Os}}", "--log-level", "error");
    expect(before).toEqual({ status: 0, stdout: "linux\n", stderr: "" });
    expect(after).toEqual(before);
  });
  test("-v is the version, help is help however it is asked for", async () => {
    expect((await kelp("-v")).stdout).toStartWith("kelp version ");
    const asked = await Promise.all([kelp("help"), kelp("--help"), kelp("-h")]);
    for (const { stdout, status } of asked) {
      expect(status).toBe(0);
      expect(stdout).toStartWith(
        "Manage pods, containers and images\n\nUsage:\n  kelp [options] [command]\n",
      );
    }
    expect((await kelp("help", "version")).stdout).toBe((await kelp("version", "--help")).stdout);
  });
});

const SAMPLE = defineCommand({
  paths: [["paint"]],
  summary: "Paint one or more fences",
  description: "Paints fences.\n  Slowly.",
  usage: "[options] FENCE [FENCE...]",
  examples: [["kelp paint --colour red a", "Paint a red"]],
  options: {
    all: { kind: "boolean", short: "a", text: "All fences" },
    colour: { kind: "string", short: "c", value: "NAME", default: "white", text: "Colour to use" },
    coats: { kind: "int", text: "How many coats" },
    secret: { kind: "boolean", hidden: true, text: "Not shown" },
    later: { kind: "boolean", unsupported: "no ladder", text: "Not shown either" },
  },
  args: { min: 1, max: 2 },
  exclusive: [["all", "coats"]],
  run: () => 0,
});

test("help has podman's shape", () => {
  expect(commandHelp(SAMPLE, ["paint"])).toBe(`Paint one or more fences

Description:
  Paints fences.
  Slowly.

Usage:
  kelp paint [options] FENCE [FENCE...]

Examples:
  kelp paint --colour red a
      Paint a red

Options:
  -a, --all          All fences
      --coats int    How many coats
  -c, --colour NAME  Colour to use (default "white")
`);
});

test("numbers of arguments and options that exclude each other", () => {
  expect(() => checkArgs(SAMPLE, ["paint"], [])).toThrow('"kelp paint" requires at least 1 argument');
  expect(() => checkArgs(SAMPLE, ["paint"], ["a", "b", "c"])).toThrow("accepts at most 2 arg(s), received 3");
  expect(() => checkExclusive(SAMPLE, new Set(["coats", "all"]))).toThrow(
    "--all and --coats cannot be set together",
  );
  const checked = { ...SAMPLE, args: { min: 1, checked: true } };
  expect(() => checkChosen(checked, new Set(), [])).toThrow("you must provide at least one name or id");
  expect(() => checkChosen(checked, new Set(["all"]), [])).not.toThrow();
});

describe("failures", () => {
  const shown = (error: unknown, stderrIsTty = false) => {
    const io = Object.assign(recordingIo(), { stderrIsTty });
    return [reportFailure(error, io, false), io.stderr];
  };
  test("an error has its status, and its hint for people at a terminal", () => {
    const error = new KelpError("x", "cannot do it: no", { hint: "do that", exitCode: 7 });
    expect(shown(error, true)).toEqual([7, "Error: cannot do it: no\nHint: do that\n"]);
    expect(shown(error)).toEqual([7, "Error: cannot do it: no\n"]);
    expect(shown(new UsageError("x", "bad"))).toEqual([125, "Error: bad\n"]);
  });
  test("a hint about the machine or an unknown flag is for scripts' logs as well", () => {
    const wrong = new HostError("x", "cannot run containers: no", { hint: "sysctl that" });
    expect(shown(wrong)).toEqual([125, "Error: cannot run containers: no\nHint: sysctl that\n"]);
    const flag = new FlagError("unknown flag: --colur", "did you mean --colour?");
    expect(shown(flag)[1]).toContain("Hint: did you mean --colour?\n");
  });
  test("anything else is a defect of ours and says so", () => {
    expect(shown(new TypeError("oops"))).toEqual([
      125,
      "Error: internal error: oops\nHint: set KELP_DEBUG=1 to see where it happened\n",
    ]);
  });
  test("a reader that has gone is silence", () => expect(shown(new ReaderGoneError())).toEqual([141, ""]));
});

test("yaml is laid out as podman's info", () => {
  expect(
    toYaml({
      a: { b: [1, "x"], c: [], d: {}, e: null },
      v: "12",
      t: "true",
      m: "one\ntwo",
      l: [{ p: 1, q: "r" }],
    }),
  ).toBe(
    'a:\n  b:\n  - 1\n  - x\n  c: []\n  d: {}\n  e: null\nv: "12"\nt: "true"\nm: |-\n  one\n  two\nl:\n- p: 1\n  q: r\n',
  );
});
