/** Moving in: what a real podman has made is in kelp's store afterwards, and podman's is what it was. */
import { beforeAll, describe, expect } from "bun:test";
import { createHash } from "node:crypto";
import { copyFileSync, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { busyboxArchive, type RealPodman, realPodman, requires, useSandbox } from "../support/index.ts";

const needs = requires("subuid", "overlay", "slirp4netns", "busybox", "podman");

/** Every name, kind, owner, mode and time beneath a directory, and the content of what can be read. */
function fingerprint(root: string): string {
  const hash = createHash("sha256");
  const walk = (path: string) => {
    const { mode, uid, gid, size, mtimeMs } = lstatSync(path);
    hash.update(`${path} ${mode} ${uid} ${gid} ${size} ${mtimeMs}\n`);
    try {
      if ((mode & 0o170000) === 0o120000) hash.update(readlinkSync(path));
      else if ((mode & 0o170000) === 0o040000)
        for (const name of readdirSync(path).sort()) walk(join(path, name));
      else if ((mode & 0o170000) === 0o100000) hash.update(readFileSync(path));
    } catch {
      hash.update("unreadable\n");
    }
  };
  walk(root);
  return hash.digest("hex");
}

for (const driver of ["overlay", "vfs"]) {
  describe(`podman's ${driver} store`, () => {
    const box = useSandbox(`330-${driver}`, { CONTAINERS_CONF: "/dev/null" });
    let podman: RealPodman;
    let imageIds: string[];

    beforeAll(async () => {
      if (needs.missing !== undefined) return;
      podman = realPodman(box, driver);
      await podman.ok(["load", "-q", "-i", await busyboxArchive()]);
      // Three layers: files, one that goes again, another owner.
      const change =
        "mkdir /d && echo one > /d/1 && echo two > /d/2 && chown 5:6 /d/2 && chmod 600 /d/2 && ln /d/1 /d/3 && ln -s 1 /d/4";
      await podman.ok(["run", "--network", "none", "--name", "a", "localhost/busybox", "sh", "-c", change]);
      await podman.ok(["commit", "-q", "a", "localhost/t330:first"]);
      await podman.ok(["run", "--network", "none", "--name", "b", "localhost/t330:first", "rm", "/d/1"]);
      await podman.ok(["commit", "-q", "b", "localhost/t330:second"]);
      await podman.ok(["rm", "-a"]);
      await podman.ok(["volume", "create", "--label", "kind=data", "t330"]);
      const fill = "echo kept > /v/f && chown 7:8 /v/f && chmod 640 /v/f && chmod 1777 /v";
      await podman.ok([
        "run",
        "--rm",
        "--network",
        "none",
        "-v",
        "t330:/v",
        "localhost/busybox",
        "sh",
        "-c",
        fill,
      ]);
      await podman.ok(
        [
          "create",
          "--network",
          "none",
          "--name",
          "web",
          "-v",
          "t330:/v:ro",
          "-e",
          "A=1",
          "-e",
          "SECRET",
          "-l",
          "x=y",
        ].concat([
          "--hostname",
          "h330",
          "localhost/t330:second",
          "sh",
          "-c",
          "cat /v/f; hostname; echo $A $SECRET; ls /d",
        ]),
        { env: { SECRET: "noted" } },
      );
      await podman.ok([
        "run",
        "-d",
        "--network",
        "none",
        "--name",
        "live",
        "localhost/busybox",
        "sleep",
        "600",
      ]);
      const anonymous = ["--network", "none", "--name", "anon", "-v", "/data", "localhost/busybox"];
      await podman.ok(["run", ...anonymous, "sh", "-c", "cat /data/f; echo kept >> /data/f"]);
      imageIds = (await podman.ok(["images", "-q", "--no-trunc"])).split("\n").sort();
    }, 180_000);

    needs.test(
      "images, volumes and stopped containers are taken over, and not a byte of podman's changes",
      async () => {
        const before = fingerprint(podman.root);
        const dry = await box.kelp(["import-from", "--dry-run", "--store", podman.root, "podman"]);
        expect({ code: dry.code, images: await box.ok(["images", "-q"]) }).toEqual({ code: 0, images: "" });
        const { code, stdout, stderr } = await box.kelp(["import-from", "--store", podman.root, "podman"], {
          timeout: 120_000,
        });
        expect(stderr).toBe("Error: cannot take over container live: it runs; stop it first\n");
        expect(
          stdout
            .replace(/^(volume )[0-9a-f]{64}$/m, "$1unnamed")
            .split("\n")
            .sort(),
        ).toEqual([
          "",
          "container anon",
          "container web",
          "image localhost/busybox:latest",
          "image localhost/t330:first",
          "image localhost/t330:second",
          "volume t330",
          "volume unnamed",
        ]);
        expect(code).toBe(125);
        expect(fingerprint(podman.root)).toBe(before);
      },
      180_000,
    );

    needs.test(
      "images keep their IDs, and their files are those of podman's",
      async () => {
        expect((await box.ok(["images", "-q", "--no-trunc"])).split("\n").sort()).toEqual(imageIds);
        expect(
          await box.ok([
            "run",
            "--rm",
            "localhost/t330:second",
            "sh",
            "-c",
            'stat -c "%n %A %u:%g" /d/*; cat /d/3',
          ]),
        ).toBe(
          await podman.ok([
            "run",
            "--rm",
            "--network",
            "none",
            "localhost/t330:second",
            "sh",
            "-c",
            'stat -c "%n %A %u:%g" /d/*; cat /d/3',
          ]),
        );
        expect(await box.ok(["system", "check"])).not.toContain("damaged");
      },
      60_000,
    );

    needs.test(
      "volumes keep files, owners, modes and labels",
      async () => {
        expect(await box.ok(["volume", "inspect", "--format", "{{.Labels.kind}}", "t330"])).toBe("data");
        expect(
          await box.ok([
            "run",
            "--rm",
            "-v",
            "t330:/v",
            "localhost/busybox",
            "stat",
            "-c",
            "%n %u:%g %a",
            "/v/f",
            "/v",
          ]),
        ).toBe("/v/f 7:8 640\n/v 0:0 1777");
      },
      60_000,
    );

    needs.test(
      "a container is made anew with its options, and the variables it had",
      async () => {
        expect(
          await box.ok(["ps", "-a", "-f", "name=web", "--format", '{{.Names}} {{.State}} {{.Label "x"}}']),
        ).toBe("web created y");
        expect(await box.ok(["start", "-a", "web"])).toBe("kept\nh330\n1 noted\n2\n3\n4");
      },
      60_000,
    );

    needs.test(
      "a second time everything is here already",
      async () => {
        const { stdout } = await box.kelp(["import-from", "--store", podman.root, "podman"]);
        expect(
          stdout.split("\n").filter((line) => line !== "" && !line.endsWith(" is here already")),
        ).toEqual([]);
      },
      60_000,
    );

    needs.test(
      "a volume without a name is its container's again, and goes with it",
      async () => {
        expect(await box.ok(["start", "-a", "anon"])).toBe("kept");
        const unnamed = ["volume", "ls", "-q", "--filter", "anonymous=true"];
        expect(await box.ok(unnamed)).toMatch(/^[0-9a-f]{64}$/);
        await box.ok(["rm", "-v", "anon"]);
        expect(await box.ok(["volume", "ls", "-q"])).toBe("t330");
      },
      60_000,
    );

    needs.test(
      "a layer whose file was changed is refused, and the image with it",
      async () => {
        await box.ok(["rm", "web"]);
        await box.ok(["rmi", "-f", "localhost/t330:first", "localhost/t330:second"]);
        const tree = driver === "vfs" ? "vfs/dir/*" : "overlay/*/diff";
        await podman.ok([
          "unshare",
          "sh",
          "-c",
          `for f in ${podman.root}/${tree}/d/2; do echo TWO > $f; done`,
        ]);
        const { code, stderr } = await box.kelp(["import-from", "--store", podman.root, "podman"]);
        expect(code).toBe(125);
        expect(stderr).toMatch(/cannot take over image localhost\/t330:first: .*(digest|sha256)/);
        expect(await box.ok(["images", "--format", "{{.Repository}}"])).toBe("localhost/busybox");
      },
      60_000,
    );
  });
}

describe("archives", () => {
  const box = useSandbox("330-archive");
  needs.test(
    "docker-archive loads each file",
    async () => {
      copyFileSync(await busyboxArchive(), join(box.directory, "a.tar"));
      expect(await box.ok(["import-from", "docker-archive", "a.tar"])).toBe("image localhost/busybox:latest");
      expect(await box.kelp(["import-from", "docker-archive"])).toEqual({
        code: 125,
        stdout: "",
        stderr: "Error: docker-archive requires at least 1 file\n",
      });
      expect((await box.kelp(["import-from", "podman"])).stderr).toContain("there is no store of podman's");
      expect((await box.kelp(["import-from", "rkt"])).stderr).toBe('Error: cannot import from "rkt"\n');
    },
    60_000,
  );
});
