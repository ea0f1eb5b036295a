/**
 * Runs bench/run.ts, as root with a delegated cgroup in a mount namespace of its own, so that it
 * also works (and podman with it) where /sys/fs/cgroup is not the v2 hierarchy.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { IS_ROOT, prepareUser } from "./lib/test-machine.mjs";
import { findBun, ROOT } from "./lib/toolchain.mjs";

const bench = [findBun(), join(ROOT, "bench", "run.ts"), ...process.argv.slice(2)];
if (!IS_ROOT) {
  process.exitCode = spawnSync(bench[0], bench.slice(1), { stdio: "inherit" }).status ?? 1;
} else {
  const user = process.env.BENCH_USER ?? prepareUser().name;
  const cgroup = `kelp-bench-${process.pid}`;
  const inNamespace = (...command) =>
    spawnSync("unshare", ["--mount", "--propagation", "private", "sh", ...command], {
      stdio: "inherit",
      env: { ...process.env, BENCH_USER: user },
    }).status ?? 1;
  process.exitCode = inNamespace(
    join(ROOT, "scripts/lib/test-enter.sh"),
    "--stay-root",
    user,
    cgroup,
    ...bench,
  );
  inNamespace(join(ROOT, "scripts/lib/test-cgroup.sh"), cgroup);
}
