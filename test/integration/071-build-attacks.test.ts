import { beforeAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { busyboxArchive, makeCanary, rawTar, useSandbox } from "../support/index.ts";

const box = useSandbox("071-build-attacks");

beforeAll(async () => {
  await box.ok(["load", "-i", await busyboxArchive()]);
});

function context(dockerfile: string): string {
  const directory = mkdtempSync(join(box.directory, "ctx-"));
  writeFileSync(join(directory, "Dockerfile"), dockerfile);
  return directory;
}

const CACHED = "FROM busybox\n";

test("a cache's id is a name: nothing of the host is reached through it", async () => {
  const host = join(box.directory, "host");
  const ids = ["../../../host", "/etc", "..", host];
  for (const id of ids) {
    const { code, stdout } = await box.kelp([
      "build",
      context(`${CACHED}RUN --mount=type=cache,id=${id},target=/c ls -A /c | wc -l; touch /c/BREAKOUT\n`),
    ]);
    expect({ id, code }).toEqual({ id, code: 0 });
    expect(stdout).toContain("\n0\n");
  }
  expect(existsSync(join(host, "BREAKOUT"))).toBe(false);
});

test("a bind mount's source stays in the context, whatever its dots and links say", async () => {
  const outside = join(box.directory, "outside");
  writeFileSync(outside, "HOST");
  const directory = context(`${CACHED}RUN --mount=source=../outside,target=/x cat /x\n`);
  symlinkSync("/", join(directory, "root"));
  expect((await box.kelp(["build", directory])).code).toBe(125);
  writeFileSync(join(directory, "Dockerfile"), `${CACHED}RUN --mount=source=root,target=/x ls -A /x\n`);
  const { stdout } = await box.kelp(["build", directory]);
  expect(stdout).toContain("Dockerfile");
  expect(stdout).not.toContain("etc\n");
});

test("what a step writes to the mounted context is not in the context", async () => {
  const directory = context(
    `${CACHED}RUN --mount=type=bind,target=/x,rw echo changed > /x/Dockerfile && touch /x/new\n`,
  );
  const before = readFileSync(join(directory, "Dockerfile"), "utf8");
  expect((await box.kelp(["build", directory])).code).toBe(0);
  expect(readFileSync(join(directory, "Dockerfile"), "utf8")).toBe(before);
  expect(readdirSync(directory)).toEqual(["Dockerfile"]);
});

test("removing the places of mounts follows no link that a step has put there", async () => {
  const canary = makeCanary(box.directory);
  const directory = context(
    `${CACHED}RUN --mount=type=tmpfs,target=/a/b/c true; mv /a/b /a/gone 2>/dev/null; rm -rf /y; ln -s ${canary.directory} /y; true\n`,
  );
  await box.kelp(["build", directory]);
  canary.expectIntact();
});

test("the file alone cannot ask for more than run gives", async () => {
  for (const line of [
    "RUN --security=insecure true",
    "RUN --network=host true",
    "RUN --device=/dev/kvm true",
  ]) {
    const { code, stderr } = await box.kelp([
      "build",
      context(`# syntax=evil/frontend\nFROM busybox\n${line}\n`),
    ]);
    expect({ line, code }).toEqual({ line, code: 125 });
    expect(stderr).toContain("Dockerfile:3:");
  }
  const status = "grep -E '^(Seccomp|NoNewPrivs|CapEff|CapBnd):' /proc/self/status";
  const { stdout } = await box.kelp(["build", context(`FROM busybox\nRUN ${status}\n`)]);
  const inRun = await box.ok(["run", "--rm", "busybox", "sh", "-c", status]);
  expect(stdout).toContain(inRun);
});

test("COPY of a link or of dots never reads outside the context", async () => {
  writeFileSync(join(box.directory, "host-file"), "TOKEN");
  for (const source of ["../host-file", "link", "dir/host-file"]) {
    const directory = context(`FROM busybox\nCOPY ${source} /x\nRUN cat /x\n`);
    symlinkSync(join(box.directory, "host-file"), join(directory, "link"));
    symlinkSync("..", join(directory, "dir"));
    const { code, stdout, stderr } = await box.kelp(["build", directory]);
    expect({ source, code }).toEqual({ source, code: 125 });
    expect(stdout + stderr).not.toContain("TOKEN");
  }
});

test("an archive that names places outside lands inside or nowhere", async () => {
  const canary = makeCanary(box.directory);
  const directory = context("FROM busybox\nADD a.tar /in/\nRUN find /in\n");
  writeFileSync(
    join(directory, "a.tar"),
    rawTar([
      { name: "link", type: "2", link: canary.directory },
      { name: "link/planted", data: "x" },
    ]),
  );
  await box.kelp(["build", directory]);
  canary.expectIntact();
});

test("addresses of repositories are never options, programs or local paths", async () => {
  const canary = join(box.directory, "ran");
  for (const address of [
    `https://example.invalid/x.git#--upload-pack=touch ${canary}`,
    `git://example.invalid/x.git#main:../..`,
    `ssh://-oProxyCommand=touch${canary}/x.git`,
  ]) {
    const { code } = await box.kelp(["build", address]);
    expect({ address, code }).toEqual({ address, code: 125 });
  }
  expect(existsSync(canary)).toBe(false);
});

test("a Dockerfile that is a link to something private shows no more than its wrong line", async () => {
  const directory = context("FROM busybox\n");
  const secret = join(box.directory, "private");
  writeFileSync(secret, `first line\nTOKEN-${"x".repeat(5000)}\n`);
  const { code, stderr } = await box.kelp(["build", "-f", secret, directory]);
  expect(code).toBe(125);
  expect(stderr).not.toContain("TOKEN");
});

test("a build that is killed leaves nothing that the next one does not remove", async () => {
  const directory = context("FROM busybox\nRUN echo started && sleep 60\n");
  const killed = await box.kelp(["build", directory], { timeout: 3000 });
  expect(killed.code).toBe(137);
  await box.ok(["build", "-q", context("FROM busybox\nLABEL a=b\n")]);
  expect(await box.ok(["ps", "-aq"])).toBe("");
});
