/** `init`: a container that is ready to start and has not, what can be done with it, and every way it can end. */
import { beforeAll, describe, expect } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, busyboxArchive, KELP, requires, run, until, useSandbox } from "../support/index.ts";

const box = useSandbox("054-init");
const { test } = requires("overlay", "subuid", "busybox");
const field = (name: string, format: string) => box.ok(["inspect", "--format", format, name]);
const state = (name: string) => field(name, "{{.State.Status}} {{.State.ExitCode}}");
const improper = "container state improper";

beforeAll(async () => void (await box.ok(["load", "-i", await busyboxArchive()])));

async function make(
  name: string,
  command: readonly string[],
  options: readonly string[] = [],
): Promise<string> {
  return box.ok(["create", "--name", name, ...options, BUSYBOX, ...command]);
}

async function failure(args: readonly string[]) {
  const { code, stdout, stderr } = await box.kelp(args);
  return { code, stdout, error: stderr.split("\n")[0] };
}

describe("what init has made ready", () => {
  test("has its process, address, mounts and files, and its command has not run", async () => {
    await box.ok(["volume", "create", "v054"]);
    await make("ready", ["sh", "-c", "touch /v/ran; sleep 100"], ["-v", "v054:/v", "-h", "held"]);
    expect(await box.ok(["init", "ready"])).toBe("ready");
    expect(await box.ok(["ps", "-q"])).toBe("");
    expect(await box.ok(["ps", "-a", "--format", "{{.Names}} {{.State}} {{.Status}}"])).toBe(
      "ready initialized Initialized",
    );
    expect(await field("ready", "{{.State.Running}} {{.State.StartedAt}}")).toBe(
      "false 0001-01-01T00:00:00Z",
    );
    expect(await field("ready", "{{.NetworkSettings.IPAddress}}")).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    const pid = await field("ready", "{{.State.Pid}}");
    const seen = "cd /proc/$0/root && cat etc/hostname && ls v && grep -c ' /v ' /proc/$0/mounts";
    expect(await box.ok(["unshare", "sh", "-c", seen, pid])).toBe("held\n1");
    expect(await box.ok(["logs", "ready"])).toBe("");
    expect(await box.ok(["ps", "-aq", "--filter", "status=initialized"])).not.toBe("");
    expect(await box.ok(["ps", "-aq", "--filter", "status=created"])).toBe("");
    expect(await box.ok(["wait", "--condition", "initialized", "ready"])).toBe("-1");
    expect(await box.ok(["start", "ready"])).toBe("ready");
    expect(await field("ready", "{{.State.Status}} {{.State.Pid}}")).toBe(`running ${pid}`);
    await until(
      "the command ran",
      async () => (await box.kelp(["exec", "ready", "ls", "/v/ran"])).code === 0,
    );
    expect(await box.ok(["rm", "-ft0", "ready"])).toBe("ready");
    const events = await box.ok([
      "events",
      "--stream=false",
      "--filter",
      "container=ready",
      "--format",
      "{{.Status}}",
    ]);
    expect(events.split("\n").slice(0, 3)).toEqual(["create", "init", "start"]);
  });

  test("has no descriptor that leads to the host", async () => {
    await make("sealed", ["sleep", "100"]);
    await box.ok(["init", "sealed"]);
    const pid = await field("sealed", "{{.State.Pid}}");
    const open = await box.ok(["unshare", "sh", "-c", "readlink /proc/$0/fd/*", pid]);
    for (const target of open.split("\n")) expect(target).toMatch(/^(pipe:|socket:|\/dev\/null$)/);
    await box.ok(["rm", "sealed"]);
  });

  test("takes files, gives its own, and is renamed, told of and kept from pruning", async () => {
    await make("tended", ["cat", "/given"]);
    await box.ok(["init", "tended"]);
    await box.ok(["cp", "/etc/passwd", "tended:/given"]);
    await box.ok(["rename", "tended", "again"]);
    await box.ok(["update", "--restart", "no", "again"]);
    expect(await box.ok(["container", "prune", "-f"])).toBe("");
    expect(await box.ok(["unshare", "sh", "-c", `cat "$(${KELP} mount again)/given" | head -1`])).toStartWith(
      "root:",
    );
    expect(await box.ok(["start", "-a", "again"])).toContain("root:x:0:0");
    await box.ok(["rm", "again"]);
  });

  test("is not to be looked into as what runs: exec, top, pause, kill, attach, and a second init", async () => {
    const id = await make("shut", ["sleep", "100"]);
    await box.ok(["init", "shut"]);
    const second = `Error: container ${id} has already been created in runtime: ${improper}`;
    expect(await failure(["init", "shut"])).toEqual({ code: 125, stdout: "", error: second });
    for (const [args, error] of [
      [["exec", "shut", "true"], `can only create exec sessions on running containers: ${improper}`],
      [["top", "shut"], "top can only be used on running containers"],
      [["pause", "shut"], `"${id}" is not running, can't pause: ${improper}`],
      [["kill", "shut"], `can only kill running containers. ${id} is in state initialized: ${improper}`],
      [["attach", "shut"], "you can only attach to running containers"],
    ] as const)
      expect(await failure(args)).toMatchObject({ stdout: "", error: `Error: ${error}` });
    expect(await state("shut")).toBe("initialized 0");
    expect(await box.ok(["init", "--all"])).toBe(id);
    await box.ok(["start", "shut"]);
    expect(await failure(["init", "-l"])).toEqual({ code: 125, stdout: "", error: second });
    await box.ok(["rm", "-ft0", "shut"]);
    expect(await failure(["init"])).toMatchObject({
      code: 125,
      error: "Error: you must provide at least one name or id",
    });
  });

  test("lends its network, and not its process namespace, in which its rights could be taken", async () => {
    await make("lender", ["sleep", "100"], ["-h", "lent"]);
    await box.ok(["init", "lender"]);
    const address = await field("lender", "{{.NetworkSettings.IPAddress}}");
    expect(
      await box.ok([
        "run",
        "--rm",
        "--network",
        "container:lender",
        BUSYBOX,
        "ip",
        "-4",
        "addr",
        "show",
        "eth0",
      ]),
    ).toContain(address);
    const joined = await failure(["run", "--rm", "--pid", "container:lender", BUSYBOX, "true"]);
    expect(joined).toMatchObject({ code: 125 });
    expect(joined.error).toContain("cannot join the pid namespace of container lender: it is not running");
    await box.ok(["rm", "lender"]);
  });
});

describe("its start", () => {
  test("attached, shows all that it writes, takes its input and has its status", async () => {
    await make("whole", ["sh", "-c", "echo first; echo second >&2; cat; exit 7"], ["-i"]);
    await box.ok(["init", "whole"]);
    const done = await box.kelp(["start", "-ai", "whole"], { stdin: "in\n" });
    expect(done).toEqual({ code: 7, stdout: "first\nin\n", stderr: "second\n" });
    expect(await state("whole")).toBe("exited 7");
    // One that has ended is made ready as well.
    await box.ok(["init", "whole"]);
    expect(await state("whole")).toBe("initialized 0");
    expect((await box.kelp(["start", "-ai", "whole"], { stdin: "again\n" })).stdout).toBe("first\nagain\n");
    await box.ok(["rm", "whole"]);
  });

  test("with --init and a terminal, and with a secret that is in no file of its", async () => {
    await box.ok(["secret", "create", "s054", "-"], { stdin: "hush-hush-secret" });
    await make(
      "formal",
      ["sh", "-c", 'tty >/dev/null && echo $(printf %s "$S" | wc -c) $$'],
      ["-t", "--init", "--secret", "s054,type=env,target=S"],
    );
    await box.ok(["init", "formal"]);
    expect((await box.kelp(["start", "-a", "formal"])).stdout).toBe("16 2\r\n");
    const kept = await run("grep", ["-rl", "hush-hush-secret", join(box.directory, "data")], {});
    expect(kept.stdout).toBe("");
    await box.ok(["rm", "formal"]);
  });

  test("of a command that is not there says so, and the container is as it was made", async () => {
    await make("wrong", ["nosuch054"]);
    const words =
      "executable file `nosuch054` not found in $PATH: No such file or directory: OCI runtime attempted to invoke a command that was not found";
    for (const [flags, code] of [
      [[], 125],
      [["-a"], 127],
    ] as const) {
      await box.ok(["init", "wrong"]);
      expect(await failure(["start", ...flags, "wrong"])).toEqual({
        code,
        stdout: "",
        error: `Error: ${words}`,
      });
      expect(await state("wrong")).toBe("created 0");
    }
    await box.ok(["rm", "wrong"]);
    await make("wrong", ["nosuch054"], ["--rm"]);
    await box.ok(["init", "wrong"]);
    expect(await failure(["start", "-a", "wrong"])).toMatchObject({ code: 127, error: `Error: ${words}` });
    expect(await box.ok(["ps", "-aq"])).toBe("");
  });

  test("under a service manager is a new one: its sockets come with the start", async () => {
    await make("service", ["sh", "-c", "echo $LISTEN_FDS"]);
    await box.ok(["init", "service"]);
    const done = await run("sh", ["-c", `LISTEN_FDS=1 ${KELP} start -a service 3</dev/null`], {
      env: box.env,
    });
    expect(done).toEqual({ code: 0, stdout: "1\n", stderr: "" });
    await box.ok(["rm", "service"]);
  });

  test("begins its time and its health checks; restart makes it anew", async () => {
    await make("timed", ["sleep", "100"], ["--timeout", "60", "--health-cmd", "true"]);
    await box.ok(["init", "timed"]);
    expect(await field("timed", "{{.State.Health.Status}}")).not.toBe("healthy");
    await box.ok(["start", "timed"]);
    await until(
      "it is healthy",
      async () => (await field("timed", "{{.State.Health.Status}}")) === "healthy",
    );
    await box.ok(["stop", "-t0", "timed"]);
    await box.ok(["init", "timed"]);
    const pid = await field("timed", "{{.State.Pid}}");
    await box.ok(["restart", "-t0", "timed"]);
    expect(await field("timed", "{{.State.Status}}")).toBe("running");
    expect(await field("timed", "{{.State.Pid}}")).not.toBe(pid);
    await box.ok(["rm", "-ft0", "timed"]);
  });

  test("cannot come where a port is taken: init says so", async () => {
    const port = String(22_000 + (process.pid % 2000));
    await make("first", ["sleep", "100"], ["-p", `${port}:80`]);
    await make("second", ["sleep", "100"], ["-p", `${port}:80`]);
    await box.ok(["init", "first"]);
    const refused = await failure(["init", "second"]);
    expect(refused).toMatchObject({ code: 125, stdout: "" });
    expect(refused.error).toContain("address already in use");
    expect(await state("second")).toBe("created 0");
    await box.ok(["rm", "first", "second"]);
  });
});

describe("its end before the start", () => {
  test("by stop comes at once, without any restart; by rm needs no force", async () => {
    await make("ended", ["sleep", "100"], ["--restart", "always"]);
    await box.ok(["init", "ended"]);
    const { stderr, code } = await box.kelp(["stop", "ended"]);
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    expect(await state("ended")).toBe("exited 137");
    expect(await field("ended", "{{.State.StartedAt}}")).toBe("0001-01-01T00:00:00Z");
    await box.ok(["init", "ended"]);
    expect(await box.ok(["rm", "ended"])).toBe("ended");
    await make("ended", ["sleep", "100"], ["--rm"]);
    await box.ok(["init", "ended"]);
    await box.ok(["stop", "ended"]);
    expect(await box.ok(["ps", "-aq"])).toBe("");
  });

  test("by a signal from outside is told as such", async () => {
    await make("shot", ["sleep", "100"]);
    await box.ok(["init", "shot"]);
    const ended = box.ok(["wait", "shot"]);
    process.kill(Number(await field("shot", "{{.State.ConmonPid}}")), "SIGTERM");
    expect(await ended).toBe("137");
    expect(await state("shot")).toBe("exited 137");
    await box.ok(["rm", "shot"]);
  });

  test("with its monitor is an end; with the machine it never was", async () => {
    const id = await make("lost", ["sleep", "100"]);
    const die = async () => {
      const pid = Number(await field("lost", "{{.State.ConmonPid}}"));
      process.kill(pid, "SIGKILL");
      await until(
        "it is gone",
        async () => (await box.kelp(["unshare", "test", "-e", `/proc/${pid}/exe`])).code !== 0,
      );
    };
    await box.ok(["init", "lost"]);
    await die();
    expect(await state("lost")).toBe("exited 137");
    await box.ok(["init", "lost"]);
    await die();
    // What a reboot leaves: nothing of the runtime directory.
    rmSync(join(box.runtime, "kelp", "c", id), { recursive: true });
    expect(await state("lost")).toBe("created 0");
    await box.ok(["start", "lost"]);
    await box.ok(["rm", "-ft0", "lost"]);
  });
});

describe.each(["crun", "runc"])("made by %s", (runtime) => {
  const { test: withRuntime } = requires(runtime as "crun", "busybox", "overlay", "subuid", "cgroup2");
  withRuntime("it waits between the runtime's create and start, and ends by its kill", async () => {
    const script = "echo begun; exit 4";
    const kelp = (...args: string[]) => box.ok(["--runtime", runtime, ...args]);
    await kelp("create", "--name", "oci", "--network", "none", BUSYBOX, "sh", "-c", script);
    await kelp("init", "oci");
    expect(await state("oci")).toBe("initialized 0");
    expect(await kelp("logs", "oci")).toBe("");
    const done = await box.kelp(["start", "-a", "oci"]);
    expect(done).toEqual({ code: 4, stdout: "begun\n", stderr: "" });
    await kelp("init", "oci");
    await kelp("stop", "oci");
    expect(await state("oci")).toBe("exited 137");
    await kelp("init", "oci");
    await kelp("rm", "oci");
    await kelp("create", "--name", "oci", "--network", "none", BUSYBOX, "nosuch054");
    const refused = await failure(["init", "oci"]);
    expect(refused).toMatchObject({ code: 125, stdout: "" });
    expect(refused.error).toContain("attempted to invoke a command that was not found");
    expect(await state("oci")).toBe("created 0");
    await kelp("rm", "oci");
  });
});
