import { beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { busyboxArchive, type KelpOptions, useSandbox } from "../support/index.ts";

const box = useSandbox("070-build");

beforeAll(async () => {
  await box.ok(["load", "-i", await busyboxArchive()]);
});

type Files = Readonly<Record<string, string>>;

/** A directory with these files. */
function context(files: Files): string {
  const directory = mkdtempSync(join(box.directory, "ctx-"));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), content);
  }
  return directory;
}

function build(files: Files, args: readonly string[] = [], options: KelpOptions = {}) {
  return box.kelp(["build", ...args, context(files)], options);
}

async function built(files: Files, args: readonly string[] = [], options: KelpOptions = {}): Promise<string> {
  return box.ok(["build", "-q", ...args, context(files)], options);
}

const inImage = (id: string, ...command: string[]) =>
  box.ok(["run", "--rm", "--network", "none", id, ...command]);
const config = async (id: string) => JSON.parse(await box.ok(["image", "inspect", id]))[0].Config;

test("ENV PATH=$PATH:DIR keeps the usual directories where the base image says nothing of PATH", async () => {
  const tar = join(box.directory, "bare.tar");
  await box.ok(["create", "--name", "t070-bare", "busybox"]);
  await box.ok(["export", "-o", tar, "t070-bare"]);
  await box.ok(["rm", "t070-bare"]);
  await box.ok(["import", "-q", tar, "bare"]);
  const id = await built({ Containerfile: "FROM bare\nENV PATH=$PATH:/opt/bin\nRUN ls / >/dev/null\n" });
  expect((await config(id)).Env).toEqual([
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/bin",
  ]);
});

test("a file of every simple instruction gives the image it describes", async () => {
  const id = await built({
    Containerfile: `ARG BASE=busybox
FROM $BASE
ARG WHO=world
ENV GREETING="hello $WHO" EMPTY=
RUN echo "$GREETING" > /greeting
WORKDIR /app
WORKDIR src
COPY a.txt .
LABEL a=b "c d"="e f"
EXPOSE 80 81/udp
VOLUME /data
USER 1000:1000
STOPSIGNAL SIGUSR1
ENTRYPOINT ["cat"]
CMD ["/greeting", "a.txt"]
`,
    "a.txt": "A\n",
  });
  expect(await inImage(id)).toBe("hello world\nA");
  const found = await config(id);
  expect(found.Env).toContain("GREETING=hello world");
  expect(found).toMatchObject({
    Labels: { a: "b", "c d": "e f" },
    ExposedPorts: { "80/tcp": {}, "81/udp": {} },
    Volumes: { "/data": {} },
    User: "1000:1000",
    WorkingDir: "/app/src",
    StopSignal: "SIGUSR1",
    Entrypoint: ["cat"],
    Cmd: ["/greeting", "a.txt"],
  });
});

test("without a context the directory of the named file is one", async () => {
  const place = join(box.directory, "elsewhere");
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, "Containerfile"), "FROM scratch\nCOPY Containerfile /here\n");
  const { code, stderr } = await box.kelp(["build", "-q", "-f", join(place, "Containerfile")]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});

test("what a build prints is podman's", async () => {
  const { code, stdout, stderr } = await build(
    { Dockerfile: "FROM busybox\nRUN echo one-$((40 + 2))\nLABEL a=b\n" },
    ["-t", "printed"],
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(
    stdout.replace(/[0-9a-f]{64}\n$/, "ID\n").replace(/--> [0-9a-f]{12}/g, "--> x"),
  ).toBe(`STEP 1/3: FROM busybox
STEP 2/3: RUN echo one-$((40 + 2))
one-42
--> x
STEP 3/3: LABEL a=b
COMMIT printed
--> x
Successfully tagged localhost/printed:latest
ID
`);
});

test("nothing changed: every step comes from the cache and the image is the same", async () => {
  const files = {
    Dockerfile: "FROM busybox\nRUN cat /proc/sys/kernel/random/uuid > /n\nCOPY a /a\nENV x=y\n",
    a: "1",
  };
  const first = await built(files);
  expect(await built(files)).toBe(first);
});

test("times of files are no reason to build again, contents and modes are", async () => {
  const directory = context({
    Dockerfile: "FROM busybox\nCOPY a /a\nRUN cat /proc/sys/kernel/random/uuid > /n\n",
    a: "1",
  });
  const again = () => box.ok(["build", "-q", directory]);
  const first = await again();
  utimesSync(join(directory, "a"), 1, 1);
  expect(await again()).toBe(first);
  writeFileSync(join(directory, "a"), "2");
  const second = await again();
  expect(second).not.toBe(first);
  expect(await inImage(second, "cat", "/a")).toBe("2");
});

test("a label before a step does not make it run again, a variable does", async () => {
  const file = (line: string) => ({
    Dockerfile: `FROM busybox\n${line}\nRUN cat /proc/sys/kernel/random/uuid > /n\n`,
  });
  const number = async (line: string) => inImage(await built(file(line)), "cat", "/n");
  const first = await number("LABEL a=1");
  expect(await number("LABEL a=2")).toBe(first);
  expect(await number("ENV a=2")).not.toBe(first);
});

test("stages nothing needs are not built", async () => {
  const { code, stdout } = await build({
    Dockerfile:
      "FROM busybox AS unused\nRUN false\nFROM busybox AS used\nRUN echo x > /x\nFROM scratch\nCOPY --from=used /x /x\n",
  });
  expect(code).toBe(0);
  expect(stdout).not.toContain("RUN false");
});

test("a failing step ends the build with its status, tags nothing and keeps what was good", async () => {
  const files = {
    Dockerfile:
      "FROM busybox\nRUN cat /proc/sys/kernel/random/uuid > /n\nRUN echo before; echo why >&2; exit 7\n",
  };
  const { code, stderr } = await build(files, ["-t", "failing"]);
  expect(code).toBe(7);
  expect(stderr).toContain("why\n");
  expect(stderr).toContain(
    'Error: building at STEP "RUN echo before; echo why >&2; exit 7": Dockerfile:3:1: RUN ended with exit status 7\n3 | RUN echo before',
  );
  expect((await box.kelp(["image", "exists", "failing"])).code).toBe(1);
  expect((await build(files)).stdout).toContain("Using cache");
  expect(await box.ok(["ps", "-aq", "--external"])).toBe("");
});

test("a command that is not there ends the build with 127", async () => {
  const { code } = await build({ Dockerfile: 'FROM busybox\nRUN ["/no/such/program"]\n' });
  expect(code).toBe(127);
});

test("mistakes are shown with file, line and column", async () => {
  const { code, stderr } = await build({ Containerfile: "FROM busybox\n\nCOPYY a b\n" });
  expect({ code, stderr }).toEqual({
    code: 125,
    stderr: "Error: cannot build: Containerfile:3:1: unknown instruction: COPYY\n3 | COPYY a b\n  | ^\n",
  });
});

test("copies keep what the reference says: owners, modes, links, directories", async () => {
  const directory = context({
    Dockerfile: `FROM busybox
COPY --chown=7:8 --chmod=u=rwX,go=rX d /c
COPY d/* one /flat/
COPY --exclude=*.md d /e
COPY --parents d/sub/deep /p/
COPY link /followed
COPY <<EOF /inline
home is $HOME_NOT_SET.
EOF
`,
    "d/sub/deep": "deep",
    "d/x.md": "x",
    one: "1",
  });
  symlinkSync("one", join(directory, "link"));
  symlinkSync("/etc/passwd", join(directory, "d/abs"));
  const id = await box.ok(["build", "-q", directory]);
  const list = await inImage(
    id,
    "sh",
    "-c",
    "cd / && stat -c '%n %u:%g %a %F' c c/sub/deep flat/deep flat/x.md e/sub p/d/sub/deep followed && readlink c/abs && ls e && cat inline",
  );
  expect(list).toBe(`c 7:8 755 directory
c/sub/deep 7:8 644 regular file
flat/deep 0:0 644 regular file
flat/x.md 0:0 644 regular file
e/sub 0:0 755 directory
p/d/sub/deep 0:0 644 regular file
followed 0:0 644 regular file
/etc/passwd
abs
sub
home is .`);
});

test("ignored files are not there, and asking for one says so", async () => {
  const files = {
    Dockerfile: "FROM busybox\nCOPY . /all\n",
    ".dockerignore": "*.log\n!keep.log\nsecret\n",
    "a.log": "",
    "keep.log": "",
    secret: "",
  };
  const id = await built(files);
  expect(await inImage(id, "ls", "-A", "/all")).toBe(".dockerignore\nDockerfile\nkeep.log");
  const { code, stderr } = await build({ ...files, Dockerfile: "FROM busybox\nCOPY secret /\n" });
  expect(code).toBe(125);
  expect(stderr).toContain('COPY: "secret": it is excluded by the ignore file');
});

test("a step's mounts leave nothing in the layer", async () => {
  const secret = join(box.directory, "secret");
  writeFileSync(secret, "TOKEN-5e1f");
  const id = await built(
    {
      Dockerfile: `FROM busybox AS src
RUN mkdir /o && echo from-stage > /o/f
FROM busybox
RUN --mount=type=cache,target=/cache --mount=type=bind,target=/ctx --mount=from=src,source=/o,target=/o --mount=type=tmpfs,target=/t --mount=type=secret,id=tok,target=/run/secrets/x --mount=type=secret,id=tok,env=TOK cat /ctx/a /o/f > /seen && echo c > /cache/x && echo t > /t/x && test "$TOK" = "$(cat /run/secrets/x)"
`,
      a: "from-context\n",
    },
    ["--secret", `id=tok,src=${secret}`],
  );
  expect(
    await inImage(id, "sh", "-c", "cat /seen; ls -d /cache /ctx /o /t /run/secrets 2>/dev/null | wc -l"),
  ).toBe("from-context\nfrom-stage\n0");
  expect(JSON.stringify(await config(id))).not.toContain("TOKEN-5e1f");
  expect(await box.ok(["history", "--no-trunc", id])).not.toContain("TOKEN-5e1f");
});

test("a cache mount is there for the next build", async () => {
  const file = (word: string) => ({
    Dockerfile: `FROM busybox\nRUN --mount=type=cache,id=shared,target=/c echo ${word} >> /c/log; cat /c/log > /out\n`,
  });
  await built(file("one"));
  expect(await inImage(await built(file("two")), "cat", "/out")).toBe("one\ntwo");
});

test("a required secret that nobody gave is an error with its line", async () => {
  const { code, stderr } = await build({
    Dockerfile: "FROM busybox\nRUN --mount=type=secret,id=k,required=true true\n",
  });
  expect(code).toBe(125);
  expect(stderr).toContain("Dockerfile:2:1: secret k is required and was not given");
});

test("the Dockerfile may come from standard input, and so may the whole context", async () => {
  const id = await box.ok(["build", "-q", "-f", "-", context({ a: "A" })], {
    stdin: "FROM busybox\nCOPY a /a\n",
  });
  expect(await inImage(id, "cat", "/a")).toBe("A");
  const alone = await box.ok(["build", "-q", "-"], { stdin: "FROM busybox\nRUN echo alone > /x\n" });
  expect(await inImage(alone, "cat", "/x")).toBe("alone");
});

test("with a timestamp two builds are the same image byte for byte", async () => {
  const files = { Dockerfile: "FROM busybox\nRUN echo a > /a && mkdir /d\nCOPY f /f\nWORKDIR /w\n", f: "f" };
  const once = () => built(files, ["--no-cache", "--timestamp", "1700000000"]);
  expect(await once()).toBe(await once());
});

test("--squash makes one layer of the new ones", async () => {
  const files = { Dockerfile: "FROM busybox\nRUN echo a > /a && echo b > /b\nRUN rm /b /bin/yes\n" };
  const layers = async (flag: string) => {
    const id = await built(files, [flag]);
    expect(await inImage(id, "sh", "-c", "ls /a /b /bin/yes 2>/dev/null; true")).toBe("/a");
    return JSON.parse(await box.ok(["image", "inspect", id]))[0].RootFS.Layers.length;
  };
  expect([await layers("--squash"), await layers("--squash-all")]).toEqual([2, 1]);
});

test("--output gives files instead of an image", async () => {
  const out = join(box.directory, "out");
  await built({ Dockerfile: "FROM scratch\nCOPY a d/\n", a: "A" }, ["-o", out]);
  expect(readFileSync(join(out, "d/a"), "utf8")).toBe("A");
});

test("many builds of one file at once all succeed", async () => {
  const directory = context({ Dockerfile: "FROM busybox\nRUN echo hi > /hi\n" });
  const results = await Promise.all(
    [1, 2, 3, 4, 5].map((n) => box.kelp(["build", "-q", "-t", `many${n}`, directory])),
  );
  expect(results.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
});

test("triggers of a base image run in the stage that begins with it, once", async () => {
  await built({ Dockerfile: "FROM busybox\nONBUILD RUN echo pulled >> /trigger\n" }, ["-t", "base-on"]);
  const id = await built({ Dockerfile: "FROM base-on\n" }, ["-t", "child-on"]);
  expect(await inImage(id, "cat", "/trigger")).toBe("pulled");
  expect(await inImage(await built({ Dockerfile: "FROM child-on\n" }), "cat", "/trigger")).toBe("pulled");
});

test("a stage that begins with another has its arguments", async () => {
  const id = await built(
    { Dockerfile: "FROM busybox AS a\nARG WHO=nobody\nFROM a\nRUN echo $WHO > /who\n" },
    ["--build-arg", "WHO=somebody"],
  );
  expect(await inImage(id, "cat", "/who")).toBe("somebody");
});

test("the time of a fetched file is its server's, and no reason to fetch another layer", async () => {
  let modified = "Tue, 14 Nov 2023 22:13:20 GMT";
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => new Response("web", { headers: { "last-modified": modified } }),
  });
  try {
    const files = { Dockerfile: `FROM busybox\nADD http://127.0.0.1:${server.port}/d/f /to/\n` };
    const id = await built(files);
    expect(await inImage(id, "stat", "-c", "%n %a %Y", "/to/f")).toBe("/to/f 600 1700000000");
    modified = "Wed, 15 Nov 2023 22:13:20 GMT";
    expect(await built(files)).toBe(id);
  } finally {
    await server.stop(true);
  }
});

test("a time may come as BuildKit's argument", async () => {
  const file = { Dockerfile: "FROM busybox\nRUN echo x > /x\n" };
  const { stderr } = await build(file, ["--build-arg", "SOURCE_DATE_EPOCH=1700000000", "-t", "epoch"]);
  expect(stderr).toBe("");
  expect(JSON.parse(await box.ok(["image", "inspect", "epoch"]))[0].Created).toBe("2023-11-14T22:13:20Z");
});

test("a trigger that takes from a stage nothing else needs says so", async () => {
  await built({ Dockerfile: "FROM busybox\nONBUILD COPY --from=made /m /m\n" }, ["-t", "takes"]);
  const made = "FROM busybox AS made\nRUN echo m > /m\n";
  const { code, stderr } = await build({ Dockerfile: `${made}FROM takes\n` });
  expect(code).toBe(125);
  expect(stderr).toContain('stage "made" is needed by a trigger of the base image only');
});
