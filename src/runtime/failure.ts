/** What a failed operation means, in podman's words where it has some, with its exit status. */
import {
  CommandNotExecutableError,
  CommandNotFoundError,
  ConflictError,
  HostError,
  type KelpError,
  SetupError,
} from "../base/index.ts";
import { type FailureInput, HELPER, words } from "./failure-input.ts";
import {
  explainFilters,
  explainInterface,
  explainPublish,
  explainTap,
  explainUplink,
} from "./failure-network.ts";
import type { OpName, PlanOp } from "./plan/ops.ts";
import { RLIMITS } from "./spec-resources.ts";

/** The error for the user; the plan's operation decides which kind it is. */
export function explainFailure(input: FailureInput): KelpError {
  const op = input.plan.ops[input.index];
  const runtime = input.plan.ops.find((other) => other.op === "runtime");
  if (runtime?.op === "runtime" && (op === runtime || op?.op === "execve"))
    return explainRuntime(runtime.args.start[0] ?? "", input);
  if (op === undefined)
    return new SetupError("setup-failed", `cannot ${purpose(input)}: ${words(input.errno)}`);
  const special = SPECIAL[op.op];
  return special?.(op as never, input) ?? general(op, input);
}

/** Why an OCI runtime's exec could not start its process; undefined: it did, and the status is the process's. */
export function explainRuntimeExec(program: string, runtimeLog: string): KelpError | undefined {
  return lastError(runtimeLog) === ""
    ? undefined
    : explainRuntime(program, { plan: { ops: [] }, index: 0, errno: 0, id: "", runtimeLog });
}

/** An OCI runtime has nothing but words for what went wrong; two of them mean the statuses that scripts know. */
function explainRuntime(program: string, { runtimeLog = "", errno }: FailureInput): KelpError {
  const said = lastError(runtimeLog);
  const status = errno >= HELPER ? `it exited with status ${errno - HELPER}` : words(errno);
  const message = `cannot run ${program}: ${said || status}`;
  if (/executable file.*not found|cannot find `|no such file or directory$/i.test(said))
    return new CommandNotFoundError(
      "command-not-found",
      `${message}: OCI runtime attempted to invoke a command that was not found`,
    );
  if (/permission denied$/i.test(said))
    return new CommandNotExecutableError("command-not-executable", `${message}: OCI permission denied`);
  const hint = /control server.*connection refused/.test(said) ? { hint: OLD_RUNSC } : {};
  return new SetupError("runtime-failed", message, { exitCode: 126, ...hint });
}

const OLD_RUNSC =
  "a runsc from before 2023 finds a container only from within its network: use a newer one, or --network host";
/** What comes of an error, not the error. */
const AFTERWARDS = /"msg":"destroying container/;

/** The last object of level `error` of a log of JSON lines, or whatever else stands there; runsc writes no ends of lines. */
function lastError(text: string): string {
  const lines = text
    .replaceAll('}{"', '}\n{"')
    .split("\n")
    .filter((line) => line !== "" && !AFTERWARDS.test(line));
  for (const line of lines.toReversed()) {
    try {
      const { level, msg } = JSON.parse(line) as { level?: unknown; msg?: unknown };
      if (level === "error" && typeof msg === "string") return msg.trim();
    } catch {
      return line;
    }
  }
  return "";
}

type Explain<N extends OpName> = (
  op: Extract<PlanOp, { op: N }>,
  input: FailureInput,
) => KelpError | undefined;

const SPECIAL: { readonly [N in OpName]?: Explain<N> } = {
  copyTree: (op, { errno }) =>
    errno === 28
      ? new SetupError(
          "tmpfs-too-small",
          `cannot copy what the image has there into the tmpfs${from(op.origin)}: ${words(errno)}`,
          { hint: "give it a larger size=, or notmpcopyup to begin empty" },
        )
      : undefined,
  cgroupMake: ({ args }, { errno }) =>
    new HostError("cgroup-failed", `cannot make control group ${args.path}: ${words(errno)}`, {
      hint: "use --cgroups=disabled to run without one",
    }),
  execve: explainExecve,
  chdir: ({ args }, { id, errno }) =>
    errno === 2 || errno === 20
      ? new SetupError(
          "workdir-missing",
          `workdir "${args.path}" ${errno === 2 ? "does not exist" : "is not a directory"} on container ${id}`,
          {
            exitCode: 126,
            hint: "give a directory of the image with --workdir",
          },
        )
      : undefined,
  rlimit: ({ args }, { errno }) =>
    errno === 1
      ? new SetupError(
          "ulimit-denied",
          `cannot set ulimit ${limitName(args.resource)} to ${args.soft}:${args.hard}: setrlimit: Operation not permitted`,
          { hint: "a user cannot raise a limit above the hard limit (ulimit -H)" },
        )
      : undefined,
  credentials: ({ args }, { errno }) =>
    errno === 22
      ? new HostError(
          "id-not-mapped",
          `cannot become user ${args.uid}:${args.gid}: this id is not among those you may use`,
          {
            hint: "give yourself a range in /etc/subuid and /etc/subgid, or run as the image's root (kelp doctor subordinate-ids)",
          },
        )
      : undefined,
  idMap: (_op, { errno }) => userNamespaceError(errno),
  joinBase: (_op, { errno }) => userNamespaceError(errno),
  run: explainRun,
  begin: explainRun,
  await: ({ origin }, { errno }) => helperFailed(origin ?? "a program", errno),
  publish: explainPublish,
  joinNs: ({ args, origin }, { errno }) =>
    new SetupError("namespace-gone", `cannot join namespace ${args.path}${from(origin)}: ${words(errno)}`, {
      ...(errno === 1 ? { hint: "a user enters namespaces of its own containers only" } : {}),
    }),
  awaitKept: explainUplink,
  keep: explainUplink,
  tapAdd: explainTap,
  vethAdd: explainInterface,
  linkSet: explainInterface,
  addressAdd: explainInterface,
  routeAdd: explainInterface,
  bridgeAdd: explainInterface,
  netfilter: explainFilters,
  overlay: (_op, { errno }) =>
    errno === 1 || errno === 19 || errno === 22
      ? new HostError("overlay-unavailable", `cannot mount the root filesystem: overlay: ${words(errno)}`, {
          hint: "use --storage-driver fuse-overlayfs or vfs (kelp doctor overlay)",
        })
      : undefined,
  claim: (_op, { id, errno }) => (errno === 11 ? livesElsewhere(id) : undefined),
  expectDevice: ({ origin }, { errno }) =>
    errno === 9
      ? new SetupError(
          "device-not-genuine",
          `cannot set up /dev${from(origin)}: a node is not the device its name says`,
        )
      : undefined,
  newMount: ({ args }, { errno }) => {
    const asked = args.options.filter((word) => !word.startsWith("source="));
    return errno === 22 && asked.length > 0
      ? new SetupError("mount-failed", `cannot mount ${args.type} with ${asked.join(",")}: ${words(errno)}`, {
          hint: "the kernel does not take one of these options, or its value",
        })
      : undefined;
  },
  writeAt: ({ args, stage }, { errno }) =>
    stage === "netbase" && errno === EROFS
      ? new HostError("network-read-only", "cannot set up a network: /proc/sys is read-only here", {
          hint: "inside a container, run that one with --privileged, or this one with --network none or host",
        })
      : args.path.startsWith("sys/")
        ? new SetupError(
            "sysctl-failed",
            `cannot set sysctl ${args.path.slice(4).replaceAll("/", ".")} to ${JSON.stringify(args.data)}: ${words(errno)}`,
            {
              ...(errno === 1 || errno === 13
                ? { hint: "the kernel lets nobody but the host's root change it" }
                : {}),
            },
          )
        : undefined,
  openTree: ({ args }, { errno }) =>
    new SetupError(
      errno === 2 ? "missing-source" : "mount-failed",
      errno === 2
        ? `statfs ${args.path}: no such file or directory`
        : `cannot mount ${args.path}: ${words(errno)}`,
    ),
  moveMount: explainMove,
};

/**
 * A container whose monitor lives though nobody finds it in the runtime directory.
 *
 * @param pid the monitor's, where it is known
 */
export function livesElsewhere(id: string, pid?: number): ConflictError {
  const who = pid === undefined ? "its monitor" : `its monitor, process ${pid},`;
  return new ConflictError(
    "lives-elsewhere",
    `cannot start container ${short(id)}: it runs already: ${who} lives, but its runtime directory is gone: container state improper`,
    {
      hint: `kelp rm --force ${short(id)} ends and removes it; ${pid === undefined ? "its monitor's end" : `kill ${pid}`} ends it alone. Directories of XDG_RUNTIME_DIR go with the last session of a user who does not linger (kelp doctor lingering)`,
    },
  );
}

/** Of the ways in which the kernel says EINVAL here, a user meets one: docker asks then whether it is a directory onto a file. */
function explainMove(op: Extract<PlanOp, { op: "moveMount" }>, { plan, errno }: FailureInput): KelpError {
  const { tree, target } = op.args;
  const before = plan.ops.slice(0, plan.ops.indexOf(op));
  const source = before.findLast((other) => other.op === "openTree" && other.args.into === tree);
  const path = source?.op === "openTree" ? ` ${source.args.path}` : "";
  const where = `cannot mount${path} on /${target}${from(op.origin)}`;
  if (errno === 22 || errno === 20)
    return new SetupError(
      "mount-failed",
      `${where}: a directory can be mounted on a directory only, and a file on a file`,
      { hint: "a path that the image does not have is made as what is mounted there" },
    );
  return new SetupError("mount-failed", `${where}: ${words(errno)}`, {
    ...(errno === 40
      ? { hint: "the path is or goes through a symbolic link, which is not followed there" }
      : {}),
  });
}

/** podman's suite looks for its runtime's words here; the status tells scripts the two cases apart. */
function explainExecve(
  { args }: Extract<PlanOp, { op: "execve" }>,
  { errno, architecture }: FailureInput,
): KelpError {
  const name = args.argv[0] ?? "";
  if (errno === 2 || errno === 20 || name === "") {
    const what = name.includes("/")
      ? `open executable \`${name}\``
      : `executable file \`${name}\` not found in $PATH`;
    return new CommandNotFoundError(
      "command-not-found",
      `${what}: No such file or directory: OCI runtime attempted to invoke a command that was not found`,
      { hint: missingCommandHint(name) },
    );
  }
  const reason = errno === 13 ? "permission denied: OCI permission denied" : words(errno);
  const said = `open executable: exec \`${name}\`: ${reason}`;
  if (errno !== ENOEXEC)
    return new CommandNotExecutableError("command-not-executable", said, {
      ...(errno === 13
        ? {
            hint: "it must be a file with its executable bit set: chmod +x, or COPY --chmod=755 in a build; and nothing on the way mounted noexec (kelp doctor store-mount)",
          }
        : {}),
    });
  return architecture === undefined
    ? new CommandNotExecutableError("command-not-executable", said, {
        hint: "it is no program for this machine, and no script whose first line names an interpreter",
      })
    : new CommandNotExecutableError("no-emulator", `${said}: the image is for ${architecture}`, {
        hint: "install qemu-user-static, the emulator (kelp doctor emulators)",
      });
}

const ENOEXEC = 8;
const EROFS = 30;
/** What filters say of clone3, so that programs try the call before it. */
const ENOSYS = 38;

function missingCommandHint(name: string): string {
  if (name === "") return "give a command after the image's name";
  return name.includes("/")
    ? "it must exist in the image; a script's interpreter too (first line; none is found behind a Windows line end)"
    : "the command must exist in the image";
}

function explainRun({ args }: Extract<PlanOp, { op: "run" | "begin" }>, { errno }: FailureInput): KelpError {
  const [shell = "", , , wrapped] = args.argv;
  const program = wrapped !== undefined && shell === "/bin/sh" ? wrapped : shell;
  return helperFailed(program, errno);
}

function helperFailed(program: string, errno: number): KelpError {
  const name = program.slice(program.lastIndexOf("/") + 1);
  const reason = errno >= HELPER ? `it exited with status ${errno - HELPER}` : words(errno);
  const isMap = name === "newuidmap" || name === "newgidmap";
  return new HostError(isMap ? "idmap-failed" : "helper-failed", `cannot run ${program}: ${reason}`, {
    ...(isMap
      ? {
          hint: `check your lines in /etc/${name === "newuidmap" ? "subuid" : "subgid"} and that ${program} is set-uid root (kelp doctor id-map-programs)`,
        }
      : {}),
  });
}

function userNamespaceError(errno: number): KelpError | undefined {
  if (errno !== 1 && errno !== 13 && errno !== 28 && errno !== 22 && errno !== ENOSYS) return undefined;
  const reason = errno === ENOSYS ? "a system call filter forbids it" : words(errno);
  return new HostError("userns-unavailable", `cannot make a user namespace: ${reason}`, {
    hint: "inside a container, that one needs --privileged; else see kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns and user.max_user_namespaces (kelp doctor user-namespaces)",
  });
}

function general(op: PlanOp, input: FailureInput): KelpError {
  return new SetupError(
    "setup-failed",
    `cannot ${purpose(input)}: ${op.stage} ${op.op}${from(op.origin)}: ${words(input.errno)}`,
  );
}

function purpose({ id, purpose }: FailureInput): string {
  return purpose ?? `start container ${short(id)}`;
}

function short(id: string): string {
  return id.slice(0, 12);
}

function limitName(resource: number): string {
  const type = Object.entries(RLIMITS).find(([, number]) => number === resource)?.[0] ?? String(resource);
  return type.replace("RLIMIT_", "").toLowerCase();
}

/** Plans read back from their file do not know where their operations come from. */
function from(origin: string | undefined): string {
  return origin === undefined ? "" : ` (${origin})`;
}
