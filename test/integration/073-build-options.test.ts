import { beforeAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type RealRegistry, startRegistry } from "../support/docker-registry.ts";
import { busyboxArchive, KELP, makeTar, requires, useSandbox } from "../support/index.ts";

const box = useSandbox("073-build-options");

beforeAll(async () => {
  await box.ok(["load", "-i", await busyboxArchive()]);
});

function context(files: Readonly<Record<string, string | Uint8Array>>): string {
  const directory = mkdtempSync(join(box.directory, "ctx-"));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
  return directory;
}

const json = async (args: readonly string[]) => JSON.parse(await box.ok(args));

test("files that say what came out agree with the image", async () => {
  const out = (name: string) => join(box.directory, name);
  const flags = ["--metadata-file", out("meta"), "--iidfile", out("iid"), "--iidfile-raw", out("raw")];
  const id = await box.ok([
    "build",
    "-q",
    "-t",
    "told",
    ...flags,
    context({ Dockerfile: "FROM busybox\nRUN true\n" }),
  ]);
  expect(readFileSync(out("iid"), "utf8")).toBe(`sha256:${id}`);
  expect(readFileSync(out("raw"), "utf8")).toBe(id);
  const meta = JSON.parse(readFileSync(out("meta"), "utf8"));
  expect(meta).toMatchObject({
    "containerimage.config.digest": `sha256:${id}`,
    "containerimage.digest": (await json(["image", "inspect", id]))[0].Digest,
    "image.name": "localhost/told:latest",
  });
  expect(meta["containerimage.descriptor"].digest).toBe(meta["containerimage.digest"]);
  const { code, stderr } = await box.kelp(["build", "--iidfile", out("x"), "--platform", "amd64,arm64", "."]);
  expect({ code, stderr: stderr.split("\n")[0] }).toEqual({
    code: 125,
    stderr: "Error: --iidfile is for one image: it cannot be used with several platforms",
  });
});

test("what an image inherits can be left out", async () => {
  await box.ok([
    "build",
    "-q",
    "-t",
    "parent",
    context({ Dockerfile: "FROM busybox\nENV A=1 B=2\nLABEL a=1 b=2\n" }),
  ]);
  const child = async (...flags: string[]) =>
    (
      await json([
        "image",
        "inspect",
        await box.ok(["build", "-q", ...flags, context({ Dockerfile: "FROM parent\nLABEL c=3\n" })]),
      ])
    )[0];
  expect((await child("--unsetenv", "A", "--unsetlabel", "b")).Config).toMatchObject({
    Labels: { a: "1", c: "3" },
  });
  expect((await child("--unsetenv", "A")).Config.Env).not.toContain("A=1");
  expect((await child("--inherit-labels=false")).Config.Labels).toEqual({ c: "3" });
  expect((await child("--omit-history")).History ?? []).toEqual([]);
});

test("every form of --output holds the files of the image", async () => {
  const directory = context({ Dockerfile: "FROM scratch\nCOPY a /d/a\n", a: "A" });
  const out = (name: string) => join(box.directory, name);
  await box.ok(["build", "-q", "--output", `type=local,dest=${out("local")}`, directory]);
  expect(readFileSync(join(out("local"), "d/a"), "utf8")).toBe("A");
  await box.ok(["build", "-q", "--output", `type=tar,dest=${out("f.tar")}`, directory]);
  expect(Bun.spawnSync(["tar", "-xOf", out("f.tar"), "d/a"]).stdout.toString()).toBe("A");
  for (const type of ["oci", "docker"]) {
    const file = out(`${type}.tar`);
    const id = await box.ok([
      "build",
      "-q",
      "-t",
      "saved",
      "--output",
      `type=${type},dest=${file}`,
      directory,
    ]);
    await box.ok(["rmi", "-f", id]);
    expect(await box.ok(["load", "-q", "-i", file])).toContain(id.slice(0, 12));
  }
  const piped = Bun.spawnSync([KELP, "build", "-q", "-o", "-", directory], { env: box.env });
  expect(Bun.spawnSync(["tar", "-xO", "d/a"], { stdin: piped.stdout }).stdout.toString()).toBe("A");
  const { code, stderr } = await box.kelp(["build", "--output", "type=registry,dest=x", directory]);
  expect(code).toBe(125);
  expect(stderr).toContain('unknown type "registry"');
});

test("an image keeps its health check in docker's format and in OCI's", async () => {
  const directory = context({ Dockerfile: "FROM busybox\nHEALTHCHECK --interval=5s CMD true\n" });
  const of = async (format: string) =>
    (await json(["image", "inspect", await box.ok(["build", "-q", "--format", format, directory])]))[0];
  expect((await of("docker")).ManifestType).toBe("application/vnd.docker.distribution.manifest.v2+json");
  for (const format of ["docker", "oci"])
    expect((await of(format)).Config.Healthcheck).toMatchObject({ Test: ["CMD-SHELL", "true"] });
});

test("without layers one layer is made of all steps, and none is taken from the cache", async () => {
  const directory = context({
    Dockerfile: "FROM busybox\nRUN cat /proc/sys/kernel/random/uuid > /n\nRUN echo 2 > /2\n",
  });
  const once = async () => box.ok(["build", "-q", "--layers=false", directory]);
  const id = await once();
  expect((await json(["image", "inspect", id]))[0].RootFS.Layers.length).toBe(2);
  expect(await once()).not.toBe(id);
});

test("the context may be an archive on standard input or at an address, and a place in it the file", async () => {
  const tar = await makeTar([
    { name: "sub/" },
    { name: "sub/other.Dockerfile", content: "FROM busybox\nCOPY a /a\n" },
    { name: "a", content: "from a tar" },
  ]);
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response(tar) });
  try {
    const address = `http://127.0.0.1:${server.port}/context.tar`;
    const flags = ["build", "-q", "-f", "sub/other.Dockerfile"];
    const web = await box.ok([...flags, address]);
    expect(await box.ok(["run", "--rm", web, "cat", "/a"])).toBe("from a tar");
    expect(await box.ok([...flags, "-"], { stdin: tar })).toBe(web);
  } finally {
    await server.stop(true);
  }
});

requires("git").test("the context may be a repository, a branch and a directory of it", async () => {
  const work = context({});
  const git = (...words: string[]) =>
    Bun.spawnSync(["git", "-c", "user.name=t", "-c", "user.email=t@t", ...words], { cwd: work });
  git("init", "-q", "-b", "main", ".");
  Bun.spawnSync(["mkdir", "-p", join(work, "app")]);
  writeFileSync(join(work, "app/Dockerfile"), "FROM busybox\nCOPY f /f\n");
  writeFileSync(join(work, "app/f"), "of the branch");
  git("add", "-A");
  git("commit", "-qm", "x");
  git("branch", "side");
  git("update-server-info");
  const root = join(work, ".git");
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request) => {
      const path = join(root, new URL(request.url).pathname.replace(/^\/repo\.git/, ""));
      return existsSync(path) ? new Response(Bun.file(path)) : new Response("", { status: 404 });
    },
  });
  try {
    const address = `http://127.0.0.1:${server.port}/repo.git`;
    const id = await box.ok(["build", "-q", `${address}#side:app`]);
    expect(await box.ok(["run", "--rm", id, "cat", "/f"])).toBe("of the branch");
    const added = await box.ok([
      "build",
      "-q",
      context({ Dockerfile: `FROM busybox\nADD ${address}#side /src/\n` }),
    ]);
    expect(await box.ok(["run", "--rm", added, "ls", "-A", "/src"])).toBe("app");
    const { code, stderr } = await box.kelp(["build", `${address}#nowhere`]);
    expect(code).toBe(125);
    expect(stderr).toContain("cannot fetch repository http://127.0.0.1");
  } finally {
    await server.stop(true);
  }
});

test("the ignore file of the command line is the only one", async () => {
  const directory = context({
    Dockerfile: "FROM busybox\nCOPY . /c\n",
    a: "",
    b: "",
    ".dockerignore": "a\n",
  });
  const other = join(box.directory, "other-ignore");
  writeFileSync(other, "b\n");
  const id = await box.ok(["build", "-q", "--ignorefile", other, directory]);
  expect(await box.ok(["run", "--rm", id, "ls", "/c"])).toBe("Dockerfile\na");
});

test("secrets come from files and variables, and a missing one is named", async () => {
  const file = "FROM busybox\nRUN --mount=type=secret,id=s,required=true cat /run/secrets/s\n";
  const directory = context({ Dockerfile: file });
  const told = await box.kelp(["build", "--secret", "id=s,env=HIDDEN", directory], {
    env: { HIDDEN: "from env" },
  });
  expect(told.stdout).toContain("from env");
  const missing = await box.kelp(["build", "--no-cache", "--secret", "id=s,src=/no/such", directory]);
  expect(missing.code).toBe(125);
  expect(missing.stderr).toContain("cannot read secret s: /no/such: no such file or directory");
  expect((await box.kelp(["build", "--secret", "src=/x", directory])).stderr).toContain("no id");
});

test("an SSH agent is there for the step that asks for it", async () => {
  const socket = join(box.directory, "agent");
  const server = Bun.listen({ unix: socket, socket: { data() {} } });
  try {
    const directory = context({
      Dockerfile: 'FROM busybox\nRUN --mount=type=ssh test -S $SSH_AUTH_SOCK\nRUN test -z "$SSH_AUTH_SOCK"\n',
    });
    await box.ok(["build", "-q", "--ssh", `default=${socket}`, directory]);
    const { stderr } = await box.kelp(["build", "--ssh", "default", directory], {
      env: { SSH_AUTH_SOCK: "" },
    });
    expect(stderr).toContain("cannot use --ssh default: SSH_AUTH_SOCK is not set");
  } finally {
    server.stop(true);
  }
});

test("one job at a time builds the same", async () => {
  const file =
    "FROM busybox AS a\nRUN echo a > /a\nFROM busybox AS b\nRUN echo b > /b\nFROM busybox\nCOPY --from=a /a /\nCOPY --from=b /b /\n";
  const id = await box.ok(["build", "-q", "--jobs", "1", context({ Dockerfile: file })]);
  expect(await box.ok(["run", "--rm", id, "cat", "/a", "/b"])).toBe("a\nb");
});

test("a terminal shows running steps with their output and clock, and what was cached", async () => {
  const file =
    "FROM busybox\nRUN echo first > /f\nRUN for i in 1 2 3; do echo line-$i; sleep 0.5; done\nRUN echo last; exit 3\n";
  const directory = context({ Dockerfile: file });
  const show = async () => {
    const pieces: string[] = [];
    const child = Bun.spawn([KELP, "build", directory], {
      env: { ...box.env, NO_COLOR: "1" },
      terminal: { cols: 80, rows: 24, data: (_, data) => void pieces.push(new TextDecoder().decode(data)) },
    });
    const code = await child.exited;
    return { code, screen: pieces.join("") };
  };
  const first = await show();
  expect(first.code).toBe(3);
  expect(first.screen).toContain("[+] building, 1 running");
  expect(first.screen).toMatch(/=> \[3\/4\] RUN for i in .*\d\.\ds/);
  expect(first.screen).toContain(" > line-2");
  expect(first.screen).toMatch(/=> ERROR \[4\/4\] RUN echo last; exit 3 +\d\.\ds\r\n > last\r\n/);
  expect((await show()).screen).toContain("=> CACHED [3/4] RUN for i in");
});

const withRegistry = requires("registry");

withRegistry.test("steps that another machine has built come from the registry", async () => {
  const registry = await startRegistry(join(box.directory, "registry"));
  try {
    await shareSteps(registry);
  } finally {
    registry.stop();
  }
});

async function shareSteps(registry: RealRegistry): Promise<void> {
  const cache = `${registry.host}/team/cache`;
  const directory = context({
    Dockerfile: "FROM busybox\nRUN cat /proc/sys/kernel/random/uuid > /n\nCOPY a /a\nWORKDIR /w\n",
    a: "A",
  });
  const flags = ["build", "--tls-verify=false", "--cache-from", cache, "--timestamp", "1700000000"];
  const first = await box.ok([...flags, "-q", "--cache-to", cache, directory]);
  // Everything this machine knows goes.
  await box.ok(["rmi", "-f", first]);
  await box.ok(["builder", "prune", "-af"]);
  const { code, stdout } = await box.kelp([...flags, directory]);
  expect(code).toBe(0);
  expect(stdout.match(/Using cache/g)?.length).toBe(3);
  expect(stdout.trimEnd().endsWith(first)).toBe(true);
  await box.ok(["save", "-o", join(box.directory, "again.tar"), first]);
  // An image without a name from 2023: to what prunes by age it is old.
  await box.ok(["rmi", "-f", first]);
}

withRegistry.test("a cache that does not answer is told of once, and done without", async () => {
  const directory = context({ Dockerfile: "FROM busybox\nRUN echo 1 > /1\nRUN echo 2 > /2\n" });
  const { code, stderr } = await box.kelp([
    "build",
    "--no-cache",
    "--cache-to",
    "localhost:1/none",
    directory,
  ]);
  expect(code).toBe(0);
  expect(stderr.match(/\[Warning\] cannot use the cache in localhost:1\/none/g)?.length).toBe(1);
  const tagged = await box.kelp(["build", "--cache-from", "localhost:1/none:tag", directory]);
  expect(tagged.stderr).toContain("the repository must contain neither a tag nor digest");
});

test("steps of the cache that are too old are done anew", async () => {
  const directory = context({ Dockerfile: "FROM busybox\nRUN cat /proc/sys/kernel/random/uuid > /n\n" });
  const id = await box.ok(["build", "-q", directory]);
  expect(await box.ok(["build", "-q", "--cache-ttl", "1h", directory])).toBe(id);
  expect(await box.ok(["build", "-q", "--cache-ttl", "1ms", directory])).not.toBe(id);
});

test("what a build leaves in the way of scratch is nothing", async () => {
  await box.ok(["build", "-q", context({ Dockerfile: "FROM busybox\nRUN echo done > /d\n" })]);
  const data = join(box.env.HOME as string, ".local/share/kelp/tmp");
  expect(existsSync(data) ? readdirSync(data).filter((name) => name.startsWith("build-")) : []).toEqual([]);
});

test("what builds keep is counted, and goes by age, by size, or whole", async () => {
  const directory = context({
    Dockerfile:
      "FROM busybox\nRUN --mount=type=cache,target=/c dd if=/dev/zero of=/c/kept bs=1M count=2 && dd if=/dev/zero of=/big bs=1M count=3\n",
  });
  const id = await box.ok(["build", "-q", directory]);
  await box.ok(["rmi", "-f", id]);
  const counted = async () =>
    (await json(["system", "df", "--format", "json"])).find(
      (row: { Type: string }) => row.Type === "Build Cache",
    );
  expect((await counted()).RawSize).toBeGreaterThan(5_000_000);
  expect(await box.ok(["image", "prune", "-f", "--build-cache", "--filter", "until=1h"])).toBe("");
  expect(await box.ok(["builder", "prune", "-f", "--keep-storage", "1g"])).toBe("Total reclaimed space: 0B");
  expect(await box.ok(["build", "-q", directory])).toBe(id);
  await box.ok(["rmi", "-f", id]);
  expect(await box.ok(["image", "prune", "-f", "--build-cache"])).not.toBe("");
  expect(await box.ok(["build", "-q", directory])).not.toBe(id);
  await box.ok(["system", "prune", "-f", "--build"]);
  expect(await counted()).toBeUndefined();
});
