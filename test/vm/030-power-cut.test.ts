import { expect } from "bun:test";
import { setTimeout as sleep } from "node:timers/promises";
import { BUSYBOX } from "../support/index.ts";
import { useGuest } from "./support/index.ts";

const guest = await useGuest();
const { test, kelp } = guest;

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
  test(`a power cut in the middle of writes loses nothing that was acknowledged (${round})`, async () => {
    const before = acknowledged(guest.machine.console()).length;
    const write = WRITER.replaceAll("v$n", `v${round}-$n`)
      .replaceAll("c$n", `c${round}-$n`)
      .replaceAll("t$n:", `t${round}-$n:`)
      .replaceAll("m$n:", `m${round}-$n:`)
      .replaceAll("w$n", `w${round}-$n`);
    guest.machine
      .script("root", `su -l kelp -c '${write.replaceAll("'", "'\\''")}' >/dev/ttyS0 2>/dev/null`)
      .catch(() => undefined);
    const end = performance.now() + 8 * 60_000;
    const wanted = before + 8 + 3 * round;
    while (acknowledged(guest.machine.console()).length < wanted && performance.now() < end) await sleep(200);
    await sleep(137 * round);
    await guest.machine.cutPower();
    const told = acknowledged(guest.machine.console()).slice(before);
    expect(told.length).toBeGreaterThanOrEqual(8);
    await guest.machine.boot();
    const checks = told.map(([kind, name]) =>
      kind === "gone" ? `! kelp container exists ${name}` : `kelp ${kind} exists ${name}`,
    );
    const lost = await kelp(
      checks.map((check) => `${check} || echo "lost: ${check.replace("! ", "not ")}"`).join("\n"),
    );
    expect(lost).toBe("");
    const { code, stdout, stderr } = await guest.machine.script("login:kelp", "kelp system check");
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "", stderr: "" });
    // And it works: what was committed can be run.
    const [, image] = told.findLast(([kind, name]) => kind === "image" && name.includes("/m")) ?? [];
    if (image !== undefined)
      expect(await kelp(`kelp run --rm ${image} cat /file`)).toBe(/-(\d+):1$/.exec(image)?.[1] ?? "");
  });
}

test("the cuts were real: the disk lost what had not been flushed", () => {
  expect(guest.machine.lostSectors).toBeGreaterThan(0);
});
