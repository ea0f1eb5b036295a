import { beforeAll, expect, test } from "bun:test";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
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
  expect(await box.ok(["ps", "-aq", "--external"])).toBe("");
});

/** Files beneath kelp's own directories that hold the word, whoever owns them. */
async function filesWith(word: string): Promise<string[]> {
  const roots = [join(box.directory, "data"), join(box.directory, "cache"), box.runtime];
  const present = roots.filter((path) => existsSync(path));
  // By way of standard input, or the plan of this very command would have it.
  const script = `read -r word; grep -rlaF -- "$word" ${present.join(" ")}`;
  const { stdout } = await box.kelp(["unshare", "sh", "-c", script], { stdin: `${word}\n` });
  for (const name of readdirSync(join(box.runtime, "kelp")))
    if (name.startsWith("unshare-")) rmSync(join(box.runtime, "kelp", name));
  return stdout.split("\n").filter((line) => line !== "");
}

test("the search for a secret finds one that was not kept", async () => {
  await box.ok(["build", "-q", context("FROM busybox\nRUN echo LEAKED-7c31 > /kept\n")]);
  expect((await filesWith("LEAKED-7c31")).length).toBeGreaterThan(0);
});

test("B6: no secret is in a layer, a record, the cache, history, a log or on a command line", async () => {
  const token = `TOKEN-${crypto.randomUUID()}`;
  const file = join(mkdtempSync(join(box.directory, "secret-")), "token");
  writeFileSync(file, token);
  const directory = context(`FROM busybox
RUN --mount=type=secret,id=file --mount=type=secret,id=var,env=VAR test "$(cat /run/secrets/file)" = "$VAR" && echo same > /same
RUN test -n "$HTTP_PROXY" && sleep 1
RUN for p in /proc/[0-9]*; do tr "\\0" " " < $p/cmdline; done > /commands; echo done
`);
  const build = box.kelp(
    [
      ...["--log-level", "debug", "build", "--no-cache", "-t", "secretive"],
      ...["--secret", `id=file,src=${file}`, "--secret", "id=var,env=HIDDEN", "--build-arg", "HTTP_PROXY"],
      directory,
    ],
    { env: { HIDDEN: token, HTTP_PROXY: `http://user:${token}@127.0.0.1:1` } },
  );
  let ended = false;
  const arguments_ = new Set<string>();
  const watcher = (async () => {
    while (!ended) {
      for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
        try {
          arguments_.add(readFileSync(`/proc/${pid}/cmdline`, "latin1"));
        } catch {
          // It is gone.
        }
      }
      await Bun.sleep(20);
    }
  })();
  const { code, stdout, stderr } = await build;
  ended = true;
  await watcher;
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  const told = [
    stdout,
    stderr,
    ...arguments_,
    await box.ok(["image", "inspect", "secretive"]),
    await box.ok(["history", "--no-trunc", "secretive"]),
  ];
  expect(told.filter((text) => text.includes(token))).toEqual([]);
  expect(await filesWith(token)).toEqual([]);
  await box.ok(["save", "-o", join(box.directory, "secretive.tar"), "secretive"]);
  expect(readFileSync(join(box.directory, "secretive.tar")).includes(token)).toBe(false);
});

test("B6: a password in an address of the file is not shown, recorded or kept", async () => {
  const token = `TOKEN-${crypto.randomUUID()}`;
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("content") });
  try {
    const address = `http://user:${token}@127.0.0.1:${server.port}/f`;
    const directory = context(`FROM busybox\nADD ${address} /f\n`);
    const { code, stdout, stderr } = await box.kelp(["build", "-t", "addressed", directory]);
    expect(code).toBe(0);
    const failing = await box.kelp([
      "build",
      context(`FROM busybox\nADD ${address}.git#nowhere /f\nADDD ${address} /\n`),
    ]);
    expect([stdout, stderr, failing.stdout, failing.stderr].filter((text) => text.includes(token))).toEqual(
      [],
    );
    expect(await box.ok(["history", "--no-trunc", "addressed"])).not.toContain(token);
    expect(await filesWith(token)).toEqual([]);
  } finally {
    await server.stop(true);
  }
});

test("B7: no line of a private file is shown that a context's files lead to", async () => {
  const secret = join(mkdtempSync(join(box.directory, "private-")), "host-file");
  writeFileSync(secret, "TOKEN-a TOKEN-b\n[TOKEN-c\n!\n");
  const shown: string[] = [];
  const linked = (name: string, target: string) => {
    const directory =
      name === "Dockerfile" ? mkdtempSync(join(box.directory, "ctx-")) : context("FROM busybox\nCOPY . /c\n");
    symlinkSync(target, join(directory, name));
    return directory;
  };
  for (const name of ["Dockerfile", ".containerignore", ".dockerignore", "Dockerfile.dockerignore"]) {
    const { code, stdout, stderr } = await box.kelp(["build", linked(name, secret)]);
    expect({ name, code }).toEqual({ name, code: 125 });
    expect(stderr).toContain("leads out of the context");
    shown.push(stdout, stderr);
  }
  expect(shown.filter((text) => text.includes("TOKEN"))).toEqual([]);
});

test("a link of the context to a Dockerfile elsewhere is built from, and one within may be ignored by", async () => {
  const directory = mkdtempSync(join(box.directory, "ctx-"));
  const elsewhere = join(mkdtempSync(join(box.directory, "shared-")), "common");
  writeFileSync(elsewhere, "FROM busybox\nCOPY . /c\n");
  symlinkSync(elsewhere, join(directory, "Dockerfile"));
  writeFileSync(join(directory, "rules"), "rules\nDockerfile\n.dockerignore\n");
  symlinkSync("rules", join(directory, ".dockerignore"));
  writeFileSync(join(directory, "a"), "");
  const id = await box.ok(["build", "-q", directory]);
  expect(await box.ok(["run", "--rm", id, "ls", "-A", "/c"])).toBe("a");
});

test("B7: a Dockerfile without an end, or larger than any, is refused and not read", async () => {
  const directory = context("FROM busybox\n");
  const huge = join(directory, "huge");
  writeFileSync(huge, "");
  truncateSync(huge, 2 ** 30);
  const said = async (path: string) => (await box.kelp(["build", "-f", path, directory])).stderr;
  expect(await said(huge)).toContain("it has 1073741824 bytes, the limit is 16777216");
  expect(await said("/dev/zero")).toContain("it is no regular file");
  writeFileSync(join(directory, ".dockerignore"), "");
  truncateSync(join(directory, ".dockerignore"), 2 ** 30);
  expect((await box.kelp(["build", directory])).stderr).toContain("no regular file of a sensible size");
});
