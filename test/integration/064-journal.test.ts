/** Logs and events in the journal: what is sent there, and what is read back. */
import { beforeAll, describe, expect } from "bun:test";
import { BUSYBOX, busyboxArchive, requires, run, until, useSandbox } from "../support/index.ts";

const box = useSandbox("064-journal");
const { test } = requires("journal", "overlay");
beforeAll(async () => void (await box.ok(["load", "-q", "-i", await busyboxArchive()])));

const sh = (script: string) => [BUSYBOX, "sh", "-c", script];
const LOGGED = ["--log-driver", "journald"];

/** What the journal itself has of a container, by field. */
async function entries(id: string): Promise<Record<string, string>[]> {
  const words = ["--quiet", "--no-pager", "--output=json", `CONTAINER_ID_FULL=${id}`];
  const { stdout } = await run("journalctl", words, { env: box.env });
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, string>);
}

describe("a log in the journal", () => {
  test("has each line as an entry with its container, its priority and its tag", async () => {
    const id = await box.ok([
      "create",
      "--name",
      "plain",
      ...LOGGED,
      ...sh("echo out; echo err >&2; printf cut"),
    ]);
    await box.kelp(["start", "--attach", "plain"]);
    await until("three entries", async () => (await entries(id)).length === 3);
    const fields = ({
      MESSAGE,
      PRIORITY,
      CONTAINER_NAME,
      CONTAINER_ID,
      SYSLOG_IDENTIFIER,
    }: Record<string, string>) =>
      [MESSAGE, PRIORITY, CONTAINER_NAME, CONTAINER_ID, SYSLOG_IDENTIFIER].join(" ");
    expect((await entries(id)).map(fields).sort()).toEqual(
      ["cut 6", "err 3", "out 6"].map((text) => `${text} plain ${id.slice(0, 12)} plain`),
    );
    const tagged = await box.ok(["run", "-d", ...LOGGED, "--log-opt", "tag=shop", ...sh("echo hi")]);
    await until("its entry", async () => (await entries(tagged)).length === 1);
    expect((await entries(tagged))[0]).toMatchObject({ CONTAINER_TAG: "shop", SYSLOG_IDENTIFIER: "shop" });
    await box.ok(["rm", "-f", "plain", tagged]);
  });

  test("is read back by stream, time and number, with names", async () => {
    await box.ok([
      "run",
      "--name",
      "read",
      ...LOGGED,
      ...sh("for i in 1 2 3 4; do echo $i; done; echo e >&2"),
    ]);
    await until("all lines", async () => (await box.kelp(["logs", "read"])).stderr === "e\n");
    expect(await box.kelp(["logs", "read"])).toMatchObject({
      code: 0,
      stdout: "1\n2\n3\n4\n",
      stderr: "e\n",
    });
    expect(await box.ok(["logs", "--since", "1h", "read"])).toBe("1\n2\n3\n4");
    expect(await box.kelp(["logs", "--until", "2020-01-01T00:00:00Z", "read"])).toMatchObject({
      code: 0,
      stdout: "",
      stderr: "",
    });
    const timed = await box.ok(["logs", "--timestamps", "read"]);
    expect(timed).toMatch(/^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}\+00:00 \d\n?){4}$/);
    await box.ok(["rm", "read"]);
  });

  test("is followed right across a restart, to its container's end", async () => {
    const script =
      "n=$(cat /n 2>/dev/null || echo 0); echo $((n + 1)) >/n; echo life $((n + 1)); sleep 0.5; exit 1";
    await box.ok(["run", "-d", "--name", "lives", "--restart", "on-failure:2", ...LOGGED, ...sh(script)]);
    const { code, stdout } = await box.kelp(["logs", "--follow", "lives"], { timeout: 60_000 });
    expect({ code, stdout }).toEqual({ code: 0, stdout: "life 1\nlife 2\nlife 3\n" });
    await box.ok(["rm", "lives"]);
  });

  test("of a container that has been removed is not taken for that of another of its name", async () => {
    await box.ok(["run", "--name", "twin", ...LOGGED, ...sh("echo first")]);
    await box.ok(["rm", "twin"]);
    await box.ok(["run", "--name", "twin", ...LOGGED, ...sh("echo second")]);
    await until("its line", async () => (await box.ok(["logs", "twin"])) !== "");
    expect(await box.ok(["logs", "twin"])).toBe("second");
    await box.ok(["rm", "twin"]);
  });
});

describe("events in the journal", () => {
  const journal = ["--events-backend", "journald"];
  const events = (...words: string[]) => [...journal, "events", "--stream=false", "--filter", ...words];

  test("are those of the file: a life in order, with labels, status and health", async () => {
    const flags = ["--label", "of=shop", "--health-cmd", "echo well", "--health-interval", "disable"];
    const told = ["--health-log-destination", "events_logger"];
    await box.ok([
      ...journal,
      "run",
      "-d",
      "--name",
      "told",
      ...flags,
      ...told,
      ...sh("trap 'exit 17' TERM; while :; do sleep 0.1; done"),
    ]);
    await box.ok([...journal, "healthcheck", "run", "told"]);
    await box.ok([...journal, "stop", "told"]);
    await box.ok([...journal, "rm", "told"]);
    const words = events("container=told", "--format", "{{.Status}}");
    await until("the removal", async () => (await box.ok(words)).endsWith("remove"));
    expect((await box.ok(words)).split("\n")).toEqual(
      expect.arrayContaining(["create", "init", "start", "health_status", "died", "cleanup", "remove"]),
    );
    const died = ["--filter", "event=died", "--format", "{{.ContainerExitCode}} {{.Attributes.of}}"];
    expect(await box.ok(events("container=told", ...died))).toBe("17 shop");
    const health = ["--filter", "event=health_status", "--format", "{{.HealthStatus}} {{.HealthLog}}"];
    const said = (await box.ok(events("container=told", ...health))).split("\n");
    for (const line of said)
      expect(line).toMatch(/^healthy \{"Start":"[^"]*Z","End":"[^"]*Z","ExitCode":0,"Output":"well\\n"\}$/);
    expect(await box.ok(["events", "--stream=false", "--filter", "container=told"])).toBe("");
  });

  test("are followed until the time that was given", async () => {
    const following = box.kelp([
      ...journal,
      "events",
      "--until",
      "3s",
      "--format",
      "{{.Type}} {{.Status}}",
      "--filter",
      "volume=v064",
    ]);
    await Bun.sleep(1000);
    await box.ok([...journal, "volume", "create", "v064"]);
    await box.ok([...journal, "volume", "rm", "v064"]);
    expect(await following).toMatchObject({ code: 0, stdout: "volume create\nvolume remove\n", stderr: "" });
  });
});
