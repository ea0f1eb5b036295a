import { describe, expect, test } from "bun:test";
import { checkCommand, healthConfig } from "../../../src/container/config-health.ts";
import { parseHealthLog } from "../../../src/runtime/index.ts";

const IMAGE = { Test: ["CMD-SHELL", "image"], Interval: 5e9, Retries: 7 };
const config = (options: Record<string, unknown>, image?: Readonly<Record<string, unknown>>) =>
  healthConfig({ options, given: new Set(Object.keys(options)), image, cwd: "/" });

describe("what is checked", () => {
  test("nothing, if neither flags nor image say so", () => expect(config({})).toBeUndefined());

  test("a line is for the shell, a JSON list is a command", () => {
    expect(config({ "health-cmd": "a | b" })?.test).toEqual(["CMD-SHELL", "a | b"]);
    expect(config({ "health-cmd": '["a","b"]' })?.test).toEqual(["CMD", "a", "b"]);
    expect(config({ "health-cmd": '["CMD-SHELL","a b"]' })?.test).toEqual(["CMD-SHELL", "a b"]);
    expect(checkCommand(["CMD", "a", "b"])).toEqual(["a", "b"]);
    expect(checkCommand(["CMD-SHELL", "a b"])).toEqual(["/bin/sh", "-c", "a b"]);
  });

  test("the image's check can be changed in part, replaced, and silenced", () => {
    expect(config({}, IMAGE)).toMatchObject({ test: IMAGE.Test, intervalNs: 5e9, retries: 7 });
    expect(config({ "health-retries": 2 }, IMAGE)).toMatchObject({ test: IMAGE.Test, retries: 2 });
    expect(config({ "health-cmd": "own" }, IMAGE)).not.toHaveProperty("retries");
    expect(config({ "no-healthcheck": true }, IMAGE)).toEqual({ test: ["NONE"] });
    expect(config({ "health-cmd": "none" }, IMAGE)).toEqual({ test: ["NONE"] });
  });

  test("interval disable leaves it to who asks", () => {
    expect(config({ "health-cmd": "x", "health-interval": "disable" })?.intervalNs).toBe(0);
  });
});

describe("refused", () => {
  const cases: readonly [Record<string, unknown>, string][] = [
    [{ "health-on-failure": "kill" }, "cannot set on-failure action to kill without a health check"],
    [{ "health-startup-cmd": "x" }, "cannot set a startup healthcheck without a health check"],
    [
      { "health-startup-retries": 1, "health-cmd": "x" },
      "--health-startup-retries needs --health-startup-cmd",
    ],
    [{ "health-cmd": "x", "health-on-failure": "cry" }, "invalid on-failure action for health check: cry"],
    [{ "health-cmd": "x", "health-timeout": "10ms" }, "healthcheck-timeout must be at least 1 second"],
    [{ "health-cmd": "x", "health-retries": 0 }, "healthcheck-retries must be greater than 0"],
    [{ "health-cmd": "x", "no-healthcheck": true }, "cannot specify both --no-healthcheck and --health-cmd"],
  ];
  for (const [options, message] of cases) {
    test(JSON.stringify(options), () => expect(() => config(options)).toThrow(message));
  }
});

test("half a record in the log hides no other", () => {
  const whole = "check 1 0 2 500000000 3 5\nab\nc\n\n";
  const log = parseHealthLog(Buffer.from(`${whole}check 9 0 9 0 0 400\nhalf\n${whole}check 1 0`));
  expect(log).toEqual(Array(2).fill({ start: 1000, end: 2500, exitCode: 3, output: "ab\nc\n" }));
});
