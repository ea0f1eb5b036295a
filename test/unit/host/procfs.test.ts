import { expect, test } from "bun:test";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { bootId, isAlive, processStart } from "../../../src/host/index.ts";

test("a process is known by its pid and start time together", () => {
  const start = processStart(process.pid) as bigint;
  expect(start).toBeGreaterThan(0n);
  expect(isAlive(process.pid, start)).toBe(true);
  expect(isAlive(process.pid, start + 1n)).toBe(false);
});

test("a process that has ended is not alive, nor is its zombie", async () => {
  const { pid } = spawnSync("true");
  expect(processStart(pid)).toBeUndefined();
  // The shell does not wait for its child, so that a zombie stays until the shell itself is killed.
  const shell = spawn("sh", ["-c", "true & echo $!; kill -STOP $$"], { stdio: ["ignore", "pipe", "ignore"] });
  const [output] = await once(shell.stdout, "data");
  const child = Number(String(output));
  for (let i = 0; i < 100 && processStart(child) !== undefined; i++) await Bun.sleep(5);
  expect(processStart(child)).toBeUndefined();
  shell.kill("SIGKILL");
});

test("a command's name with parentheses and spaces does not confuse the fields", async () => {
  const child = spawn("sh", ["-c", `printf ') S 1 (x' > /proc/$$/comm; echo; sleep 5`], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  await once(child.stdout, "data");
  const fields = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ").at(-1)?.split(" ");
  expect(processStart(child.pid as number)).toBe(BigInt(fields?.[19] as string));
  child.kill("SIGKILL");
});

test("the boot id is the kernel's", () => {
  expect(bootId()).toMatch(/^[0-9a-f-]{36}$/);
});
