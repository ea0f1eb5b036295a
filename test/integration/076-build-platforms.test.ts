/** Images for several platforms, and programs of another machine. */
import { beforeAll, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { busyboxArchive, useSandbox } from "../support/index.ts";

const box = useSandbox("076-build-platforms");

beforeAll(async () => {
  await box.ok(["load", "-i", await busyboxArchive()]);
});

function context(files: Readonly<Record<string, string | Uint8Array>>): string {
  const directory = mkdtempSync(join(box.directory, "ctx-"));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
  return directory;
}

const json = async (args: readonly string[]) => JSON.parse(await box.ok(args));

const CROSS = `FROM --platform=$BUILDPLATFORM busybox AS make
ARG TARGETPLATFORM
RUN echo $TARGETPLATFORM > /for
FROM scratch
COPY --from=make /for /for
`;

test("several platforms give an image each, and the tag names the index of them", async () => {
  const platforms = ["linux/amd64", "linux/arm64/v8"];
  const ids = await box.ok([
    "build",
    "-q",
    "--platform",
    platforms.join(","),
    "-t",
    "multi",
    context({ Dockerfile: CROSS }),
  ]);
  expect(ids.split("\n").length).toBe(2);
  const index = await json(["manifest", "inspect", "multi"]);
  expect(index.manifests.map(({ platform }: { platform: unknown }) => platform)).toEqual([
    { os: "linux", architecture: "amd64" },
    { os: "linux", architecture: "arm64", variant: "v8" },
  ]);
  const [, arm] = ids.split("\n");
  expect((await json(["image", "inspect", arm as string]))[0]).toMatchObject({ Architecture: "arm64" });
  // Built again, the name is that of the new index alone.
  await box.ok([
    "build",
    "-q",
    "--platform",
    "linux/arm,linux/386",
    "-t",
    "multi",
    context({ Dockerfile: CROSS }),
  ]);
  expect((await json(["manifest", "inspect", "multi"])).manifests.length).toBe(2);
});

test("platforms are built side by side, and what they have in common once", async () => {
  const id = `meet-${process.pid}`;
  const mount = `--mount=type=cache,id=${id},target=/meet`;
  const directory = context({
    Dockerfile: `FROM --platform=$BUILDPLATFORM busybox AS make
RUN ${mount} echo common >> /meet/common
ARG TARGETARCH
RUN ${mount} touch /meet/$TARGETARCH; for n in $(seq 200); do \\
  [ -e /meet/amd64 ] && [ -e /meet/arm64 ] && wc -l < /meet/common > /count && exit 0; sleep 0.1; done; exit 1
FROM scratch
COPY --from=make /count /count
`,
  });
  const platforms = ["--platform", "linux/amd64,linux/arm64", "--jobs", "2"];
  const out = join(box.directory, "side-by-side");
  await box.ok(["build", ...platforms, "--output", out, directory]);
  for (const platform of ["linux_amd64", "linux_arm64"])
    expect({ platform, common: readFileSync(join(out, platform, "count"), "utf8") }).toEqual({
      platform,
      common: "1\n",
    });
});

test("--manifest adds each build to one index", async () => {
  const directory = context({ Dockerfile: CROSS });
  for (const platform of ["linux/amd64", "linux/arm64"])
    await box.ok(["build", "-q", "--manifest", "listed", "--platform", platform, directory]);
  const { manifests } = await json(["manifest", "inspect", "listed"]);
  expect(manifests.map((one: { platform: { architecture: string } }) => one.platform.architecture)).toEqual([
    "amd64",
    "arm64",
  ]);
});

test("a program of another machine ends the build with the reason and the way out", async () => {
  // The beginning of an ELF file for an architecture nobody has.
  const header = Buffer.alloc(64);
  header.write("\x7fELF\x02\x01\x01", "latin1");
  header.writeUInt16LE(2, 16);
  header.writeUInt16LE(258, 18);
  const directory = context({ Dockerfile: 'FROM scratch\nCOPY p /p\nRUN ["/p"]\n', p: header });
  chmodSync(join(directory, "p"), 0o755);
  const { code, stderr } = await box.kelp(["build", "--platform", "linux/mips", directory]);
  expect(code).not.toBe(0);
  expect(stderr).toContain("RUN ended with exit status");
  expect(stderr).toContain("the stage is for mips, whose programs this machine does not run");
});
