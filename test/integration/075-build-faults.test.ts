/** What goes wrong in a build, and what must not be left of it. */
import { beforeAll, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { busyboxArchive, KELP, processesUsing, useSandbox } from "../support/index.ts";

const box = useSandbox("075-build-faults");

beforeAll(async () => {
  await box.ok(["load", "-i", await busyboxArchive()]);
});

function context(dockerfile: string, files: Readonly<Record<string, string>> = {}): string {
  const directory = mkdtempSync(join(box.directory, "ctx-"));
  writeFileSync(join(directory, "Dockerfile"), dockerfile);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
  return directory;
}

const FROM = "FROM busybox\n";

const WRONG: readonly (readonly [string, string, string])[] = [
  [
    "a file that is not there",
    `${FROM}COPY none /\n`,
    'Dockerfile:2:1: COPY: "none": no such file or directory',
  ],
  ["a wildcard that fits nothing", `${FROM}COPY *.none /\n`, 'COPY: "*.none": no such file or directory'],
  ["a path above the context", `${FROM}COPY ../../etc/passwd /p\n`, "no such file or directory"],
  [
    "a stage that takes from itself",
    `FROM busybox AS a\nCOPY --from=a /x /y\n`,
    'stage "a" is not there yet: it is this one',
  ],
  [
    "stages that need each other",
    `FROM busybox AS a\nCOPY --from=b /x /y\nFROM a AS b\n`,
    'stage "b" is not there yet: it is a later one',
  ],
  ["a number of no stage", `${FROM}COPY --from=7 /x /y\n`, "7"],
  [
    "several files onto a file",
    `${FROM}COPY Dockerfile x /one\n`,
    "the destination must be a directory and end with a /",
  ],
  [
    "a directory in the way of a file",
    `${FROM}COPY Dockerfile /etc/passwd/x\n`,
    "cannot copy to /etc/passwd",
  ],
  [
    "a user the image does not know",
    `${FROM}COPY --chown=nobody-here Dockerfile /x\n`,
    'the image has no user "nobody-here"',
  ],
  ["a variable that must be set", `${FROM}ENV A=\${NOT_SET:?is needed}\n`, "is needed"],
  ["a port that is none", `${FROM}EXPOSE 70000\n`, "invalid containerPort: 70000"],
  [
    "an address that gives nothing",
    `${FROM}ADD http://127.0.0.1:1/x /x\n`,
    "cannot fetch http://127.0.0.1:1/x",
  ],
  ["a sum that is another's", `${FROM}ADD --checksum=sha256:1 http://127.0.0.1:1/x /x\n`, "cannot fetch"],
  ["a target nobody wrote", FROM, 'target stage "none" could not be found'],
];

test.each(WRONG.map(([title, text, said]) => [title, text, said] as const))(
  "%s is an error that says so, and nothing is tagged",
  async (title, text, said) => {
    const target = title.startsWith("a target") ? ["--target", "none"] : [];
    const { code, stderr } = await box.kelp([
      "build",
      "-t",
      "wrong",
      "--pull=never",
      ...target,
      context(text, { x: "" }),
    ]);
    expect({ code, said: stderr.includes(said) ? said : stderr }).toEqual({ code: 125, said });
    expect((await box.kelp(["image", "exists", "wrong"])).code).toBe(1);
  },
);

test("a context that is not there, is a file, or has no Dockerfile is named", async () => {
  const empty = mkdtempSync(join(box.directory, "empty-"));
  const said = async (...args: string[]) => (await box.kelp(["build", ...args])).stderr.split("\n")[0];
  expect(await said(join(empty, "none"))).toContain("no such file or directory");
  expect(await said(KELP)).toContain("it is not a directory");
  expect(await said(empty)).toContain(
    `no Containerfile or Dockerfile specified or found in context directory, ${empty}`,
  );
  expect(await said("-f", "/no/such", empty)).toContain("/no/such: no such file or directory");
});

const LONG = `${FROM}RUN --mount=type=cache,target=/c --mount=type=bind,target=/ctx echo begun; sleep 300\n`;

/** Starts a build and waits until its step runs. */
async function runningBuild(directory: string) {
  const child = spawn(KELP, ["build", directory], { env: box.env, stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<number | null>((resolve) => child.on("close", (code) => resolve(code)));
  const text: string[] = [];
  child.stderr.on("data", (chunk: Buffer) => text.push(chunk.toString()));
  await new Promise<void>((resolve) => {
    child.stdout.on("data", (chunk: Buffer) => /^begun$/m.test(chunk.toString()) && resolve());
  });
  return { child, ended, text };
}

const scratch = () => {
  const path = join(box.env.XDG_DATA_HOME ?? join(box.env.HOME as string, ".local/share"), "kelp/tmp");
  return existsSync(path) ? readdirSync(path) : [];
};

for (const delay of [150, 300, 500, 800]) {
  test(`an interruption ${delay} ms after the start, wherever the build is then, ends it`, async () => {
    const child = spawn(KELP, ["build", context(LONG)], { env: box.env, stdio: "ignore" });
    const ended = new Promise<number | null>((resolve) => child.on("exit", (code) => resolve(code)));
    await Bun.sleep(delay);
    child.kill("SIGINT");
    expect([130, null]).toContain(await ended);
    expect(await box.ok(["ps", "-aq", "--external"])).toBe("");
  });
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  test(`${signal} in a step ends the build: no process, container, mount or scratch is left`, async () => {
    const { child, ended, text } = await runningBuild(context(LONG));
    child.kill(signal);
    expect(await ended).toBe(130);
    expect(text.join("")).toContain("the build was interrupted");
    expect(await box.ok(["ps", "-aq", "--external"])).toBe("");
    expect(processesUsing([box.directory]).filter((one) => /sleep/.test(JSON.stringify(one)))).toEqual([]);
    expect(scratch()).toEqual([]);
  });
}

test("clearing away every container does not touch a build that runs", async () => {
  const { child, ended } = await runningBuild(context(LONG));
  try {
    expect(await box.ok(["ps", "-aq"])).toBe("");
    expect((await box.ok(["ps", "-q", "--external"])).split("\n").length).toBe(1);
    await box.ok(["rm", "-fa"]);
    await box.ok(["container", "prune", "-f"]);
    expect((await box.ok(["ps", "-q", "--external"])).split("\n").length).toBe(1);
  } finally {
    child.kill("SIGTERM");
    await ended;
  }
});

test("builds that are killed at any moment leave a store that works, and the next one clears up", async () => {
  const file = `${FROM}RUN echo one > /1\nCOPY . /c\nRUN --mount=type=tmpfs,target=/t echo two > /2; sleep 0.2\nWORKDIR /w\n`;
  for (let kill = 0; kill < 6; kill++) {
    const directory = context(`${file}LABEL kill=${kill}\nRUN echo ${kill} > /k; sleep 0.3\n`, { a: "a" });
    const child = spawn(KELP, ["build", "-q", directory], { env: box.env, stdio: "ignore", detached: true });
    const ended = new Promise((resolve) => child.on("exit", resolve));
    await Bun.sleep(Math.random() * 1500);
    try {
      process.kill(-(child.pid ?? 0), "SIGKILL");
    } catch {
      // It had ended by itself.
    }
    await ended;
  }
  const id = await box.ok(["build", "-q", context(`${file}LABEL last=1\n`, { a: "a" })]);
  expect(await box.ok(["run", "--rm", id, "cat", "/1", "/2", "/c/a"])).toBe("one\ntwo\na");
  expect(await box.ok(["ps", "-aq", "--external"])).toBe("");
  await box.kelp(["system", "check", "--quick", "--repair"]);
  expect(await box.kelp(["system", "check", "--quick"])).toMatchObject({ code: 0, stderr: "" });
}, 120_000);

test("a failing step keeps what was good: its stage and the others' are there for the next build", async () => {
  const bad = (line: string) => `FROM busybox AS a
RUN cat /proc/sys/kernel/random/uuid > /a
FROM busybox
COPY --from=a /a /a
RUN cat /proc/sys/kernel/random/uuid > /b
RUN ${line}
`;
  expect((await box.kelp(["build", "-t", "half", context(bad("exit 9"))])).code).toBe(9);
  expect((await box.kelp(["image", "exists", "half"])).code).toBe(1);
  const { stdout } = await box.kelp(["build", "-t", "half", context(bad("true"))]);
  expect(stdout.match(/Using cache/g)?.length).toBe(3);
});

test("a file that changes while it is copied is never found in the cache by its old content", async () => {
  const directory = context(`${FROM}COPY f /f\n`, { f: "x".repeat(1 << 20) });
  let running = true;
  const writer = (async () => {
    for (let number = 0; running; number++) {
      writeFileSync(join(directory, "f"), String(number % 10).repeat(1 << 20));
      await Bun.sleep(1);
    }
  })();
  for (let round = 0; round < 3; round++) await box.ok(["build", "-q", directory]);
  running = false;
  await writer;
  writeFileSync(join(directory, "f"), "final");
  const id = await box.ok(["build", "-q", directory]);
  expect(await box.ok(["run", "--rm", id, "cat", "/f"])).toBe("final");
});

test("a context of 100,000 files: those that are ignored cost nothing, and one of them alone is copied alone", async () => {
  const directory = context(`${FROM}COPY kept /kept\nCOPY . /all\nRUN find /all -type f | wc -l > /count\n`, {
    kept: "k",
    ".dockerignore": "many\n",
  });
  mkdirSync(join(directory, "many"));
  for (let part = 0; part < 100; part++) {
    mkdirSync(join(directory, "many", String(part)));
    for (let file = 0; file < 1000; file++)
      writeFileSync(join(directory, "many", String(part), String(file)), "");
  }
  const id = await box.ok(["build", "-q", directory]);
  expect(await box.ok(["run", "--rm", id, "cat", "/count"])).toBe("3");
  writeFileSync(join(directory, ".dockerignore"), "");
  const all = await box.ok(["build", "-q", directory], { timeout: 240_000 });
  expect(await box.ok(["run", "--rm", all, "cat", "/count"])).toBe("100003");
  rmSync(join(directory, "many"), { recursive: true });
}, 300_000);

test("links of the context that lead out are read as in a chroot", async () => {
  const directory = context(`${FROM}COPY out /x\n`, {});
  symlinkSync(`${box.directory}/none/../../etc/passwd`, join(directory, "out"));
  const { code, stderr } = await box.kelp(["build", directory]);
  expect(code).toBe(125);
  expect(stderr).toContain('COPY: "out": no such file or directory');
});
