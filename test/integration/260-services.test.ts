/** Containers as services of a real systemd: who is told what, where processes are, and which state a unit has. */
import { beforeAll, describe, expect } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  BUSYBOX,
  busyboxArchive,
  KELP,
  requires,
  run,
  until,
  useSandbox,
  useSystemd,
} from "../support/index.ts";

const box = useSandbox("260-services");
const needed = requires("services", "cgroup2", "overlay", "subuid");
const { test } = needed;
const systemd = useSystemd(box, needed.missing);
beforeAll(async () => void (await box.ok(["load", "-q", "-i", await busyboxArchive()])));

/** A unit of type notify around `kelp run`, with some more lines of [Service]. */
const unit = (name: string, words: string, more = "") => `[Service]
Type=notify
NotifyAccess=all
Delegate=yes
KillMode=mixed
ExecStart=${KELP} run --name ${name} --replace --rm --cgroups=split -d ${words}
ExecStop=${KELP} stop --ignore -t 1 ${name}
${more}
`;

const inUnit = (group: string) => `/sys/fs/cgroup${group}`;
/** A shell that ends at once when it is asked to. */
const OBEDIENT = `${BUSYBOX} sh -c "trap 'exit 0' TERM; while :; do sleep 0.1; done"`;

describe("a unit", () => {
  test("has the monitor as its main process, and the container inside its cgroup with its limits", async () => {
    await systemd.unit("a.service", unit("a", `--sdnotify=conmon ${OBEDIENT}`, "TasksMax=77"));
    expect(await systemd.systemctl("start", "a")).toMatchObject({ code: 0, stderr: "" });
    const pid = await systemd.property("a", "MainPID");
    expect(pid).toBe(await box.ok(["inspect", "a", "--format", "{{.State.ConmonPid}}"]));
    const group = await systemd.property("a", "ControlGroup");
    const init = await box.ok(["inspect", "a", "--format", "{{.State.Pid}}"]);
    const own = (of: string) => readFileSync(`/proc/${of}/cgroup`, "utf8").match(/^0::(.*)$/m)?.[1] ?? "";
    expect(own(init)).toStartWith(`${group}/kelp-`);
    expect(own(pid)).toBe(`${group}/runtime`);
    expect(await systemd.systemctl("stop", "a")).toMatchObject({ code: 0 });
    expect(await systemd.property("a", "ActiveState")).toBe("inactive");
    expect(await systemd.property("a", "Result")).toBe("success");
    await until("the unit's group is gone", () => !existsSync(inUnit(group)));
  });

  test("shows success, failure and a kill as what they were", async () => {
    for (const [name, script, state, result, status] of [
      ["good", "exit 0", "inactive", "success", "0"],
      ["bad", "exit 7", "failed", "exit-code", "7"],
      ["killed", "kill -KILL $$$$", "failed", "exit-code", "137"],
    ] as const) {
      await systemd.unit(
        `${name}.service`,
        unit(name, `--init --sdnotify=conmon ${BUSYBOX} sh -c "sleep 0.2; ${script}"`),
      );
      await systemd.systemctl("start", name);
      await systemd.settled(name, "ActiveState", state);
      expect([
        name,
        await systemd.property(name, "Result"),
        await systemd.property(name, "ExecMainStatus"),
      ]).toEqual([name, result, status]);
    }
  });

  test("fails when its monitor is killed, and nothing of the container goes on", async () => {
    await systemd.unit("orphan.service", unit("orphan", `--sdnotify=conmon ${OBEDIENT}`));
    await systemd.systemctl("start", "orphan");
    const init = await box.ok(["inspect", "orphan", "--format", "{{.State.Pid}}"]);
    process.kill(Number(await systemd.property("orphan", "MainPID")), "SIGKILL");
    await systemd.settled("orphan", "ActiveState", "failed");
    expect(await systemd.property("orphan", "Result")).toBe("signal");
    await until("its process is gone", () => !existsSync(`/proc/${init}`));
  });

  test("that cannot start says so", async () => {
    await systemd.unit("broken.service", unit("broken", `--sdnotify=conmon ${BUSYBOX} /no/such/program`));
    expect((await systemd.systemctl("start", "broken")).code).toBe(1);
    expect(await systemd.property("broken", "ExecMainStatus")).toBe("127");
  });
});

describe("ready", () => {
  const runs = (name: string) =>
    until(`${name} runs`, async () => (await box.kelp(["exec", name, "true"])).code === 0);
  /** The container's own word at the socket it was given: nc of busybox speaks datagrams to a path only with `local:`. */
  test("is a healthy container's unit once it is healthy", async () => {
    const words = `--sdnotify=healthy --health-cmd "test -e /tmp/well" --health-interval=200ms --health-retries=1000 ${OBEDIENT}`;
    await systemd.unit("well.service", unit("well", words));
    expect(await systemd.systemctl("start", "--no-block", "well")).toMatchObject({ code: 0 });
    await runs("well");
    expect(await systemd.property("well", "ActiveState")).toBe("activating");
    await box.ok(["exec", "well", "touch", "/tmp/well"]);
    await systemd.settled("well", "ActiveState", "active");
    await systemd.systemctl("stop", "well");
  });

  test("is said by the container itself where that is asked for, and no later than it says so", async () => {
    await systemd.unit("self.service", unit("self", OBEDIENT));
    expect(await systemd.systemctl("start", "--no-block", "self")).toMatchObject({ code: 0 });
    await runs("self");
    const environment = await box.ok(["exec", "self", "sh", "-c", "tr '\\0' '\\n' </proc/1/environ"]);
    expect(environment).toContain("NOTIFY_SOCKET=/run/notify/notify.sock\n");
    expect(await box.ok(["exec", "self", "stat", "-c", "%F %a", "/run/notify/notify.sock"])).toBe(
      "socket 666",
    );
    expect(await systemd.property("self", "ActiveState")).toBe("activating");
    await systemd.systemctl("stop", "self");
  });
});

test("sockets of a unit reach the container's first process, with its pid", async () => {
  const path = join(box.runtime, "activated");
  await systemd.unit("act.socket", `[Socket]\nListenStream=${path}\nRemoveOnStop=yes\n`);
  await systemd.unit(
    "act.service",
    unit(
      "act",
      `--init --sdnotify=conmon --network=none ${BUSYBOX} sh -c "echo $$LISTEN_FDS $$LISTEN_FDNAMES $$(test $$LISTEN_PID = $$$$ && echo mine); ls -l /proc/self/fd/3; ls /proc/self/fd; sleep 60"`,
    ),
  );
  expect(await systemd.systemctl("start", "act.socket")).toMatchObject({ code: 0 });
  expect(await systemd.systemctl("start", "act.service")).toMatchObject({ code: 0 });
  await until("its list of descriptors", async () => (await box.ok(["logs", "act"])).includes("\n4"));
  const lines = (await box.ok(["logs", "act"])).split("\n");
  expect(lines[0]).toBe("1 act.socket mine");
  expect(lines[1]).toMatch(/3 -> socket:\[\d+\]$/);
  await systemd.systemctl("stop", "act.socket", "act.service");
});

describe("generate systemd", () => {
  test("makes units that systemd accepts and that start and stop the container", async () => {
    await box.ok(["create", "--name", "gen", "-e", "ODD=a b%c $d", BUSYBOX, "sleep", "600"]);
    for (const flags of [["--new"], []]) {
      const text = await box.ok(["generate", "systemd", "--name", "--stop-timeout", "1", ...flags, "gen"]);
      const path = join(systemd.units, "gen.service");
      await systemd.unit("gen.service", text);
      const verified = await run("systemd-analyze", ["--user", "verify", path], { env: box.env });
      expect(verified).toMatchObject({ code: 0, stderr: "" });
      expect(await systemd.systemctl("start", "gen")).toMatchObject({ code: 0, stderr: "" });
      expect(await box.ok(["exec", "gen", "sh", "-c", 'echo "$ODD"'])).toBe("a b%c $d");
      expect(await systemd.property("gen", "MainPID")).toBe(
        await box.ok(["inspect", "gen", "--format", "{{.State.ConmonPid}}"]),
      );
      expect(await systemd.systemctl("stop", "gen")).toMatchObject({ code: 0 });
      expect((await box.kelp(["container", "exists", "gen"])).code).toBe(flags.length);
      await systemd.systemctl("reset-failed", "gen");
      if (flags.length > 0)
        await box.ok(["create", "--name", "gen", "-e", "ODD=a b%c $d", BUSYBOX, "sleep", "600"]);
    }
    await box.ok(["rm", "-f", "gen"]);
  }, 120_000);
});

describe("quadlet", () => {
  const file = (name: string, text: string): string => {
    writeFileSync(join(box.directory, name), text);
    return join(box.directory, name);
  };

  test("install makes units that work, with what they need, and rm takes them away", async () => {
    const files = [
      file(
        "shop.container",
        `[Container]\nImage=${BUSYBOX}\nExec=sleep 600\nVolume=goods.volume:/goods\nStopTimeout=1\n[Install]\nWantedBy=default.target\n`,
      ),
      file("goods.volume", "[Volume]\nLabel=of=shop\n"),
    ];
    const { code, stdout, stderr } = await box.kelp(["quadlet", "install", ...files]);
    const sources = join(box.env.XDG_CONFIG_HOME!, "containers/systemd");
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: `${sources}/shop.container\n${sources}/goods.volume\n`,
      stderr: "",
    });
    const verified = await run("systemd-analyze", ["--user", "verify", join(systemd.units, "shop.service")], {
      env: box.env,
    });
    expect(verified).toMatchObject({ code: 0, stderr: "" });
    expect(await systemd.systemctl("start", "shop")).toMatchObject({ code: 0, stderr: "" });
    expect(await box.ok(["volume", "inspect", "systemd-goods", "--format", "{{.Labels.of}}"])).toBe("shop");
    expect(await box.ok(["quadlet", "ls", "--format", "{{.UnitName}} {{.Status}}"])).toBe(
      "goods-volume.service active/exited\nshop.service active/running",
    );
    expect(await box.kelp(["quadlet", "rm", "shop.container"])).toMatchObject({
      code: 125,
      stdout: "",
      stderr: expect.stringContaining("is running and force is not set, refusing to remove"),
    });
    expect(await box.ok(["quadlet", "rm", "--force", "shop.container", "goods.volume"])).toBe(
      "shop.container\ngoods.volume",
    );
    expect(existsSync(join(systemd.units, "shop.service"))).toBe(false);
    expect(existsSync(join(systemd.units, "default.target.wants/shop.service"))).toBe(false);
    expect(await box.kelp(["container", "exists", "systemd-shop"])).toMatchObject({ code: 1 });
  }, 120_000);

  test("install writes nothing of a file that cannot be used, nor over a unit that is not its own", async () => {
    const half = await box.kelp(["quadlet", "install", file("half.container", "[Container]\nImag=x\n")]);
    expect(half).toMatchObject({ code: 125, stdout: "" });
    expect(half.stderr).toContain("half.container:2: unsupported key 'Imag' in group 'Container'");
    writeFileSync(join(systemd.units, "mine.service"), "[Service]\nExecStart=/bin/true\n");
    const taken = await box.kelp([
      "quadlet",
      "install",
      file("mine.container", `[Container]\nImage=${BUSYBOX}\n`),
    ]);
    expect(taken).toMatchObject({ code: 125, stdout: "" });
    expect(readFileSync(join(systemd.units, "mine.service"), "utf8")).toBe(
      "[Service]\nExecStart=/bin/true\n",
    );
    await box.kelp(["quadlet", "rm", "--all"]);
  });

  test("a generator by its name writes units and links, and its status tells of files it cannot use", async () => {
    const directory = join(box.directory, "generated");
    const places = { QUADLET_UNIT_DIRS: join(box.directory, "places") };
    await run("mkdir", ["-p", directory, places.QUADLET_UNIT_DIRS]);
    writeFileSync(
      join(places.QUADLET_UNIT_DIRS, "one.container"),
      "[Container]\nImage=x\n[Install]\nWantedBy=a.target\n",
    );
    writeFileSync(join(places.QUADLET_UNIT_DIRS, "two.container"), "[Container]\n");
    const name = join(box.directory, "kelp-user-generator");
    await run("ln", ["-s", KELP, name]);
    const { code, stdout, stderr } = await run(name, [directory, "/a", "/b"], {
      env: { ...box.env, ...places },
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("two.container:1: no Image or Rootfs key specified");
    expect(existsSync(join(directory, "a.target.wants/one.service"))).toBe(true);
  });
});

describe("auto-update", () => {
  const image = "localhost/updated:latest";
  const build = (command: string) =>
    box.ok(["build", "-q", "-t", image, "-f", "-", box.env.HOME!], {
      stdin: `FROM ${BUSYBOX}\nCMD ${command}\n`,
      timeout: 60_000,
    });
  const GOOD = `["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done"]`;
  const update = (...flags: string[]) =>
    box.kelp(["auto-update", "--format", "{{.Unit}} {{.Policy}} {{.Updated}}", ...flags], {
      timeout: 120_000,
    });
  const idOf = (name: string) => box.ok(["inspect", "--type", "image", name, "--format", "{{.Id}}"]);
  const inUse = () => box.ok(["inspect", "upd", "--format", "{{.Image}}"]);

  test("restarts a unit whose image has changed, and goes back when that does not get well", async () => {
    await build(GOOD);
    const first = await idOf(image);
    const words = `--stop-timeout 2 --label io.containers.autoupdate=local --health-cmd "test ! -e /ill" --health-interval=200ms --health-retries=2 ${image}`;
    await systemd.unit(
      "upd.service",
      `${unit("upd", `--sdnotify=conmon ${words}`)}Environment=PODMAN_SYSTEMD_UNIT=%%n\n`.replace("%%", "%"),
    );
    expect(await systemd.systemctl("start", "upd")).toMatchObject({ code: 0, stderr: "" });
    expect(await update()).toEqual({ code: 0, stdout: "upd.service local false\n", stderr: "" });

    await build(`["sh", "-c", "echo second; trap 'exit 0' TERM; while :; do sleep 0.1; done"]`);
    const second = await idOf(image);
    expect(await update("--dry-run")).toEqual({ code: 0, stdout: "upd.service local pending\n", stderr: "" });
    expect(await inUse()).toBe(first);
    expect(await update()).toEqual({ code: 0, stdout: "upd.service local true\n", stderr: "" });
    expect(await inUse()).toBe(second);

    for (const bad of [`["sh", "-c", "exit 3"]`, `["sh", "-c", "touch /ill; sleep 600"]`]) {
      await build(bad);
      expect(await update()).toEqual({ code: 0, stdout: "upd.service local rolled back\n", stderr: "" });
      expect(await inUse()).toBe(second);
      expect(await idOf(image)).toBe(second);
      expect(await systemd.property("upd", "ActiveState")).toBe("active");
    }
    await systemd.systemctl("stop", "upd");
  }, 180_000);

  test("says of a container why it cannot be updated", async () => {
    const id = await box.ok([
      "run",
      "-d",
      "--name",
      "lone",
      "--label",
      "io.containers.autoupdate=local",
      BUSYBOX,
      "sleep",
      "60",
    ]);
    const lone = await update();
    expect(lone).toMatchObject({ code: 125, stdout: "" });
    expect(lone.stderr).toContain(`auto-updating container "${id}": no PODMAN_SYSTEMD_UNIT label found`);
    await box.ok(["rm", "-f", "-t", "0", "lone"]);
    expect(
      await box.kelp(["create", "--label", "io.containers.autoupdate=registry", "busybox"]),
    ).toMatchObject({
      code: 125,
      stderr: expect.stringContaining("auto updates require fully-qualified image reference"),
    });
  });
});
