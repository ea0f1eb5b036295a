import { describe, expect, test } from "bun:test";
import { normaliseArgv, type OptionsEnd } from "../../../src/cli/argv.ts";
import { RUN_OPTIONS } from "../../../src/cli/options/create.ts";
import { readValues } from "../../../src/cli/values.ts";

/** What `kelp run WORDS` means: given options, then the arguments. */
function run(line: string[], end: OptionsEnd = "after-first") {
  const read = normaliseArgv(line, RUN_OPTIONS, end);
  const { options, given } = readValues(RUN_OPTIONS, read.flags);
  const seen = Object.fromEntries(
    [...given].map((name) => [name, (options as Record<string, unknown>)[name]]),
  );
  return { seen, args: read.args, help: read.help };
}

const CASES: readonly (readonly [string[], Record<string, unknown>, string[]])[] = [
  [["img"], {}, ["img"]],
  [["-d", "img"], { detach: true }, ["img"]],
  [["-it", "img", "sh"], { interactive: true, tty: true }, ["img", "sh"]],
  [["-itv", "/a:/b", "img"], { interactive: true, tty: true, volume: ["/a:/b"] }, ["img"]],
  [["-itv/a:/b", "img"], { interactive: true, tty: true, volume: ["/a:/b"] }, ["img"]],
  [["-v=/a:/b", "img"], { volume: ["/a:/b"] }, ["img"]],
  [["-dv", "/a", "-v", "/b", "img"], { detach: true, volume: ["/a", "/b"] }, ["img"]],
  [["--rm=false", "img"], { rm: false }, ["img"]],
  [["--rm", "false", "img"], { rm: true }, ["false", "img"]],
  [["-d=true", "img"], { detach: true }, ["img"]],
  [["-d=false", "img"], { detach: false }, ["img"]],
  [["-dt=false", "img"], { detach: true, tty: false }, ["img"]],
  [["-e", "-x=1", "img"], { env: ["-x=1"] }, ["img"]],
  [["-e", "--", "img"], { env: ["--"] }, ["img"]],
  [["-e=x=1", "img"], { env: ["x=1"] }, ["img"]],
  [["-ex=1", "img"], { env: ["x=1"] }, ["img"]],
  [["-e=", "img"], { env: ["="] }, ["img"]],
  [["-e", "", "img"], { env: [""] }, ["img"]],
  [["--env", "a=b=c", "--env=d", "img"], { env: ["a=b=c", "d"] }, ["img"]],
  [["--entrypoint", "", "img"], { entrypoint: "" }, ["img"]],
  [["--entrypoint=", "img"], { entrypoint: "" }, ["img"]],
  [["--name", "--rm", "img"], { name: "--rm" }, ["img"]],
  [["--name=a=b", "img"], { name: "a=b" }, ["img"]],
  [["--stop-timeout", "-1", "img"], { "stop-timeout": -1 }, ["img"]],
  [["--stop-timeout=0x10", "img"], { "stop-timeout": 16 }, ["img"]],
  [["--oom-score-adj=-500", "img"], { "oom-score-adj": -500 }, ["img"]],
  [["--", "img", "-x"], {}, ["img", "-x"]],
  [["-d", "--", "-img"], { detach: true }, ["-img"]],
  [["img", "-it", "--rm", "--", "x"], {}, ["img", "-it", "--rm", "--", "x"]],
  [["-", "-d"], {}, ["-", "-d"]],
  [["", "-d"], {}, ["", "-d"]],
  [["-h", "box", "img"], { hostname: "box" }, ["img"]],
  [["-hbox", "img"], { hostname: "box" }, ["img"]],
  [["--net", "host", "img"], { network: ["host"] }, ["img"]],
  [["--net=none", "--network=host", "img"], { network: ["none", "host"] }, ["img"]],
  [["--dns", "1.1.1.1,8.8.8.8", "--dns=9.9.9.9", "img"], { dns: ["1.1.1.1", "8.8.8.8", "9.9.9.9"] }, ["img"]],
  [["-v", "/a,b:/c", "img"], { volume: ["/a,b:/c"] }, ["img"]],
  [["-l", "a=b,c", "img"], { label: ["a=b,c"] }, ["img"]],
  [["--cap-add", 'a,"b,c"', "img"], { "cap-add": ["a", "b,c"] }, ["img"]],
  [["--shm-size", "64m", "img"], { "shm-size": 64 << 20 }, ["img"]],
  [["--pull", "always", "img"], { pull: "always" }, ["img"]],
  [["--pull=never", "img"], { pull: "never" }, ["img"]],
  [
    ["--read-only-tmpfs=false", "--read-only", "img"],
    { "read-only-tmpfs": false, "read-only": true },
    ["img"],
  ],
  [["--name", "a", "--name", "b", "img"], { name: "b" }, ["img"]],
  [["--rm", "--rm=F", "img"], { rm: false }, ["img"]],
  [["--restart", "no", "img"], { restart: "no" }, ["img"]],
  [["--publish-all=false", "img"], { "publish-all": false }, ["img"]],
  [["--userns=keep-id:uid=1", "img"], { userns: "keep-id:uid=1" }, ["img"]],
];

describe("flags are read as pflag reads them", () => {
  for (const [line, seen, args] of CASES) {
    test(line.join(" "), () => expect(run(line)).toEqual({ seen, args, help: false }));
  }
});

describe("options anywhere", () => {
  const cases: readonly (readonly [string[], Record<string, unknown>, string[]])[] = [
    [["a", "-d", "b"], { detach: true }, ["a", "b"]],
    [["a", "--name", "x", "b", "--rm"], { name: "x", rm: true }, ["a", "b"]],
    [["a", "--", "-d", "--", "b"], {}, ["a", "-d", "--", "b"]],
    [["-", "a", "-t"], { tty: true }, ["-", "a"]],
  ];
  for (const [line, seen, args] of cases) {
    test(line.join(" "), () => expect(run(line, "anywhere")).toEqual({ seen, args, help: false }));
  }
});

describe("help", () => {
  test("--help wins over what follows", () => expect(run(["-d", "--help", "--no-such"]).help).toBe(true));
  test("after the image it belongs to the command", () => {
    expect(run(["img", "--help"])).toEqual({ seen: {}, args: ["img", "--help"], help: false });
  });
  test("-h is help where no option has the letter", () => {
    expect(normaliseArgv(["-h"], {}, "anywhere").help).toBe(true);
    expect(normaliseArgv(["-ah"], { all: { kind: "boolean", short: "a", text: "" } }, "anywhere").help).toBe(
      true,
    );
  });
});

const ERRORS: readonly (readonly [string[], string, string?])[] = [
  [["--foo", "img"], "unknown flag: --foo"],
  [["--foo=bar", "img"], "unknown flag: --foo"],
  [["--detatch", "img"], "unknown flag: --detatch", "did you mean --detach?"],
  [["--netwrok=x", "img"], "unknown flag: --netwrok", "did you mean --network?"],
  [["-xyz", "img"], "unknown shorthand flag: 'x' in -xyz"],
  [["-dxyz", "img"], "unknown shorthand flag: 'x' in -xyz"],
  [["-é", "img"], "unknown shorthand flag: 'é' in -é"],
  [["--name"], "flag needs an argument: --name"],
  [["-d", "-e"], "flag needs an argument: 'e' in -e"],
  [["-de"], "flag needs an argument: 'e' in -e"],
  [["---x"], "bad flag syntax: ---x"],
  [["--=x"], "bad flag syntax: --=x"],
  [
    ["--rm=maybe", "img"],
    'invalid argument "maybe" for "--rm" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
  ],
  [
    ["-d=x", "img"],
    'invalid argument "x" for "-d, --detach" flag: strconv.ParseBool: parsing "x": invalid syntax',
  ],
  [
    ["--stop-timeout=1s", "img"],
    'invalid argument "1s" for "--stop-timeout" flag: strconv.ParseInt: parsing "1s": invalid syntax',
  ],
  [
    ["--stop-timeout=99999999999999999999", "img"],
    'invalid argument "99999999999999999999" for "--stop-timeout" flag: strconv.ParseInt: parsing "99999999999999999999": value out of range',
  ],
  [["--shm-size=big", "img"], `invalid argument "big" for "--shm-size" flag: invalid size: 'big'`],
  [["--pod", "x", "img"], "--pod is not supported: kelp has no pods"],
];

describe("mistakes are told in pflag's words", () => {
  for (const [line, message, hint] of ERRORS) {
    test(line.join(" "), () => {
      let thrown: { message?: string; hint?: string | undefined } = {};
      try {
        run(line);
      } catch (error) {
        thrown = error as typeof thrown;
      }
      expect(thrown.message).toBe(message);
      if (hint !== undefined) expect(thrown.hint).toBe(hint);
    });
  }
});

test("defaults hold where nothing is given", () => {
  const { options } = readValues(RUN_OPTIONS, []);
  expect(options.rm).toBe(false);
  expect(options["sig-proxy"]).toBe(true);
  expect(options.env).toEqual([]);
  expect(options.name).toBeUndefined();
  expect(options.systemd).toBe("true");
});

test("maps and durations", () => {
  const table = {
    opt: { kind: "map", short: "o", text: "" },
    time: { kind: "duration", text: "" },
  } as const;
  const read = normaliseArgv(["-o", "a=b=c", "--opt=d", "--time", "1m30s"], table, "anywhere");
  expect(readValues(table, read.flags).options).toEqual({ opt: { a: "b=c", d: "" }, time: 90e9 });
});
