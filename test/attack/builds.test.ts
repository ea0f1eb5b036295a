/** Builds that are attacked, by the rows B1 and B4: by who swaps what they mount and copy, and by repositories that want to run something here. */
import { afterAll, beforeAll, describe, expect } from "bun:test";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HOSTILE, makeCanary, requires, run, useSandbox, writeHostileArchive } from "../support/index.ts";

const box = useSandbox("attack-builds");
const { test } = requires("busybox", "overlay", "subuid", "cc", "git");

beforeAll(async () => {
  await box.ok(["load", "-i", await writeHostileArchive(box.directory)]);
});

function context(dockerfile: string): string {
  const directory = mkdtempSync(join(box.directory, "ctx-"));
  writeFileSync(join(directory, "Dockerfile"), dockerfile);
  return directory;
}

describe("B4: a hostile repository", () => {
  let work: string;
  let trap: string;
  let ran: string;
  let server: ReturnType<typeof Bun.serve>;
  const asked: string[] = [];

  /** git as a careless program would call it: with this user's configuration. */
  async function git(cwd: string, words: readonly string[], stdin = ""): Promise<string> {
    const user = ["-c", "user.name=t", "-c", "user.email=t@t"];
    const { stdout } = await run("git", [...user, ...words], { cwd, env: box.env, stdin });
    return stdout.trim();
  }

  /** A branch of one commit with these entries of `git mktree -z`. */
  async function branch(name: string, entries: readonly string[]): Promise<void> {
    const tree = await git(work, ["mktree", "-z", "--missing"], entries.map((line) => `${line}\0`).join(""));
    await git(work, ["branch", name, await git(work, ["commit-tree", "-m", name, tree])]);
  }

  function setTrap(directory: string): void {
    writeFileSync(
      join(directory, "config"),
      `[core]\n\tfsmonitor = ${trap}\n\tsshCommand = ${trap}\n\thooksPath = ${join(work, "hooks")}\n[filter "trap"]\n\tsmudge = ${trap}\n`,
      { flag: "a" },
    );
  }

  const fired = () => {
    const did = existsSync(ran);
    rmSync(ran, { force: true });
    return did;
  };

  beforeAll(async () => {
    work = mkdtempSync(join(box.directory, "work-"));
    trap = join(box.directory, "trap");
    ran = join(box.directory, "ran");
    writeFileSync(trap, `#!/bin/sh\ntouch ${ran}\ncat\n`);
    chmodSync(trap, 0o755);
    await git(work, ["init", "-q", "--template=", "-b", "main", "."]);
    const blob = (text: string) => git(work, ["hash-object", "-w", "--stdin"], text);
    server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request) => {
        const { pathname } = new URL(request.url);
        asked.push(pathname);
        const path = join(work, ".git", pathname.replace(/^\/repo\.git/, ""));
        return existsSync(path) ? new Response(Bun.file(path)) : new Response("", { status: 404 });
      },
    });
    const at = `http://127.0.0.1:${server.port}/sub.git`;
    const modules = `[submodule "a"]\n\tpath = a\n\turl = ${at}\n[submodule "b"]\n\tpath = "b\r"\n\turl = ${at}\n`;
    const script = await git(work, ["hash-object", "-w", trap]);
    const hooks = await git(work, ["mktree"], `100755 blob ${script}\tpost-checkout\n`);
    const honest = `100644 blob ${await blob("FROM localhost/hostile\nCOPY . /c\n")}\tDockerfile`;
    await branch("all", [
      honest,
      `100644 blob ${await blob(modules)}\t.gitmodules`,
      `100644 blob ${await blob("* filter=trap\n")}\t.gitattributes`,
      `160000 commit ${"1".repeat(40)}\ta`,
      `160000 commit ${"1".repeat(40)}\tb\r`,
      `120000 blob ${await blob(".git/modules/a/hooks")}\tb`,
      `040000 tree ${hooks}\thooks`,
    ]);
    for (const [index, name] of [".git", ".GIT", "git~1", ".g\u200cit"].entries())
      await branch(`link-${index}`, [honest, `120000 blob ${await blob("hooks")}\t${name}`]);
    await git(work, ["update-server-info"]);
    mkdirSync(join(work, "hooks"));
    await Bun.write(join(work, "hooks/post-checkout"), Bun.file(trap));
    chmodSync(join(work, "hooks/post-checkout"), 0o755);
  });

  afterAll(() => server.stop(true));

  test("runs none of its hooks and filters, and asks for none of its submodules", async () => {
    const address = `http://127.0.0.1:${server.port}/repo.git`;
    // What the user's own git would run, and what the repository asks it to.
    const settings = join(box.env.HOME as string, ".gitconfig");
    const inHome = mkdtempSync(join(box.directory, "settings-"));
    setTrap(inHome);
    await Bun.write(settings, Bun.file(join(inHome, "config")));
    try {
      const id = await box.ok(["build", "-q", `${address}#all`]);
      const added = context(`FROM ${HOSTILE}\nADD --keep-git-dir=true ${address}#all /src/\n`);
      await box.ok(["build", "-q", added]);
      expect(await box.ok(["run", "--rm", "--network", "none", id, "ls", "/c/hooks"])).toBe("post-checkout");
      expect({ fired: fired(), asked: asked.filter((path) => path.startsWith("/sub.git")) }).toEqual({
        fired: false,
        asked: [],
      });
      const naive = join(box.directory, "naive");
      await git(box.directory, ["clone", "-q", "--recurse-submodules", "-b", "all", address, naive]);
      expect(fired()).toBe(true);
      expect(asked.some((path) => path.startsWith("/sub.git"))).toBe(true);
    } finally {
      rmSync(settings, { force: true });
    }
  });

  test("whose files would be .git, in any spelling a filesystem takes for it, is refused", async () => {
    for (let index = 0; index < 4; index++) {
      const { code, stderr } = await box.kelp([
        "build",
        `http://127.0.0.1:${server.port}/repo.git#link-${index}`,
      ]);
      expect({ index, code }).toEqual({ index, code: 125 });
      expect(stderr).toContain("invalid path");
    }
    expect(fired()).toBe(false);
  });

  test("as a directory here: its configuration is that of no program kelp runs", async () => {
    const directory = context(`FROM ${HOSTILE}\nCOPY . /c\n`);
    await git(directory, ["init", "-q", "--template=", "."]);
    setTrap(join(directory, ".git"));
    await box.ok(["build", "-q", directory]);
    const address = `http://127.0.0.1:${server.port}/repo.git#all`;
    writeFileSync(join(directory, "Dockerfile"), `FROM ${HOSTILE}\nADD ${address} /src/\n`);
    await box.ok(["build", "-q", "."], { cwd: directory });
    expect(fired()).toBe(false);
    await git(directory, ["status"]);
    expect(fired()).toBe(true);
  });
});

describe("B1: what is swapped for a link to the host while a build uses it (CVE-2024-9675, CVE-2024-23651)", () => {
  test("a cache that one build swaps while another mounts in it leads nowhere outside", async () => {
    const canary = makeCanary(box.directory);
    const cache = "--mount=type=cache,id=race";
    const prepare = `mkdir -p /v/a && echo in it >/v/a/secret && ln -s ${canary.directory} /v/l && touch /v/go`;
    const swap = `hostile swap /v/a /v/l & while [ ! -e /v/stop ]; do sleep 0.1; done; kill $!`;
    const swapper = box.kelp(
      ["build", "--no-cache", context(`FROM ${HOSTILE}\nRUN ${cache},target=/v ${prepare}; ${swap}; true\n`)],
      {},
    );
    const wait = `RUN ${cache},target=/v until [ -e /v/go ]; do sleep 0.1; done\n`;
    await box.ok(["build", "--no-cache", context(`FROM ${HOSTILE}\n${wait}`)]);
    // A place beneath the link is one in the step's own root, whatever it is called on the host.
    const inner = "--mount=type=tmpfs,target=/v/a/b --mount=type=bind,source=f,target=/v/a/new";
    const look = `cat /v/a/secret /v/a/b/secret 2>&1; grep -c ' ${canary.directory}/b ' /proc/self/mountinfo; true`;
    const directory = context(`FROM ${HOSTILE}\nRUN ${cache},target=/v ${inner} ${look}\n`);
    writeFileSync(join(directory, "f"), "inside\n");
    const seen = new Set<string>();
    for (let round = 0; round < 40; round++) {
      const { code, stdout, stderr } = await box.kelp(["build", "--no-cache", directory]);
      expect(stdout + stderr).not.toContain(canary.token);
      canary.expectIntact();
      seen.add(code === 0 ? (/^[01]$/m.exec(stdout)?.[0] ?? "nothing") : "refused");
    }
    await box.ok(["build", "--no-cache", context(`FROM ${HOSTILE}\nRUN ${cache},target=/v touch /v/stop\n`)]);
    expect((await swapper).code).toBe(0);
    // Both states were met, or this proves nothing.
    expect(seen.size).toBeGreaterThan(1);
  }, 180_000);

  test("a directory of the context is copied as it is, with its links as links", async () => {
    const canary = makeCanary(box.directory);
    const directory = context(`FROM ${HOSTILE}\nCOPY d /d\nCOPY d/secret /e/\n`);
    mkdirSync(join(directory, "d"));
    writeFileSync(join(directory, "d", "secret"), "in it\n");
    const swap = ["sh", "-c", `ln -s ${canary.directory} /c/l && exec hostile swap /c/d /c/l`];
    await box.ok([
      "run",
      "-d",
      "--name",
      "b1",
      "--network",
      "none",
      "-v",
      `${directory}:/c`,
      HOSTILE,
      ...swap,
    ]);
    const seen = new Set<string>();
    for (let round = 0; round < 40; round++) {
      const { code, stderr } = await box.kelp(["build", "-q", "--no-cache", "-t", "b1", directory]);
      expect(stderr).not.toContain(canary.token);
      if (code !== 0) {
        seen.add("refused");
        continue;
      }
      const look = [
        "run",
        "--rm",
        "--network",
        "none",
        "b1",
        "sh",
        "-c",
        "cat /d/secret /e/secret; ls -l /d",
      ];
      const { stdout } = await box.kelp(look);
      expect(stdout).not.toContain(canary.token);
      seen.add(stdout);
    }
    await box.ok(["rm", "-f", "-t", "0", "b1"]);
    canary.expectIntact();
    expect(seen.size).toBeGreaterThan(1);
  }, 180_000);
});
