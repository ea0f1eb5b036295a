/** What goes wrong around containers that nobody looks after costs them alone: checks that hang or flood, loops, a machine without systemd or a journal. */
import { beforeAll, describe, expect } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, busyboxArchive, requires, until, useSandbox } from "../support/index.ts";

const box = useSandbox("063-service-faults");
const { test } = requires("overlay");
const field = (name: string, format: string) => box.ok(["inspect", "--format", format, name]);
const sh = (script: string) => [BUSYBOX, "sh", "-c", script];

beforeAll(async () => void (await box.ok(["load", "-q", "-i", await busyboxArchive()])));

/** Of a container's monitor: what it has used of the processor, and its memory, in milliseconds and kilobytes. */
async function monitorCosts(name: string): Promise<{ cpu: number; memory: number }> {
  const proc = join("/proc", await field(name, "{{.State.ConmonPid}}"));
  const after = readFileSync(join(proc, "stat"), "utf8").split(") ")[1]!.split(" ");
  const memory = Number(/^Pss:\s+(\d+)/m.exec(readFileSync(join(proc, "smaps_rollup"), "utf8"))?.[1]);
  return { cpu: (Number(after[11]) + Number(after[12])) * 10, memory };
}

describe("a health check", () => {
  const checked = (name: string, command: string, ...more: string[]) =>
    box.ok([
      ...["run", "-d", "--name", name, "--health-cmd", command, "--health-interval", "50ms"],
      ...["--health-timeout", "1s", ...more, ...sh("trap 'exit 0' TERM; while :; do sleep 0.1; done")],
    ]);
  const results = async (name: string) =>
    JSON.parse(await field(name, "{{json .State.Health.Log}}")) as { ExitCode: number; Output: string }[];

  test("that hangs is ended with everything it started, and does not pile up", async () => {
    await checked("hangs", "setsid sleep 77 & timeout 77 sleep 77 & sleep 77", "--health-retries", "2");
    expect(await box.ok(["wait", "--condition", "unhealthy", "hangs"])).toBe("-1");
    await until("three results", async () => (await results("hangs")).length >= 3);
    expect((await results("hangs")).every(({ ExitCode }) => ExitCode !== 0)).toBe(true);
    const commands = (await box.ok(["exec", "hangs", "ps", "-o", "args"])).split("\n");
    // One check may run at the moment: its shell, three sleeps and `timeout`.
    expect(commands.filter((command) => command.includes("77")).length).toBeLessThanOrEqual(5);
    expect(await field("hangs", "{{.State.Status}} {{.State.Health.Status}}")).toBe("running unhealthy");
    await box.ok(["rm", "-f", "-t", "0", "hangs"]);
  });

  test("that floods costs bounded memory and a bounded log, and its container goes on", async () => {
    await checked("floods", "yes flood", "--health-max-log-count", "3", "--health-max-log-size", "100");
    await until("four results", async () =>
      existsSync(join(logDirectory(await field("floods", "{{.Id}}")), "health.log.1")),
    );
    const found = await results("floods");
    expect(found.length).toBeLessThanOrEqual(3);
    for (const { Output } of found) expect(Output.length).toBeLessThanOrEqual(100);
    const directory = logDirectory(await field("floods", "{{.Id}}"));
    for (const name of ["health.log", "health.log.1"])
      expect(statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0).toBeLessThan(1024);
    expect((await monitorCosts("floods")).memory).toBeLessThan(1024);
    expect(await box.ok(["exec", "floods", "echo", "alive"])).toBe("alive");
    await box.ok(["rm", "-f", "-t", "0", "floods"]);
  });

  const logDirectory = (id: string) => join(box.env.XDG_DATA_HOME!, "kelp/containers", id);
});

describe("a container that ends again and again", () => {
  test("is started after longer and longer pauses, at next to no cost, and is shown as what it is", async () => {
    await box.ok(["run", "-d", "--name", "loop", "--restart", "always", ...sh("exit 3")]);
    await until("some restarts", async () => Number(await field("loop", "{{.RestartCount}}")) >= 4);
    await until("a pause", async () => (await field("loop", "{{.State.Status}}")) === "restarting");
    const first = Number(await field("loop", "{{.RestartCount}}"));
    await Bun.sleep(2_000);
    // The pause is above a second by then.
    expect(Number(await field("loop", "{{.RestartCount}}"))).toBeLessThanOrEqual(first + 2);
    expect((await monitorCosts("loop")).cpu).toBeLessThan(500);
    const events = await box.ok([
      "events",
      "--stream=false",
      "--filter",
      "container=loop",
      "--format",
      "{{.Status}}",
    ]);
    const count = Number(await field("loop", "{{.RestartCount}}"));
    expect(events.split("\n").filter((status) => status === "died").length).toBeLessThanOrEqual(count + 1);
    await box.ok(["rm", "-f", "-t", "0", "loop"]);
  });

  test("does not let the log of events grow without bound", async () => {
    const path = join(box.directory, "few.events");
    const conf = join(box.directory, "few.conf");
    await Bun.write(conf, `[engine]\nevents_logfile_path = "${path}"\nevents_logfile_max_size = "4k"\n`);
    const env = { CONTAINERS_CONF_OVERRIDE: conf };
    const health = ["--health-cmd", "true", "--health-interval", "10ms"];
    const { code } = await box.kelp(["run", "-d", "--name", "chatty", ...health, ...sh("sleep 600")], {
      env,
    });
    expect(code).toBe(0);
    const size = (name: string) => statSync(name, { throwIfNoEntry: false })?.size ?? 0;
    await until("that it is put aside", async () => size(`${path}.1`) > 0);
    await until("that it is put aside again", async () => size(path) < 1024);
    await until("that it grows", async () => size(path) > 1024);
    expect(size(path) + size(`${path}.1`)).toBeLessThan(20_000);
    await box.ok(["rm", "-f", "-t", "0", "chatty"]);
  });
});

describe("without systemd and without a journal", () => {
  /** Where one runs it is out of reach without its sockets. */
  const env = { XDG_RUNTIME_DIR: box.env.XDG_RUNTIME_DIR!, DBUS_SESSION_BUS_ADDRESS: "" };
  const { test: absent } = requires("overlay", "subuid");
  const updated = [
    ...["--label", "io.containers.autoupdate=registry", "--label", "PODMAN_SYSTEMD_UNIT=shop.service"],
    "localhost:1/shop:latest",
  ];

  absent("auto-update says what it needs before it pulls anything", async () => {
    await box.ok(["tag", BUSYBOX, "localhost:1/shop:latest"]);
    await box.ok(["run", "-d", "--name", "shop", ...updated, "sleep", "600"]);
    const { code, stdout, stderr } = await box.kelp(["auto-update"], { env });
    expect({ code, stdout }).toEqual({ code: 125, stdout: "" });
    expect(stderr).toMatch(
      /^Error: cannot restart unit shop.service: (systemctl is not installed|Failed to connect to bus: .*)\nHint: units need the user's own systemd \(kelp doctor user-session\)\n$/,
    );
    await box.ok(["rm", "-f", "-t", "0", "shop"]);
  });

  absent("quadlets are installed, listed and removed, and it is said when they start", async () => {
    const file = join(box.directory, "poor.container");
    await Bun.write(file, `[Container]\nImage=${BUSYBOX}\n`);
    expect(await box.kelp(["quadlet", "install", file], { env })).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("the units are written, "),
    });
    expect(await box.kelp(["quadlet", "list", "--format", "{{.Name}} {{.Status}}"], { env })).toMatchObject({
      code: 0,
      stdout: "poor.container Not loaded\n",
    });
    expect((await box.kelp(["quadlet", "rm", "poor.container"], { env })).code).toBe(0);
  });

  const journal = existsSync("/run/systemd/journal/socket");
  absent("a log that was to go to the journal is refused, or as a mere default kept in a file", async () => {
    if (journal) return; // 064-journal has the other case
    expect(await box.kelp(["run", "--rm", "--log-driver", "journald", BUSYBOX, "true"])).toEqual({
      code: 125,
      stdout: "",
      stderr:
        "Error: cannot log to journald: there is no journal on this machine\nHint: --log-driver k8s-file keeps the log in a file\n",
    });
    const conf = join(box.directory, "journal.conf");
    await Bun.write(conf, '[containers]\nlog_driver = "journald"\n');
    const made = await box.kelp(["run", "--name", "filed", ...sh("echo hi")], {
      env: { CONTAINERS_CONF_OVERRIDE: conf },
    });
    expect(made).toMatchObject({
      code: 0,
      stdout: "hi\n",
      stderr: expect.stringContaining("the log is kept in a file"),
    });
    expect(await box.ok(["logs", "filed"])).toBe("hi");
    await box.ok(["rm", "filed"]);
    const events = await box.kelp(["--events-backend", "journald", "events", "--stream=false"]);
    expect(events).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("there is no journal here: events are kept in"),
    });
  });
});

describe("options of the log", () => {
  test("max-file says how many files there are, and what cannot be honoured is refused", async () => {
    const rotated = ["--log-opt", "max-size=2k", "--log-opt", "max-file=3"];
    await box.ok(["run", "--name", "files", ...rotated, ...sh("seq 1 500")]);
    const path = await field("files", "{{.HostConfig.LogConfig.Path}}");
    expect([path, `${path}.1`, `${path}.2`, `${path}.3`].map((name) => existsSync(name))).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect((await box.ok(["logs", "--tail", "2", "files"])).split("\n")).toEqual(["499", "500"]);
    await box.ok(["rm", "files"]);
    for (const [option, words] of [
      ["max-file=0", "is no number from 1 to 99"],
      ["label=A=b", "the log option label is for journald"],
      ["tag={{.Name}}", "the log option tag cannot be a template"],
      ["nonsense=1", 'invalid log option "nonsense"'],
    ] as const) {
      const refused = await box.kelp(["create", "--log-opt", option, BUSYBOX]);
      expect({ option, ...refused }).toMatchObject({
        code: 125,
        stdout: "",
        stderr: expect.stringContaining(words),
      });
    }
  });
});
