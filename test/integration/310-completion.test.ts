/** Completion as a person meets it: TAB in real bash, zsh and fish, and the time it takes. */
import { beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  BUSYBOX,
  busyboxArchive,
  KELP,
  openTerminal,
  requires,
  type Terminal,
  useSandbox,
} from "../support/index.ts";

const box = useSandbox("310-completion");
const bin = join(box.directory, "bin");

const images = requires("subuid", "overlay", "busybox");

beforeAll(async () => {
  mkdirSync(bin);
  await box.ok(["volume", "create", "t310-data"]);
  if (images.missing === undefined) {
    await box.ok(["load", "-q", "-i", await busyboxArchive()]);
    await box.ok(["tag", BUSYBOX, "t310-image"]);
    const made = "echo > /tmp/t310-one; mkdir /t310-empty; echo > /data/inside";
    await box.ok(["run", "--name", "t310-box", "-v", "t310-data:/data", BUSYBOX, "sh", "-c", made]);
  }
  symlinkSync(KELP, join(bin, "kelp"));
  await box.ok(["volume", "create", "t310-other"]);
  await box.ok(["network", "create", "t310-net"]);
}, 60_000);

const env = () => ({ ...box.env, PATH: `${bin}:${box.env.PATH}` });

interface Shell {
  readonly name: "bash" | "zsh" | "fish";
  readonly command: readonly string[];
  /** Written to the home directory before the start. */
  readonly files: (script: string) => Readonly<Record<string, string>>;
}

const SHELLS: readonly Shell[] = [
  {
    name: "bash",
    command: ["bash", "-i"],
    files: (script) => ({
      ".bashrc": `PS1='ready> '\nsource /usr/share/bash-completion/bash_completion\nsource ${script}\nbind 'set show-all-if-ambiguous on'\n`,
    }),
  },
  {
    name: "zsh",
    command: ["zsh", "-i"],
    files: (script) => ({
      ".zshrc": `PS1='ready> '\nautoload -Uz compinit; compinit -u -D\nsource ${script}\n`,
    }),
  },
  {
    name: "fish",
    command: ["fish", "-i"],
    files: (script) => ({
      ".hushlogin": "",
      "../config/fish/config.fish": `function fish_prompt; echo 'ready> '; end\nset -g fish_greeting\nsource ${script}\n`,
    }),
  },
];

async function startShell(shell: Shell): Promise<Terminal> {
  const script = join(box.directory, `kelp.${shell.name}`);
  await box.ok(["completion", shell.name, "-f", script]);
  for (const [name, text] of Object.entries(shell.files(script))) {
    const path = join(box.directory, "home", name);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, text);
  }
  const terminal = openTerminal(shell.command, { env: env() });
  await terminal.waitFor(/ready> *$/);
  return terminal;
}

for (const shell of SHELLS) {
  describe(shell.name, () => {
    requires("tmux", shell.name).test(
      "TAB completes commands, flags, flag values and names of what is in the store",
      async () => {
        const terminal = await startShell(shell);
        try {
          for (const [typed, expected] of [
            ["kelp vers", /kelp version/],
            ["kelp volume inspect t310-d", /kelp volume inspect t310-data/],
            ["kelp volume inspect --form", /kelp volume inspect --format/],
            ["kelp network rm t310-n", /kelp network rm t310-net/],
            ["kelp --storage-driver fu", /kelp --storage-driver fuse-overlayfs/],
            ["kelp ps --filter status=pa", /kelp ps --filter status=paused/],
            ["kelp --log-level=wa", /kelp --log-level=warn/],
          ] as const) {
            terminal.type(typed);
            terminal.keys("Tab");
            await terminal.waitFor(expected);
            terminal.keys("C-u");
            await terminal.waitFor(/ready> *$/);
          }
          terminal.type("kelp volume rm t310-");
          terminal.keys("Tab");
          terminal.keys("Tab");
          expect(
            await terminal.waitFor(/t310-data[\s\S]*t310-other|t310-other[\s\S]*t310-data/),
          ).toBeTruthy();
        } finally {
          terminal.close();
          rmSync(join(box.runtime, "fish_universal_variables.notifier"), { force: true });
        }
      },
      120_000,
    );

    requires("tmux", shell.name, "subuid", "overlay", "busybox").test(
      "TAB completes paths inside images and containers, beside files of the host",
      async () => {
        const terminal = await startShell(shell);
        try {
          writeFileSync(join(box.directory, "t310-file"), "");
          terminal.type(`cd ${box.directory}; clear`);
          terminal.keys("Enter");
          await terminal.waitFor(/^ready> *$/);
          for (const [typed, expected] of [
            ["kelp run --rm t310-image /etc/pass", /t310-image \/etc\/passwd/],
            ["kelp exec t310-box /t310-e", /t310-box \/t310-empty\/$/m],
            ["kelp cp t310-box:/tmp/t310-o", /kelp cp t310-box:\/tmp\/t310-one/],
            ["kelp cp t310-b", /kelp cp t310-box:$/m],
            ["kelp cp t310-f", /kelp cp t310-file/],
            ["kelp run -v t310-d", /kelp run -v t310-data:$/m],
          ] as const) {
            terminal.type(typed);
            terminal.keys("Tab");
            await terminal.waitFor(expected);
            terminal.keys("C-u");
            await terminal.waitFor(/ready> *$/);
          }
        } finally {
          terminal.close();
          rmSync(join(box.runtime, "fish_universal_variables.notifier"), { force: true });
        }
      },
      120_000,
    );
  });
}

test("names and values cost little more than a start of kelp", () => {
  // The processor's time, which waits for nobody, of the best of many.
  const cost = (...words: string[]) => {
    const runs = Array.from({ length: 25 }, () =>
      Bun.spawnSync([KELP, ...words], { env: env(), stderr: "ignore" }),
    );
    expect(runs.map(({ exitCode }) => exitCode)).toEqual(runs.map(() => 0));
    return Math.min(...runs.map(({ resourceUsage }) => Number(resourceUsage.cpuTime.total)));
  };
  const start = cost("--version");
  for (const typed of [
    ["volume", "rm", "t310"],
    ["run", "--network", "t"],
    ["--log-level", ""],
  ])
    expect(cost("__complete", ...typed) / start).toBeLessThan(4);
}, 60_000);

test("a script for a link's name completes that name", async () => {
  symlinkSync(KELP, join(bin, "podman"));
  const { stdout } = Bun.spawnSync([join(bin, "podman"), "completion", "bash"], { env: env() });
  expect(stdout.toString()).toContain("complete -F __podman_complete podman\n");
});

test("--no-desc leaves the descriptions out", async () => {
  expect(await box.ok(["completion", "--no-desc", "zsh"])).toContain("__completeNoDesc ");
  expect(await box.ok(["completion", "zsh"])).toContain("__complete ");
});

test("modules, kernel parameters, interfaces, settings and topics complete", async () => {
  const words = async (...typed: string[]) => (await box.ok(["__completeNoDesc", ...typed])).split("\n");
  mkdirSync(join(box.directory, "config", "containers", "containers.conf.modules"), { recursive: true });
  writeFileSync(join(box.directory, "config", "containers", "containers.conf.modules", "t310.conf"), "");
  expect(await words("--module", "t3")).toEqual(["t310.conf", ":4"]);
  expect(await words("run", "--sysctl", "kernel.ostyp")).toEqual(["kernel.ostype=", ":6"]);
  expect(await words("network", "create", "--interface-name", "l")).toContain("lo");
  expect(await words("config", "storage.dr")).toEqual(["storage.driver", ":4"]);
  expect(await words("help", "fi")).toEqual(["filters", ":4"]);
});

images.test("paths inside never lead out, follow links, and show volumes", async () => {
  const words = async (...typed: string[]) => (await box.ok(["__completeNoDesc", ...typed])).split("\n");
  expect(await words("run", BUSYBOX, "../../et")).toEqual(["../../etc/", ":6"]);
  expect(await words("run", BUSYBOX, "e")).toEqual(["etc/", ":6"]);
  expect(await words("create", BUSYBOX, "/etc")).toContain("/etc/passwd");
  expect(await words("cp", "t310-box:")).toContain("t310-box:/etc/");
  expect(await words("cp", "t310-box:/data/")).toEqual(["t310-box:/data/inside", ":4"]);
  expect(await words("cp", "t310-box:/t310-empty")).toEqual(["t310-box:/t310-empty/", ":6"]);
  expect(await words("cp", "t310-box:/no/such")).toEqual([":4"]);
  expect(await words("run", "no-such-image", "/")).toEqual([":0"]);
  expect(await words("run", "--sysctl", "net.")).toContain("net.ipv4.");
});
