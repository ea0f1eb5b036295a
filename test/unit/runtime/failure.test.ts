import { describe, expect, test } from "bun:test";
import { explainFailure, explainRuntimeExec } from "../../../src/runtime/index.ts";
import type { OpName, Plan } from "../../../src/runtime/plan/ops.ts";
import { type Case, ID, planOf } from "./fixture.ts";

const [EPERM, ENOENT, ENOEXEC, EACCES, EINVAL, EROFS, ENOSYS] = [1, 2, 8, 13, 22, 30, 38];

function failure(op: OpName, errno: number, what: Case = {}) {
  const plan = planOf(what);
  return explainFailure({ plan, index: plan.ops.findIndex((entry) => entry.op === op), errno, id: ID });
}

test("a command that is not there is 127, in the words podman's suite looks for", () => {
  const path = failure("execve", ENOENT, { config: { command: ["/no/such/command"] } });
  expect(path.exitCode).toBe(127);
  expect(path.message).toMatch(/\/no\/such\/command.*[Nn]o such file or directory/);
  const name = failure("execve", ENOENT, { config: { command: ["nosuch"] } });
  expect(name.message).toMatch(
    /executable file `nosuch` not found in \$PATH: No such file or directory: OCI runtime attempted/,
  );
});

test("no command at all is a command that is not there", () => {
  for (const errno of [EINVAL, EACCES, ENOENT]) {
    const error = failure("execve", errno, { config: { command: [] } });
    expect(error.exitCode).toBe(127);
    expect(error.message).toContain("executable file `` not found in $PATH: No such file or directory");
  }
});

test("a command that cannot be executed is 126", () => {
  const error = failure("execve", EACCES, { config: { command: ["/etc"] } });
  expect(error.exitCode).toBe(126);
  expect(error.message).toMatch(/exec.*permission denied/);
});

test("a file of no format the kernel knows is 126, and an image of another architecture is named", () => {
  const own = failure("execve", ENOEXEC);
  expect(own).toMatchObject({ exitCode: 126, code: "command-not-executable" });
  expect(own.hint).toContain("no script whose first line names an interpreter");
  const plan = planOf({});
  const index = plan.ops.findIndex(({ op }) => op === "execve");
  const foreign = explainFailure({ plan, index, errno: ENOEXEC, id: ID, architecture: "s390x" });
  expect(foreign).toMatchObject({ exitCode: 126, code: "no-emulator" });
  expect(foreign.message).toEndWith("exec format error: the image is for s390x");
  expect(foreign.hint).toContain("install qemu-user-static");
});

test("everything before the command is 125 and names the option", () => {
  const mounts = [{ type: "bind", source: "/srv", destination: "/x", options: [] }] as const;
  const origins = new Map([["/x", "--volume /srv:/x"]]);
  const error = failure("openTree", ENOENT, { config: { mounts }, lower: { origins } });
  expect(error.exitCode).toBe(125);
  expect(error.message).toBe("statfs /srv: no such file or directory");
  expect(failure("rlimit", EPERM).message).toContain("setrlimit: Operation not permitted");
});

test("a kernel without the packet filters that networks need is told what it lacks", () => {
  const plan: Plan = {
    ops: [
      {
        op: "netfilter",
        stage: "netbase",
        args: { batch: new Uint8Array(), otherwise: new Uint8Array() },
        tolerate: 0,
        origin: "shared network",
      },
    ],
  };
  const error = explainFailure({ plan, index: 0, errno: ENOENT, id: ID });
  expect(error).toMatchObject({ code: "no-packet-filters", exitCode: 125 });
  expect(error.message).toBe("cannot set up the networks' packet filters: no such file or directory");
  expect(error.hint).toContain("nft_ct");
});

test("a file mounted over a directory is told by both paths, a script without interpreter by its hint", () => {
  const mounts = [{ type: "bind", source: "/srv/f", destination: "/etc", options: [] }] as const;
  const plan = planOf({ config: { mounts } });
  const index = plan.ops.findIndex((entry) => entry.op === "moveMount" && entry.args.target === "etc");
  const error = explainFailure({ plan, index, errno: EINVAL, id: ID });
  expect(error.message).toContain("cannot mount /srv/f on /etc");
  expect(error.message).toEndWith("a directory can be mounted on a directory only, and a file on a file");
  expect(failure("execve", ENOENT, { config: { command: ["/run.sh"] } }).hint).toContain("interpreter");
  expect(failure("execve", EACCES, { config: { command: ["/run.sh"] } }).hint).toContain("chmod +x");
});

test("a helper's exit status, a missing range and a forbidden namespace have their advice", () => {
  const awaited = failure("await", 1001);
  expect(awaited.message).toContain("newuidmap: it exited with status 1");
  expect(awaited.hint).toContain("/etc/subuid");
  expect(failure("begin", ENOENT).message).toContain("newuidmap: no such file or directory");
  expect(failure("run", 1001).hint).toContain("/etc/subgid");
  expect(failure("joinBase", EPERM).hint).toContain("apparmor_restrict_unprivileged_userns");
  expect(failure("credentials", EINVAL).hint).toContain("/etc/subuid");
});

test("inside a container the hint names the flag that the outer one needs", () => {
  const filtered = failure("joinBase", ENOSYS);
  expect(filtered.message).toBe("cannot make a user namespace: a system call filter forbids it");
  expect(filtered.hint).toContain("--privileged");
  const plan: Plan = {
    ops: [
      {
        op: "writeAt",
        stage: "netbase",
        args: { root: 1, path: "ipv4/ip_forward", resolve: 0n, data: "1" },
        tolerate: 0,
      },
    ],
  };
  const error = explainFailure({ plan, index: 0, errno: EROFS, id: ID });
  expect(error).toMatchObject({ exitCode: 125, code: "network-read-only" });
  expect(error.hint).toContain("--privileged");
});

test("a plan that cannot be read still gives one line", () => {
  const error = explainFailure({ plan: { ops: [] }, index: 7, errno: ENOENT, id: ID });
  expect(error.message).toBe(`cannot start container ${ID.slice(0, 12)}: no such file or directory`);
});

describe("what an OCI runtime wrote into its log", () => {
  const said = (log: string) => explainRuntimeExec("/usr/bin/runsc", log);

  test("is its last error, and not what came of it", () => {
    const log =
      '{"msg":"starting container: connecting to control server at PID 7: connection refused","level":"error"}' +
      '{"msg":"destroying container: stopping container: context deadline exceeded","level":"error"}';
    expect(said(log)).toMatchObject({
      code: "runtime-failed",
      exitCode: 126,
      message:
        "cannot run /usr/bin/runsc: starting container: connecting to control server at PID 7: connection refused",
      hint: expect.stringContaining("--network host"),
    });
  });

  test("of a command that is missing means 127", () => {
    const log = '{"msg":"create failed: exec: \\"x\\": executable file `x` not found","level":"error"}\n';
    expect(said(log)).toMatchObject({ code: "command-not-found", exitCode: 127 });
    expect(said("")).toBeUndefined();
  });
});
