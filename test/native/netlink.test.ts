/** What is believed of answers to netlink requests, under the sanitizers. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { spawnSync } from "bun";

const NATIVE = join(import.meta.dir, "../../native");

test("an answer counts if it is the kernel's, about this request and whole (fuzz-netlink)", () => {
  const made = spawnSync(["make", "-s", "-C", NATIVE, "build/fuzz-netlink"], { stderr: "pipe" });
  expect(made.stderr.toString()).toBe("");
  const { exitCode, stderr } = spawnSync([join(NATIVE, "build/fuzz-netlink"), "100000"], { stderr: "pipe" });
  expect([exitCode, stderr.toString()]).toEqual([0, ""]);
}, 120_000);
