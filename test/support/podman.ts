/** The real podman, where it is installed, with a store of its own inside a sandbox. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { leaksOf } from "./leaks.ts";
import { type KelpOptions, type KelpResult, run, type Sandbox } from "./sandbox.ts";

export interface RealPodman {
  /** Its graph root. */
  readonly root: string;
  /** Words that come before every command. */
  readonly globals: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  run(args: readonly string[], options?: KelpOptions): Promise<KelpResult>;
  ok(args: readonly string[], options?: KelpOptions): Promise<string>;
  /** Ends its containers and its pause process; the sandbox's end does it as well. */
  stop(): Promise<void>;
}

/** What this podman needs where no cgroup was delegated, in a file that kelp does not read. */
const CONFIGURATION = `[containers]
cgroups = "disabled"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
`;

export function realPodman(box: Sandbox, driver = "overlay"): RealPodman {
  const configuration = join(box.directory, "podman.conf");
  writeFileSync(configuration, CONFIGURATION);
  const root = join(box.directory, "data", "podman");
  const runroot = join(box.runtime, "podman-run");
  const globals = ["--root", root, "--runroot", runroot, "--storage-driver", driver, "--log-level", "error"];
  const env = { ...box.env, CONTAINERS_CONF: configuration };
  let calls = 0;
  // Through files: conmon keeps the streams it inherits for as long as its container lives.
  const call: RealPodman["run"] = async (args, options = {}) => {
    const output = join(box.directory, `podman-${++calls}`);
    const input = options.stdin === undefined ? "</dev/null" : "";
    const script = `out=$1; shift; exec podman "$@" >"$out.1" 2>"$out.2" ${input}`;
    const { code } = await run("sh", ["-c", script, "sh", output, ...globals, ...args], {
      cwd: box.directory,
      timeout: 60_000,
      ...options,
      env: { ...env, ...options.env },
    });
    const [stdout, stderr] = [".1", ".2"].map((end) => readFileSync(output + end, "utf8")) as [
      string,
      string,
    ];
    for (const end of [".1", ".2"]) rmSync(output + end);
    return { code, stdout, stderr };
  };
  const podman: RealPodman = {
    root,
    globals,
    env,
    run: call,
    async ok(args, options) {
      const { code, stdout, stderr } = await call(args, options);
      if (code !== 0) throw new Error(`podman ${args.join(" ")} exited with ${code}:\n${stdout}${stderr}`);
      return stdout.replace(/\n$/, "");
    },
    async stop() {
      await call(["rm", "--all", "--force", "--time", "0"]);
      const pause = join(box.runtime, "libpod", "tmp", "pause.pid");
      try {
        process.kill(Number(readFileSync(pause, "utf8")));
      } catch {
        // There was none.
      }
      // conmon's last word is a call of podman, which makes its directories again.
      while (leaksOf([box.directory]).some((leak) => leak.startsWith("process"))) await Bun.sleep(100);
      for (const name of ["podman-run", "libpod", "containers", "crun"])
        rmSync(join(box.runtime, name), { recursive: true, force: true });
    },
  };
  box.ends.push(() => podman.stop());
  return podman;
}
