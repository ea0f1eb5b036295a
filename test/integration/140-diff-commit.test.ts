/** diff, export and commit: what a container changed, exactly, and an image of it. */
import { beforeAll, expect } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, busyboxArchive, KELP, requires, useSandbox } from "../support/index.ts";

const box = useSandbox("140-diff");
const { test } = requires("overlay");
const diff = async (...args: string[]) => (await box.ok(["diff", ...args])).split("\n");
const make = (name: string, script: string) => box.ok(["run", "--name", name, BUSYBOX, "sh", "-c", script]);

const CHANGES = `mkdir -p /home/keep; echo new >/new; rm /etc/group; rm -rf /var; mkdir /var; echo x >/var/x
  echo more >>/etc/passwd; ln -s new /link; ln /new /hard; chown 33:44 /new; chmod 4750 /new; mkfifo /fifo; touch "/a b"`;
const EXPECTED = [
  "A /a b",
  "C /etc",
  "D /etc/group",
  "C /etc/passwd",
  "A /fifo",
  "A /hard",
  "C /home",
  "A /home/keep",
  "A /link",
  "A /new",
  "C /var",
  "A /var/x",
];

beforeAll(async () => {
  await box.ok(["load", "--input", await busyboxArchive()]);
  await make("changed", CHANGES);
}, 60_000);

test("diff tells what was added, changed and deleted, and nothing that kelp made itself", async () => {
  expect(await diff("changed")).toEqual(EXPECTED);
  await make("untouched", "true");
  expect(await box.ok(["diff", "untouched"])).toBe("");
  expect(JSON.parse(await box.ok(["diff", "--format", "json", "changed"])).deleted).toEqual(["/etc/group"]);
});

test("a directory that was emptied and filled again hides what was in it", async () => {
  await make("full", "mkdir /d; touch /d/a /d/b /d/c");
  await box.ok(["commit", "-q", "full", "full"]);
  const script = "rm -r /d; mkdir /d; echo new >/d/a; echo z >/d/z";
  await box.ok(["run", "--name", "opaque", "full", "sh", "-c", script]);
  expect(await diff("opaque")).toEqual(["C /d", "C /d/a", "D /d/b", "D /d/c", "A /d/z"]);
  await box.ok(["commit", "-q", "opaque", "opaque"]);
  expect(await box.ok(["run", "--rm", "opaque", "ls", "/d"])).toBe("a\nz");
});

test("a committed image holds exactly the changes: owners, modes, links, whiteouts", async () => {
  await box.ok(["commit", "-q", "changed", "image"]);
  const look =
    "stat -c '%u:%g %a %h' /new /hard; readlink /link; ls /var; ls /etc; stat -c %F /fifo; ls /home";
  expect(
    (await box.ok(["run", "--rm", "image", "sh", "-c", look]))
      .split("\n")
      .filter((line) => !/^(hosts|hostname|mtab|resolv)/.test(line)),
  ).toEqual(["33:44 4750 2", "33:44 4750 2", "new", "x", "passwd", "fifo", "keep"]);
  expect(await diff("image")).toEqual(EXPECTED);
  expect(await diff("image", BUSYBOX)).toEqual(EXPECTED);
  expect(await box.ok(["diff", "image", "changed"])).toBe("");
});

test("a running container can be committed and exported, and goes on", async () => {
  await box.ok([
    "run",
    "-d",
    "--name",
    "live",
    BUSYBOX,
    "sh",
    "-c",
    "echo one >/one; while :; do sleep 1; done",
  ]);
  await Bun.sleep(300);
  await box.ok(["commit", "-q", "live", "of-live"]);
  await box.ok(["export", "-o", join(box.directory, "live.tar"), "live"]);
  expect(readFileSync(join(box.directory, "live.tar")).includes("one\n")).toBe(true);
  await box.ok(["exec", "live", "sh", "-c", "echo two >/two; cat /one /two"]);
  expect(await box.ok(["run", "--rm", "of-live", "sh", "-c", "cat /one; ls /two 2>/dev/null || true"])).toBe(
    "one",
  );
});

test("the files of a container are mounted whether it runs or not, and what is written there is in it", async () => {
  await box.ok(["run", "-d", "--name", "mounted", BUSYBOX, "sh", "-c", "echo in >/in; sleep 300"]);
  const inside = (script: string) =>
    box.ok(["unshare", "sh", "-c", `cd $(${KELP} mount mounted) && ${script}`]);
  expect(
    await inside("for i in $(seq 50); do [ -s in ] && break; sleep 0.1; done; cat in; echo out >out"),
  ).toBe("in");
  expect(await box.ok(["exec", "mounted", "cat", "/out"])).toBe("out");
  await box.ok(["stop", "-t", "0", "mounted"]);
  expect(await inside("cat in out")).toBe("in\nout");
  await box.ok(["rm", "mounted"]);
});

test("commit keeps the configuration and applies --change", async () => {
  const options = ["--user", "1000", "--workdir", "/tmp", "--env", "A=b", "--label", "l=1"];
  await box.ok(["run", "--name", "config", ...options, BUSYBOX, "true"]);
  await box.ok([
    "commit",
    "-q",
    "--author",
    "somebody",
    "-c",
    'CMD ["env"]',
    "-c",
    "ENV C=d",
    "config",
    "config",
  ]);
  const { Config, Author } = JSON.parse(await box.ok(["image", "inspect", "config"]))[0];
  expect({ ...Config, Author }).toMatchObject({
    User: "1000",
    WorkingDir: "/tmp",
    Env: ["PATH=/bin", "A=b", "C=d"],
    Cmd: ["env"],
    Labels: { l: "1" },
    Author: "somebody",
  });
});

test("the command that --entrypoint silenced is not the new image's either", async () => {
  await box.ok(["create", "--name", "echoing", "--entrypoint", '["/bin/echo","only this"]', BUSYBOX]);
  await box.ok(["commit", "-q", "echoing", "of-echo"]);
  expect(await box.ok(["run", "--rm", "of-echo"])).toBe("only this");
  await box.ok(["create", "--name", "unset", "--entrypoint", "", "of-echo", "echo", "plain"]);
  await box.ok(["commit", "-q", "unset", "of-unset"]);
  expect(await box.ok(["inspect", "--format", "{{.Config.Entrypoint}} {{.Config.Cmd}}", "of-unset"])).toBe(
    "[] [echo plain]",
  );
});

test("commit --squash makes one layer; a message needs docker's format", async () => {
  await box.ok(["commit", "-q", "--squash", "--format", "docker", "-m", "why", "changed", "squashed"]);
  const [image] = JSON.parse(await box.ok(["image", "inspect", "squashed"]));
  expect([image.RootFS.Layers.length, image.Comment]).toEqual([1, "why"]);
  expect(await box.ok(["diff", "squashed", "changed"])).toBe("");
  const refused = await box.kelp(["commit", "-m", "why", "changed"]);
  expect({ code: refused.code, stderr: refused.stderr }).toEqual({
    code: 125,
    stderr: "Error: messages are only compatible with the docker image format (-f docker)\n",
  });
});

test("what export writes is what import reads", async () => {
  const { stdout } = await box.kelp(["export", "changed"]);
  expect(stdout.length).toBeGreaterThan(10_000);
  await box.ok(["export", "-o", join(box.directory, "whole.tar"), "changed"]);
  await box.ok(["import", "-c", "ENV PATH=/bin", join(box.directory, "whole.tar"), "imported"]);
  expect(await box.ok(["run", "--rm", "imported", "stat", "-c", "%u:%g %a", "/new"])).toBe("33:44 4750");
});

test("without an overlay the same changes are found by comparing", async () => {
  const vfs = (...args: string[]) => box.ok(["--storage-driver", "vfs", ...args]);
  await vfs("run", "--name", "copied", BUSYBOX, "sh", "-c", CHANGES);
  expect((await vfs("diff", "copied")).split("\n")).toEqual(EXPECTED);
  await vfs("commit", "-q", "copied", "of-copy");
  expect(await diff("of-copy")).toEqual(EXPECTED);
});
