/** Whoever reads kelp's output goes, as `head` does, or cannot take it: how a command ends then. */
import { beforeAll, expect } from "bun:test";
import { BUSYBOX, busyboxArchive, KELP, requires, run, useSandbox } from "../support/index.ts";

const box = useSandbox("305-readers");
const { test } = requires("overlay", "busybox");
/** More than any pipe holds. */
const MUCH = "dd if=/dev/zero of=/v/much bs=64k count=64 status=none; cp /v/much /much";

beforeAll(async () => {
  await box.ok(["load", "-i", await busyboxArchive()]);
  const script = `${MUCH}; seq 1 100000; exec sleep 600`;
  await box.ok([
    "run",
    "-d",
    "--network",
    "none",
    "--name",
    "c",
    "-v",
    "v305:/v",
    BUSYBOX,
    "sh",
    "-c",
    script,
  ]);
  // The log is written once its last line is there.
  for (let wait = 0; !(await box.ok(["logs", "--tail", "1", "c"])).includes("100000") && wait < 200; wait++)
    await Bun.sleep(50);
});

/** The status of kelp in a line of bash, its standard error, and what came through. */
async function piped(line: string) {
  const { stdout, stderr } = await run("bash", ["-c", `${line}\necho " status \${PIPESTATUS[0]}"`], {
    env: { ...box.env, K: KELP },
  });
  return `${stdout}${stderr}`.replaceAll("\0", "");
}

/** The reader has gone before kelp begins. */
const nobody = (words: string) => `{ sleep 0.2; exec "$K" ${words}; } | :`;

const STREAMED = [
  "export c",
  "export -o /dev/stdout c",
  "volume export v305",
  "cp c:/much -",
  `save ${BUSYBOX}`,
  `save --format oci-archive ${BUSYBOX}`,
  `save -o /dev/stdout ${BUSYBOX}`,
  "logs c",
  "logs -f c",
  "exec c cat /much",
];
for (const words of STREAMED)
  test(`kelp ${words} | head ends without a word, with the status of SIGPIPE`, async () => {
    expect(await piped(`"$K" ${words} | head -c 10 >/dev/null`)).toBe(" status 141\n");
  });

const PRINTED = ["ps -a", "images --format json", "inspect c", "help run", `create --rm ${BUSYBOX} true`];
for (const words of PRINTED)
  test(`so does kelp ${words} where nobody reads`, async () => {
    expect(await piped(nobody(words))).toBe(" status 141\n");
  });

test("what a command has to do for several containers it does, though nobody hears of it", async () => {
  for (const name of ["one", "two", "three"]) await box.ok(["create", "--name", name, BUSYBOX, "true"]);
  expect(await piped(nobody("rm one two three"))).toBe(" status 141\n");
  expect(await box.ok(["ps", "-a", "--filter", "name=one|two|three", "-q"])).toBe("");
});

test("events that go on end with the first one that nobody reads", async () => {
  const later = `(for i in 1 2 3 4 5 6 7 8; do sleep 0.5; "$K" rename c c$i; "$K" rename c$i c; done) >/dev/null &`;
  const got = await piped(
    `${later} "$K" events --format '{{.Status}}' | head -n 1; s=\${PIPESTATUS[0]}; wait; (exit $s)`,
  );
  expect(got).toBe("rename\n status 141\n");
});

test("a disk that is full is told in words", async () => {
  const full = (words: string) => piped(`"$K" ${words} >/dev/full`);
  expect(await full("ps -a")).toBe(" status 125\nError: cannot write the output: no space left on device\n");
  expect(await full("export c")).toBe(
    " status 125\nError: cannot write the files of container c: no space left on device\n",
  );
  expect(await full("cp c:/much -")).toContain("no space left on device");
});
