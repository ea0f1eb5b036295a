/** Containers that nobody looks after: started again, checked, ended in time, and what is told of it. */
import { expect } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, busyboxArchive, requires, until, useSandbox } from "../support/index.ts";

const box = useSandbox("060-unattended");
const { test } = requires("overlay");
const field = (name: string, format: string) => box.ok(["inspect", "--format", format, name]);
const sh = (script: string) => [BUSYBOX, "sh", "-c", script];

test("the image is loaded", async () => {
  await box.ok(["load", "--input", await busyboxArchive()]);
});

test("--restart on-failure starts it again with its files, as often as it may", async () => {
  await box.ok([
    "run",
    "-d",
    "--name",
    "again",
    "--restart",
    "on-failure:2",
    ...sh("echo x >>/n; wc -l </n; exit 3"),
  ]);
  await until(
    "two restarts",
    async () => (await field("again", "{{.RestartCount}} {{.State.Status}}")) === "2 exited",
  );
  expect(await box.ok(["logs", "again"])).toBe("1\n2\n3");
  expect(await field("again", "{{.State.ExitCode}}")).toBe("3");
  await box.ok(["rm", "again"]);
});

test("a container that is being started again is told as such, and stop ends it at once", async () => {
  await box.ok(["run", "-d", "--name", "loop", "--restart", "always", ...sh("exit 5")]);
  expect(await box.ok(["wait", "loop"])).toBe("5");
  await until("a pause", async () => (await field("loop", "{{.State.Status}}")) === "restarting");
  expect(await box.ok(["ps", "--filter", "name=loop", "--format", "{{.Status}}"])).toStartWith(
    "Restarting (5) ",
  );
  expect((await box.kelp(["exec", "loop", "true"])).code).toBe(125);
  expect(await box.ok(["stop", "loop"])).toBe("loop");
  expect(await field("loop", "{{.State.Status}} {{.State.StoppedByUser}}")).toBe("exited true");
  await box.ok(["rm", "loop"]);
});

test("--timeout ends it, and inspect says so with podman's number", async () => {
  const { code } = await box.kelp(["run", "--name", "late", "--timeout", "1", ...sh("sleep 60")]);
  expect(code).toBe(255);
  expect(await field("late", "{{.State.Status}} {{.State.ExitCode}}")).toBe("exited -1");
  await box.ok(["rm", "late"]);
});

test("start --filter restart-policy finds what is to run", async () => {
  const id = await box.ok(["create", "--name", "wanted", "--restart", "always", ...sh("sleep 60")]);
  await box.ok(["create", "--name", "other", ...sh("sleep 60")]);
  expect(await box.ok(["start", "--filter", "restart-policy=always"])).toBe(id);
  expect(await box.ok(["ps", "--format", "{{.Names}}"])).toBe("wanted");
  await box.ok(["rm", "--force", "--time", "0", "wanted", "other"]);
});

test("a health check runs in the container, and its word is found everywhere", async () => {
  await box.ok([
    ...["run", "-d", "--name", "sick", "--health-cmd", "test ! -e /sick || { echo ill; exit 1; }"],
    ...["--health-interval", "200ms", "--health-retries", "2", ...sh("sleep 60")],
  ]);
  expect(await box.ok(["wait", "--condition", "healthy", "sick"])).toBe("-1");
  expect(await box.ok(["ps", "--format", "{{.Status}}"])).toEndWith("(healthy)");
  expect(await box.kelp(["healthcheck", "run", "sick"])).toMatchObject({ code: 0, stdout: "" });
  await box.ok(["exec", "sick", "touch", "/sick"]);
  await box.ok(["wait", "--condition", "unhealthy", "sick"]);
  expect(await box.kelp(["healthcheck", "run", "sick"])).toMatchObject({ code: 1, stdout: "unhealthy\n" });
  const log = await field("sick", "{{range .State.Health.Log}}{{.ExitCode}} {{.Output}}{{end}}");
  expect(log).toEndWith("1 ill\n");
  expect(await box.ok(["ps", "--filter", "health=unhealthy", "--format", "{{.Names}}"])).toBe("sick");
  const events = [
    "events",
    "--stream=false",
    "--filter",
    "container=sick",
    "--filter",
    "event=health_status",
  ];
  const words = await box.ok([...events, "--format", "{{.HealthStatus}}"]);
  expect([...new Set(words.split("\n"))]).toEqual(["healthy", "unhealthy"]);
  await box.ok(["rm", "--force", "--time", "0", "sick"]);
});

test("events tell what a check has said where that is asked for, and no longer once it is not", async () => {
  const check = `printf 'quote " back \\\\ tab \\t end\\n'; exit 4`;
  await box.ok([
    ...["run", "-d", "--name", "talks", "--health-cmd", check, "--health-interval", "disable"],
    ...["--health-log-destination", "events_logger", ...sh("sleep 60")],
  ]);
  expect(await field("talks", "{{.Config.HealthLogDestination}}")).toBe("events_logger");
  await box.kelp(["healthcheck", "run", "talks"]);
  const filters = ["--filter", "container=talks", "--filter", "event=health_status"];
  const events = (...words: string[]) => box.ok(["events", "--stream=false", ...filters, ...words]);
  const result = JSON.parse(await events("--format", "{{.HealthLog}}"));
  expect(result).toMatchObject({ ExitCode: 4, Output: 'quote " back \\ tab \t end\n' });
  expect(Date.parse(result.End)).toBeGreaterThanOrEqual(Date.parse(result.Start));
  expect(JSON.parse(JSON.parse(await events("--format", "json")).health_log)).toEqual(result);
  expect(await events()).toContain(`, health_log={"Start":"${result.Start}"`);
  // It is where it is without that as well.
  expect(await field("talks", "{{range .State.Health.Log}}{{.ExitCode}}{{end}}")).toBe("4");

  await box.ok(["update", "--health-log-destination", "local", "talks"]);
  await box.kelp(["healthcheck", "run", "talks"]);
  expect((await events("--format", "[{{.HealthLog}}]")).split("\n").at(-1)).toBe("[]");
  await box.ok(["rm", "--force", "--time", "0", "talks"]);
});

test("an unhealthy container is started again, with its network, if it is asked for", async () => {
  await box.ok([
    ...["run", "-d", "--name", "phoenix", "--health-cmd", "false", "--health-interval", "disable"],
    ...["--health-retries", "1", "--health-on-failure", "restart", "--stop-timeout", "1", ...sh("sleep 60")],
  ]);
  expect((await box.kelp(["healthcheck", "run", "phoenix"])).code).toBe(1);
  expect(await field("phoenix", "{{.RestartCount}} {{.State.Status}}")).toBe("1 running");
  expect(await box.ok(["exec", "phoenix", "echo", "alive"])).toBe("alive");
  await box.ok(["rm", "--force", "--time", "0", "phoenix"]);
});

test("wait for health ends with an error where health can never come", async () => {
  const wait = async (name: string) => box.kelp(["wait", "--condition", "healthy", name]);
  await box.ok(["run", "-d", "--name", "plain", ...sh("sleep 60")]);
  expect(await wait("plain")).toEqual({
    code: 125,
    stdout: "",
    stderr: "Error: cannot wait for health: container plain has no healthcheck\n",
  });
  const check = ["--health-cmd", "false", "--health-interval", "1h", "--health-start-period", "1h"];
  await box.ok(["run", "-d", "--name", "dies", ...check, ...sh("sleep 0.5; exit 3")]);
  expect(await wait("dies")).toEqual({
    code: 125,
    stdout: "",
    stderr:
      "Error: container dies is not running: it ended with status 3 and its health is checked no more\n",
  });
  const never = ["--health-cmd", "false", "--health-interval", "1h", "--health-start-period", "1h"];
  await box.ok(["run", "-d", "--name", "leaves", ...never, ...sh("sleep 60")]);
  const [waited] = await Promise.all([wait("leaves"), box.ok(["rm", "--force", "--time", "0", "leaves"])]);
  expect(waited).toMatchObject({ code: 125, stdout: "" });
  await box.ok(["rm", "--force", "--time", "0", "plain", "dies"]);
});

test("without a check, or with --no-healthcheck, there is nothing to run", async () => {
  await box.ok(["run", "-d", "--name", "unchecked", "--no-healthcheck", ...sh("sleep 60")]);
  expect((await box.kelp(["healthcheck", "run", "unchecked"])).stderr).toContain(
    "has no defined healthcheck",
  );
  await box.ok(["rm", "--force", "--time", "0", "unchecked"]);
});

test("events tell a container's life in order, with its labels and its status", async () => {
  await box.kelp(["run", "--rm", "--name", "told", "--label", "l=a b", ...sh("exit 17")]);
  const events = (...words: string[]) =>
    box.ok(["events", "--stream=false", "--filter", "container=told", ...words]);
  const life = ["create", "init", "start", "attach", "died", "cleanup", "remove"];
  expect(await events("--format", "{{.Status}}")).toBe(life.join("\n"));
  const died = await events("--filter", "event=die", "--format", "{{.ContainerExitCode}} {{.Attributes.l}}");
  expect(died).toBe("17 a b");
  expect(await events("--filter", "event=start")).toMatch(
    / container start [0-9a-f]{64} \(image=.*, name=told, l=a b\)$/,
  );
  expect((await box.kelp(["events", "--since", "the dawn of time"])).stderr).toContain(
    "failed to parse event filters",
  );
});

test("the removal of a --rm container is told of once, whoever ends it", async () => {
  await box.ok(["run", "-d", "--rm", "--name", "once", ...sh("sleep 60")]);
  await box.ok(["rm", "--force", "--time", "0", "once"]);
  const words = ["events", "--stream=false", "--filter", "container=once", "--format", "{{.Status}}"];
  expect((await box.ok(words)).split("\n").filter((word) => word === "remove")).toEqual(["remove"]);
});

test("with the log driver passthrough output is the caller's own, and there is no log", async () => {
  const done = await box.kelp([
    "run",
    "--name",
    "through",
    "--log-driver",
    "passthrough",
    ...sh("echo out; echo err >&2"),
  ]);
  expect(done).toMatchObject({ code: 0, stdout: "out\n", stderr: "err\n" });
  expect((await box.kelp(["logs", "through"])).stderr).toContain("using the 'passthrough' log driver");
  await box.ok(["rm", "through"]);
});

test("json-file is podman's name for its own file format", async () => {
  await box.ok(["run", "--name", "json", "--log-driver", "json-file", ...sh("echo hi")]);
  const path = await field("json", "{{.HostConfig.LogConfig.Path}}");
  expect(readFileSync(path, "utf8")).toMatch(/^\S+ stdout F hi\n$/);
  await box.ok(["rm", "json"]);
  expect(existsSync(join(path))).toBe(false);
});

test("SIGTERM to its monitor ends it as stop would, for good, and its run knows how", async () => {
  const flags = ["--name", "told", "--restart", "always", "--stop-timeout", "1"];
  await box.ok(["run", "-d", ...flags, ...sh("trap 'exit 7' TERM; while :; do sleep 0.05; done")]);
  process.kill(Number(await field("told", "{{.State.ConmonPid}}")), "SIGTERM");
  expect(await box.ok(["wait", "told"])).toBe("7");
  expect(await field("told", "{{.State.Status}} {{.State.StoppedByUser}}")).toBe("exited false");
  await box.ok(["start", "told"]);
  await box.ok(["rm", "-f", "-t", "0", "told"]);
  await box.ok(["run", "-d", ...flags, BUSYBOX, "sleep", "60"]);
  process.kill(Number(await field("told", "{{.State.ConmonPid}}")), "SIGTERM");
  expect(await box.ok(["wait", "told"])).toBe("137");
  await box.ok(["rm", "told"]);
});
