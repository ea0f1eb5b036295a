import { beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { busyboxArchive, requires, useSandbox } from "../support/index.ts";

const box = useSandbox("072-build-reproducible");

beforeAll(async () => {
  await box.ok(["load", "-i", await busyboxArchive()]);
});

/** Every way in which a layer can differ from those below: made, linked, removed, replaced, moved, owned, empty. */
const FILE = `FROM busybox
RUN mkdir -p /a/b/c && echo x > /a/b/c/x && ln /a/b/c/x /a/b/hard && ln -s c/x /a/b/sym
RUN rm /bin/yes && touch /bin/aaa && rm -rf /home && mkdir /home && echo in > /home/in
RUN echo "more:x:1:" >> /etc/group && chmod 700 /root && chown 5:6 /var
RUN echo t > /tmp/t && rm /tmp/t
COPY d /copied/
COPY --chown=user d/e /home/
WORKDIR /work/deep
RUN rm -rf /a /nothing && mkdir -m 1777 /a && mkfifo /a/p
RUN true
VOLUME /v
CMD ["sh"]
`;

function context(): string {
  const directory = mkdtempSync(join(box.directory, "ctx-"));
  mkdirSync(join(directory, "d/e"), { recursive: true });
  writeFileSync(join(directory, "d/e/f"), "hi");
  symlinkSync("e/f", join(directory, "d/l"));
  writeFileSync(join(directory, "Dockerfile"), FILE);
  return directory;
}

const TIME = "1700000000";

async function digests(flags: readonly string[], globals: readonly string[] = []): Promise<string> {
  const id = await box.ok([
    ...globals,
    "build",
    "-q",
    "--no-cache",
    "--timestamp",
    TIME,
    ...flags,
    context(),
  ]);
  return `${id} ${await box.ok(["image", "inspect", "--format", "{{.Digest}}", id])}`;
}

for (const flags of [[], ["--squash"], ["--squash-all"], ["--format", "docker"]]) {
  test(`--timestamp ${flags.join(" ")} gives the same image and manifest whenever it is built`, async () => {
    expect(await digests(flags)).toBe(await digests(flags));
  });
}

requires("overlay").test("the same image comes out of overlay and of plain copies", async () => {
  const drivers = ["overlay", "vfs"].map((driver) => digests([], ["--storage-driver", driver]));
  const [overlay, vfs] = await Promise.all(drivers);
  expect(vfs).toBe(overlay as string);
});

requires("overlay", "fuse").test("fuse-overlayfs gives the same layers as well", async () => {
  const [fuse, overlay] = await Promise.all(
    ["fuse-overlayfs", "overlay"].map((driver) => digests([], ["--storage-driver", driver])),
  );
  expect(fuse).toBe(overlay as string);
});

test("SOURCE_DATE_EPOCH is --timestamp, and an image of the past has no file of the present", async () => {
  const directory = context();
  utimesSync(join(directory, "d/e/f"), 4_000_000_000, 4_000_000_000);
  const args = ["build", "-q", "--no-cache"];
  const id = await box.ok([...args, directory], { env: { SOURCE_DATE_EPOCH: TIME } });
  expect(id).toBe(await box.ok([...args, "--source-date-epoch", TIME, directory]));
  const young = await box.ok(["run", "--rm", id, "sh", "-c", "find / -xdev -newermt @1700000001 | head"]);
  expect(young).toBe("");
  const [found] = JSON.parse(await box.ok(["image", "inspect", id]));
  expect(found.Created).toBe("2023-11-14T22:13:20Z");
});

test("without a time the second build of the same is the first one's image", async () => {
  const directory = context();
  const once = () => box.ok(["build", "-q", directory]);
  expect(await once()).toBe(await once());
});
