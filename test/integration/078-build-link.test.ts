/** COPY --link and ADD --link: layers that depend on nothing below them. */
import { beforeAll, expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { busyboxArchive, makeTar, useSandbox } from "../support/index.ts";

const box = useSandbox("078-build-link");

beforeAll(async () => {
  await box.ok(["load", "-i", await busyboxArchive()]);
  for (const name of ["one", "two"])
    await box.ok([
      "build",
      "-q",
      "-t",
      name,
      context({
        Dockerfile: `FROM busybox
RUN mkdir -p /app /real && echo ${name} > /app/base && ln -s /real /way && chmod 1777 /app
`,
      }),
    ]);
});

function context(files: Readonly<Record<string, string | Uint8Array>>): string {
  const directory = mkdtempSync(join(box.directory, "ctx-"));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
  return directory;
}

/** Builds the same on a base, and says what there is. */
async function built(base: string, directory: string, ...args: string[]) {
  const log = await box.ok(["build", "-t", "out", "--build-arg", `BASE=${base}`, ...args, directory]);
  const [{ RootFS }] = JSON.parse(await box.ok(["image", "inspect", "out"]));
  return { log, layers: RootFS.Layers as string[] };
}

const inside = (script: string) => box.ok(["run", "--rm", "--network", "none", "out", "sh", "-c", script]);

test("the layer is made once, and has the same digest on another base", async () => {
  const directory = context({
    Dockerfile: "ARG BASE\nFROM $BASE\nCOPY --link a /app/sub/a\nCOPY --link --chown=7:8 a /app/b\n",
    a: "A\n",
  });
  const one = await built("one", directory);
  expect(one.log).not.toContain("Using cache");
  expect(await inside("cat /app/base /app/sub/a; stat -c %u:%g /app/b")).toBe("one\nA\n7:8");
  const two = await built("two", directory);
  expect(two.log.match(/Using cache/g)?.length).toBe(2);
  expect(two.layers.slice(-2)).toEqual(one.layers.slice(-2));
  expect(two.layers.at(-3)).not.toBe(one.layers.at(-3));
  expect(await inside("cat /app/base /app/sub/a; stat -c %u:%g /app/b")).toBe("two\nA\n7:8");
  writeFileSync(join(directory, "a"), "changed\n");
  expect((await built("two", directory)).log).not.toContain("Using cache");
  expect(await inside("cat /app/base /app/b")).toBe("two\nchanged");
});

test("a link in the destination is not followed, and directories on the way are made anew", async () => {
  const directory = context({
    Dockerfile: "FROM one\nCOPY --link a /way/\nCOPY --link a /app/a\n",
    a: "A\n",
  });
  await built("one", directory);
  expect(await inside("ls -d /way/*; ls /real; stat -c '%A %n' /way /app; cat /app/base")).toBe(
    "/way/a\ndrwxr-xr-x /way\ndrwxr-xr-x /app\none",
  );
});

test("stages that go on from different bases share it in one build, on top of others' steps and of nothing", async () => {
  const directory = context({
    Dockerfile: `FROM one AS first
COPY --link a /app/
FROM two AS second
RUN echo run > /app/run
COPY --link a /app/
FROM scratch AS third
COPY --link a /app/
FROM busybox
COPY --link --from=first /app /1
COPY --link --from=second /app /2
COPY --link --from=third / /3
`,
    a: "A\n",
  });
  await built("one", directory, "--jobs", "3");
  expect(await inside("cd /; find 1 2 3 -type f | sort; cat 1/base 2/base 3/app/a")).toBe(
    "1/a\n1/base\n2/a\n2/base\n2/run\n3/app/a\none\ntwo\nA",
  );
});

test("ADD --link unpacks archives, heredocs are files", async () => {
  const archive = await makeTar([{ name: "t/f", content: "from tar\n" }]);
  const directory = context({
    Dockerfile: "ARG BASE\nFROM $BASE\nADD --link x.tar /app/\nCOPY --link <<E /app/e\nheredoc\nE\n",
    "x.tar": archive,
  });
  await built("one", directory);
  expect((await built("two", directory)).log.match(/Using cache/g)?.length).toBe(2);
  expect(await inside("cat /app/base /app/t/f /app/e")).toBe("two\nfrom tar\nheredoc");
});

test("owners by name are the image's, and the layer depends on it then", async () => {
  const directory = context({
    Dockerfile: "ARG BASE\nFROM $BASE\nCOPY --link --chown=user:extra a /app/a\n",
    a: "A\n",
  });
  await built("one", directory);
  expect(await inside("stat -c %u:%g /app/a")).toBe("1000:2000");
  expect((await built("two", directory)).log).not.toContain("Using cache");
});
