/** What `update` changes in a container that runs: its restart policy and its health check. */
import { expect } from "bun:test";
import { BUSYBOX, busyboxArchive, requires, until, useSandbox } from "../support/index.ts";

const box = useSandbox("062-update");
const { test } = requires("overlay");
const field = (name: string, format: string) => box.ok(["inspect", "--format", format, name]);
const sh = (script: string) => [BUSYBOX, "sh", "-c", script];
/** Lives until its file is made, which every life removes. */
const LIVES = "rm -f /end; until test -e /end; do sleep 0.05; done; exit 3";

const runsAgain = (name: string, restarts: number) =>
  until(
    `restart ${restarts} of ${name}`,
    async () => (await field(name, "{{.RestartCount}} {{.State.Status}}")) === `${restarts} running`,
  );

test("the image is loaded", async () => {
  await box.ok(["load", "--input", await busyboxArchive()]);
});

test("a restart policy holds for the process that runs, and another one after it", async () => {
  const secret = ["secret", "create", "s062", "-"];
  await box.ok(secret, { stdin: "hush" });
  await box.ok([
    "run",
    "-d",
    "--name",
    "p",
    "--secret",
    "s062,type=env,target=S",
    ...sh(`echo $S; ${LIVES}`),
  ]);
  await box.ok(["update", "--restart", "on-failure:3", "p"]);
  for (const life of [1, 2]) {
    await box.ok(["exec", "p", "touch", "/end"]);
    await runsAgain("p", life);
  }
  await box.ok(["update", "--restart", "no", "p"]);
  await box.ok(["exec", "p", "touch", "/end"]);
  await until("its end", async () => (await field("p", "{{.State.Status}}")) === "exited");
  expect(await field("p", "{{.RestartCount}} {{.State.ExitCode}} {{.HostConfig.RestartPolicy.Name}}")).toBe(
    "2 3 no",
  );
  expect(await box.ok(["logs", "p"])).toBe("hush\nhush\nhush");
  await box.ok(["rm", "p"]);
});

test("restarts so far count for the new policy", async () => {
  await box.ok(["run", "-d", "--name", "c", "--restart", "always", ...sh(LIVES)]);
  await box.ok(["exec", "c", "touch", "/end"]);
  await runsAgain("c", 1);
  await box.ok(["update", "--restart", "on-failure:1", "c"]);
  await box.ok(["exec", "c", "touch", "/end"]);
  await until("its end", async () => (await field("c", "{{.State.Status}}")) === "exited");
  expect(await field("c", "{{.RestartCount}}")).toBe("1");
  await box.ok(["rm", "c"]);
});

test("a policy is refused where it cannot hold, and nothing is recorded", async () => {
  await box.ok(["run", "-d", "--rm", "--name", "r", BUSYBOX, "sleep", "100"]);
  const { code, stderr } = await box.kelp(["update", "--restart", "always", "r"]);
  expect(code).toBe(125);
  expect(stderr).toStartWith("Error: cannot set --restart always of container r: it was made with --rm");
  expect(await field("r", "{{.HostConfig.RestartPolicy.Name}}")).toBe("no");
  await box.ok(["kill", "r"]);
});

test("a health check is given, changed and taken away", async () => {
  const status = () => field("h", "{{.State.Health.Status}}");
  await box.ok(["run", "-d", "--name", "h", "--user", "65534", ...sh("touch /tmp/well; exec sleep 100")]);
  await box.ok(["update", "--health-cmd", "id -u; test -e /tmp/well", "--health-interval", "100ms", "h"]);
  await until("health", async () => (await status()) === "healthy");
  expect(await field("h", "{{(index .State.Health.Log 0).Output}}")).toContain("65534");
  await box.ok(["exec", "h", "rm", "/tmp/well"]);
  await box.ok(["update", "--health-retries", "1", "--health-interval", "50ms", "h"]);
  await until("illness", async () => (await status()) === "unhealthy");
  for (const action of ["stop", "none"]) {
    await box.ok(["update", "--health-on-failure", action, "--health-interval", "1h", "h"]);
    expect(await field("h", "{{.Config.HealthcheckOnFailureAction}}")).toBe(action);
  }
  await box.ok(["update", "--no-healthcheck", "h"]);
  const { code, stderr } = await box.kelp(["healthcheck", "run", "h"]);
  expect({ code, stderr }).toEqual({
    code: 125,
    stderr: expect.stringContaining("has no defined healthcheck"),
  });
  await box.ok(["rm", "--force", "--time", "0", "h"]);
});

test("an unhealthy --rm container gets another process, if it was made for that", async () => {
  const checked = ["--health-cmd", "test ! -e /ill", "--health-interval", "100ms", "--health-retries", "1"];
  const ill = "rm -f /ill; trap 'exit 0' TERM; while :; do sleep 0.05; done";
  const flags = ["run", "-d", "--rm", "--name", "i", ...checked];
  await box.ok([...flags, "--health-on-failure", "restart", ...sh(ill)]);
  await box.ok(["exec", "i", "touch", "/ill"]);
  await runsAgain("i", 1);
  await box.ok(["kill", "i"]);
  await box.ok([...flags, ...sh(ill)]);
  const { code, stderr } = await box.kelp(["update", "--health-on-failure", "restart", "i"]);
  expect(code).toBe(125);
  expect(stderr).toStartWith(
    "Error: cannot apply --health-on-failure restart to the running container i: it was made with --rm",
  );
  await box.ok(["kill", "i"]);
});

test("a monitor's memory does not grow with the number of changes", async () => {
  await box.ok(["run", "-d", "--name", "m", BUSYBOX, "sleep", "100"]);
  const monitor = await field("m", "{{.State.ConmonPid}}");
  const size = async () =>
    Number(/^VmData:\s+(\d+)/m.exec(await Bun.file(`/proc/${monitor}/status`).text())![1]);
  const change = (retries: number) => box.ok(["update", "--restart", `on-failure:${retries}`, "m"]);
  await change(1);
  const before = await size();
  for (const retries of [2, 3, 4, 5]) await change(retries);
  expect((await size()) - before).toBeLessThan(16);
  await box.ok(["rm", "--force", "--time", "0", "m"]);
});
