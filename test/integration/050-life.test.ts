/** From create to rm: states, signals, waiting, processes, and a monitor that is killed. */
import { expect } from "bun:test";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, busyboxArchive, KELP, requires, run, useSandbox } from "../support/index.ts";

const box = useSandbox("050-life");
const { test } = requires("overlay");
const field = (name: string, format: string) => box.ok(["inspect", "--format", format, name]);

test("the image is loaded", async () => {
  await box.ok(["load", "--input", await busyboxArchive()]);
});

test("a container is created, runs, ends, runs again with its files, and is removed", async () => {
  await box.ok([
    "create",
    "--name",
    "life",
    BUSYBOX,
    "sh",
    "-c",
    "cat /mark 2>/dev/null; echo was here >/mark",
  ]);
  expect(await field("life", "{{.State.Status}}")).toBe("created");
  expect(await box.ok(["start", "life"])).toBe("life");
  expect(await box.ok(["wait", "life"])).toBe("0");
  expect(await field("life", "{{.State.Status}} {{.State.ExitCode}}")).toBe("exited 0");
  expect(await box.ok(["start", "--attach", "life"])).toBe("was here");
  expect(await box.ok(["logs", "life"])).toBe("was here");
  expect(await box.ok(["rm", "life"])).toBe("life");
  expect((await box.kelp(["container", "exists", "life"])).code).toBe(1);
});

test("logs -f and events end when the grep behind them has, though nothing more is said", async () => {
  await box.ok(["run", "-d", "--name", "silent", BUSYBOX, "sh", "-c", "echo ready; exec sleep 1000"]);
  const piped = async (words: string) => {
    const script = `{ '${KELP}' ${words}; echo $? >&2; } | grep -m1 -o 'ready\\|start'`;
    return run("sh", ["-c", script], { env: box.env, timeout: 30_000 });
  };
  expect(await piped("logs -f silent")).toEqual({ code: 0, stdout: "ready\n", stderr: "141\n" });
  expect(await piped("events --since 1h --filter container=silent --filter event=start")).toEqual({
    code: 0,
    stdout: "start\n",
    stderr: "141\n",
  });
  await box.ok(["rm", "-f", "-t", "0", "silent"]);
});

test("rm -f of several that ignore their signal takes as long as one of them", async () => {
  const names = ["deaf1", "deaf2", "deaf3", "deaf4"];
  for (const name of names) await box.ok(["run", "-d", "--name", name, BUSYBOX, "sleep", "1000"]);
  const begin = performance.now();
  expect(await box.ok(["rm", "-f", "-t", "4", ...names])).toBe(names.join("\n"));
  // One after another they would need 16 seconds, however idle the machine.
  expect(performance.now() - begin).toBeLessThan(15_000);
  const events = ["events", "--stream=false", "--since", "5m", "--filter", "event=remove"];
  expect(await box.ok([...events, "--filter", "container=deaf1", "--format", "{{.Name}}"])).toBe("deaf1");
}, 60_000);

test("under the name docker rm -f kills at once, and commit takes a message", async () => {
  const docker = join(box.directory, "docker");
  symlinkSync(KELP, docker);
  const call = (...args: string[]) => run(docker, args, { env: box.env });
  await box.ok(["run", "-d", "--name", "deaf", BUSYBOX, "sleep", "1000"]);
  expect(await call("commit", "-m", "words", "-a", "me", "deaf", "committed:1")).toMatchObject({ code: 0 });
  expect(await call("history", "--format", "{{.Comment}}", "committed:1")).toMatchObject({
    stdout: expect.stringMatching(/^words\n/),
  });
  // With podman's ten seconds there is a warning of the signal that did not help.
  expect(await call("rm", "-f", "deaf")).toEqual({ code: 0, stdout: "deaf\n", stderr: "" });
  await box.ok(["rmi", "committed:1"]);
});

test("restart starts a --rm container again, with its files; its own end removes it", async () => {
  const script = "date +%N >>/lives; exec sleep 100";
  await box.ok(["run", "-d", "--rm", "--name", "brief", BUSYBOX, "sh", "-c", script]);
  const first = await field("brief", "{{.State.Pid}}");
  const written = async (lives: number) => {
    while ((await box.kelp(["exec", "brief", "grep", "-sc", "", "/lives"])).stdout !== `${lives}\n`)
      await Bun.sleep(20);
  };
  for (const time of [0, 1]) {
    await written(time + 1);
    expect(await box.kelp(["restart", "--time", String(time), "brief"])).toMatchObject({
      code: 0,
      stdout: "brief\n",
    });
  }
  await written(3);
  expect(await field("brief", "{{.State.Status}}")).toBe("running");
  expect(await field("brief", "{{.State.Pid}}")).not.toBe(first);
  await box.ok(["stop", "--time", "0", "brief"]);
  expect((await box.kelp(["container", "exists", "brief"])).code).toBe(1);
});

test("rm of a running container needs --force; of a missing one it exits with 1", async () => {
  const id = await box.ok(["run", "-d", "--name", "busy", BUSYBOX, "sleep", "100"]);
  const refused = await box.kelp(["rm", "busy"]);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toStartWith(`Error: cannot remove container ${id} as it is running`);
  expect(await box.ok(["rm", "--force", "--time", "0", "busy"])).toBe("busy");
  expect((await box.kelp(["rm", "nobody"])).code).toBe(1);
  expect((await box.kelp(["rm", "--force", "nobody"])).code).toBe(0);
});

test("several names at once: what exists is done, every failure is told", async () => {
  await box.ok(["create", "--name", "one", BUSYBOX, "true"]);
  const { code, stdout, stderr } = await box.kelp(["rm", "missing1", "one", "missing2"]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "one\n" });
  expect(stderr.match(/no such container/g)).toHaveLength(2);
});

test("stop asks, waits, kills and says so; the exit code is the signal's", async () => {
  await box.ok(["run", "-d", "--name", "deaf", BUSYBOX, "sleep", "100"]);
  const { stdout, stderr } = await box.kelp(["stop", "--time", "1", "deaf"]);
  expect(stdout).toBe("deaf\n");
  expect(stderr).toContain(
    "StopSignal SIGTERM failed to stop container deaf in 1 seconds, resorting to SIGKILL",
  );
  expect(await field("deaf", "{{.State.ExitCode}} {{.State.StoppedByUser}}")).toBe("137 true");
  await box.ok(["rm", "deaf"]);
});

test("kill sends any signal, and refuses a container that has ended", async () => {
  const script = "trap 'echo got usr1; exit 5' USR1; echo ready; while :; do sleep 0.1; done";
  await box.ok(["run", "-d", "--name", "ears", BUSYBOX, "sh", "-c", script]);
  while ((await box.ok(["logs", "ears"])) !== "ready") await Bun.sleep(20);
  await box.ok(["kill", "--signal", "USR1", "ears"]);
  expect(await box.ok(["wait", "ears"])).toBe("5");
  expect(await box.ok(["logs", "ears"])).toBe("ready\ngot usr1");
  expect((await box.kelp(["kill", "ears"])).stderr).toContain("can only kill running containers");
  await box.ok(["rm", "ears"]);
});

test("exec runs beside the first process, with its own status, user and directory", async () => {
  await box.ok(["run", "-d", "--name", "host", "-e", "A=1", BUSYBOX, "sleep", "100"]);
  expect(await box.ok(["exec", "host", "sh", "-c", "echo $A $(pwd)"])).toBe("1 /");
  expect((await box.kelp(["exec", "host", "sh", "-c", "exit 7"])).code).toBe(7);
  expect((await box.kelp(["exec", "host", "/no/such"])).code).toBe(127);
  expect(
    await box.ok([
      "exec",
      "--user",
      "100",
      "--workdir",
      "/tmp",
      "-e",
      "B=2",
      "host",
      "sh",
      "-c",
      "echo $(id -u) $(pwd) $B",
    ]),
  ).toBe("100 /tmp 2");
  expect((await box.kelp(["exec", "-i", "host", "cat"], { stdin: "in\n" })).stdout).toBe("in\n");
  expect(await box.ok(["top", "host", "pid", "comm"])).toMatch(/^PID +COMMAND\n1 +sleep$/);
  await box.ok(["rm", "--force", "--time", "0", "host"]);
  expect((await box.kelp(["exec", "host", "true"])).code).toBe(125);
});

test("kill -9 of a monitor ends the container, and the next command knows", async () => {
  await box.ok(["run", "-d", "--name", "orphan", BUSYBOX, "sleep", "100"]);
  const [monitor, pid] = (await field("orphan", "{{.State.ConmonPid}} {{.State.Pid}}"))
    .split(" ")
    .map(Number);
  process.kill(monitor!, "SIGKILL");
  for (
    let tries = 0;
    tries < 100 && Bun.file(`/proc/${pid}/stat`).size >= 0 && (await isAlive(pid!));
    tries++
  )
    await Bun.sleep(10);
  expect(await field("orphan", "{{.State.Status}} {{.State.ExitCode}}")).toBe("exited 137");
  expect(await box.ok(["start", "orphan"])).toBe("orphan");
  await box.ok(["rm", "--force", "--time", "0", "orphan"]);
});

async function isAlive(pid: number): Promise<boolean> {
  try {
    return !/^State:\s+[ZX]/m.test(await Bun.file(`/proc/${pid}/status`).text());
  } catch {
    return false;
  }
}

test("ps shows columns, templates, JSON and filters as podman does", async () => {
  const id = await box.ok(["run", "-d", "--name", "seen", "--label", "k=v", BUSYBOX, "sleep", "100"]);
  await box.ok(["run", "--name", "past", BUSYBOX, "true"]);
  expect(
    await box.ok(["ps", "--no-trunc", "--format", "{{.ID}} {{.Image}} {{.Command}} {{.Names}} {{.State}}"]),
  ).toBe(`${id} ${BUSYBOX} sleep 100 seen running`);
  expect((await box.ok(["ps"])).split("\n")[1]).toMatch(
    new RegExp(`^${id.slice(0, 12)} +${BUSYBOX} +sleep 100 +.*Up .* seen$`),
  );
  expect(await box.ok(["ps", "--all", "--filter", "status=exited", "--format", "{{.Names}}"])).toBe("past");
  expect(await box.ok(["ps", "--filter", "label=k=v", "--filter", "name=^se", "--quiet"])).toBe(
    id.slice(0, 12),
  );
  const [first] = JSON.parse(await box.ok(["ps", "--format", "json"]));
  expect(first).toMatchObject({ Id: id, Names: ["seen"], State: "running", Labels: { k: "v" } });
  await box.ok(["rm", "--all", "--force", "--time", "0"]);
});

test("volumes: made when named, filled from nothing, kept, and removed with their users", async () => {
  await box.ok(["run", "--rm", "-v", "data:/data", BUSYBOX, "sh", "-c", "echo kept >/data/file"]);
  expect(await box.ok(["run", "--rm", "-v", "data:/data", BUSYBOX, "cat", "/data/file"])).toBe("kept");
  expect(await box.ok(["volume", "ls", "--quiet"])).toBe("data");
  expect(await box.ok(["volume", "prune", "--force"])).toBe("");
  await box.ok(["create", "--name", "user", "-v", "data:/data", BUSYBOX, "true"]);
  expect((await box.kelp(["volume", "rm", "data"])).code).toBe(2);
  await box.ok(["rm", "user"]);
  expect(await box.ok(["volume", "rm", "data"])).toBe("data");
  expect((await box.kelp(["volume", "rm", "data"])).code).toBe(1);
});

test("inspect names what exec runs in a container now, and nothing that the container left behind", async () => {
  const orphan = "(sleep 100 &) ; exec sleep 100";
  await box.ok(["run", "-d", "--name", "busy2", BUSYBOX, "sh", "-c", orphan]);
  const ids = async () => JSON.parse(await field("busy2", "{{json .ExecIDs}}")) as string[];
  expect(await ids()).toEqual([]);
  await box.ok(["exec", "-d", "busy2", "sleep", "31"]);
  await box.ok(["exec", "-d", "busy2", "sh", "-c", "sleep 32; true"]);
  const [first, second] = await ids();
  expect(first).toMatch(/^[0-9a-f]{64}$/);
  expect(await ids()).toEqual([first!, second!]);
  await box.ok([
    "exec",
    "busy2",
    "sh",
    "-c",
    "kill $(ps -o pid,args | awk '/sleep 3[12]/ && !/awk/ { print $1 }')",
  ]);
  for (let attempt = 0; attempt < 100 && (await ids()).length > 0; attempt++) await Bun.sleep(50);
  expect(await ids()).toEqual([]);
  await box.ok(["rm", "--force", "--time", "0", "busy2"]);
});
