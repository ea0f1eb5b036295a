import { expect, test } from "bun:test";
import { BUSYBOX, dockerArchive, makeTar, paxEntry, rawTar } from "../../support/index.ts";

async function list(archive: Buffer): Promise<string> {
  const tar = Bun.spawn(["tar", "--numeric-owner", "-tvf", "-"], {
    stdin: archive,
    stdout: "pipe",
    stderr: "pipe",
  });
  return `${await new Response(tar.stdout).text()}${await new Response(tar.stderr).text()}`;
}

test("rawTar writes what other programs read", async () => {
  const listed = await list(
    rawTar([
      { name: "d/", type: "5", mode: 0o755 },
      paxEntry([{ key: "path", value: `d/${"n".repeat(120)}` }]),
      { name: "short", data: "content", uid: 7 },
      { name: "link", type: "2", link: "../../etc/passwd" },
    ]),
  );
  expect(listed).toContain(`7/0               7 1970-01-01 00:00 d/${"n".repeat(120)}`);
  expect(listed).toContain("link -> ../../etc/passwd");
});

test("rawTar writes a wrong checksum when told", async () => {
  expect(await list(rawTar([{ name: "f", checksum: 1 }]))).toContain("tar: ");
});

test("dockerArchive names its config, layer and tag", async () => {
  const listed = await list(await dockerArchive([await makeTar([{ name: "f", content: "x" }])]));
  expect(listed).toMatch(/[0-9a-f]{64}\.json\n[\s\S]*\/layer\.tar\n[\s\S]*manifest\.json\n$/);
  expect(BUSYBOX).toBe("localhost/busybox:latest");
});
