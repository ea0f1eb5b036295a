import { afterAll, beforeAll, expect } from "bun:test";
import { setTimeout as sleep } from "node:timers/promises";
import { BUSYBOX, requires } from "../support/index.ts";
import { Machine } from "./support/machine.ts";

const { test, missing } = requires("qemu");
let vm: Machine;

const START_MS = 20 * 60_000;
const TEST_MS = 15 * 60_000;

beforeAll(async () => {
  if (missing !== undefined) return;
  vm = await Machine.start();
  await vm.ok("login:kelp", "kelp load -q -i /opt/kelp/busybox.tar");
}, START_MS);

afterAll(() => vm?.end());

const kelp = (script: string) => vm.ok("login:kelp", script);

/**
 * Says on the console what kelp has acknowledged, until the power goes; each line has come back from a finished command.
 * Beside it something writes to the disk that nobody flushes but kelp's own syncs: the cut finds the disk's cache full.
 */
const WRITER = `
  (while :; do dd if=/dev/zero of=unflushed bs=64k count=16 oflag=direct conv=notrunc 2>/dev/null; done) &
  n=0
  while :; do
    n=$((n + 1))
    kelp volume create v$n >/dev/null && echo "ACK volume v$n"
    kelp create --name c$n ${BUSYBOX} true >/dev/null && echo "ACK container c$n"
    kelp tag ${BUSYBOX} localhost/t$n:1 && echo "ACK image localhost/t$n:1"
    kelp run --name w$n ${BUSYBOX} sh -c "echo $n >/file" && kelp commit -q w$n localhost/m$n:1 >/dev/null && echo "ACK image localhost/m$n:1"
    kelp rm w$n >/dev/null && echo "ACK gone w$n"
  done`;

function acknowledged(console: string): (readonly [string, string])[] {
  return [...console.matchAll(/ACK (volume|container|image|gone) (\S+)\r?\n/g)].map(
    ([, kind = "", name = ""]) => [kind, name] as const,
  );
}

for (const round of [1, 2]) {
  test(
    `a power cut in the middle of writes loses nothing that was acknowledged (${round})`,
    async () => {
      const before = acknowledged(vm.wholeConsole()).length;
      const write = WRITER.replaceAll("v$n", `v${round}-$n`)
        .replaceAll("c$n", `c${round}-$n`)
        .replaceAll("t$n:", `t${round}-$n:`)
        .replaceAll("m$n:", `m${round}-$n:`)
        .replaceAll("w$n", `w${round}-$n`);
      vm.script("root", `su -l kelp -c '${write.replaceAll("'", "'\\''")}' >/dev/ttyS0 2>/dev/null`).catch(
        () => undefined,
      );
      const end = performance.now() + TEST_MS / 2;
      const wanted = before + 8 + 3 * round;
      while (acknowledged(vm.wholeConsole()).length < wanted && performance.now() < end) await sleep(200);
      await sleep(137 * round);
      await vm.cutPower();
      const told = acknowledged(vm.wholeConsole()).slice(before);
      expect(told.length).toBeGreaterThanOrEqual(8);
      await vm.boot();
      const checks = told.map(([kind, name]) =>
        kind === "gone" ? `! kelp container exists ${name}` : `kelp ${kind} exists ${name}`,
      );
      const lost = await kelp(
        checks.map((check) => `${check} || echo "lost: ${check.replace("! ", "not ")}"`).join("\n"),
      );
      expect(lost).toBe("");
      const { code, stdout, stderr } = await vm.script("login:kelp", "kelp system check");
      expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "", stderr: "" });
      // And it works: what was committed can be run.
      const [, image] = told.findLast(([kind, name]) => kind === "image" && name.includes("/m")) ?? [];
      if (image !== undefined)
        expect(await kelp(`kelp run --rm ${image} cat /file`)).toBe(/-(\d+):1$/.exec(image)?.[1] ?? "");
    },
    TEST_MS,
  );
}

test("the cuts were real: the disk lost what had not been flushed", () => {
  expect(vm.lostSectors).toBeGreaterThan(0);
});
