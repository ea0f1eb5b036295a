import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { type Subprocess, spawn, spawnSync } from "bun";
import { HOST, HOST_PLAIN, type Host, logLines, type Piped, until, useMonitorHost } from "./monitor-host.ts";

const host = useMonitorHost();
const sh = (script: string): string[] => ["sh", "-c", script];
const fdCount = (process: Subprocess): number => readdirSync(`/proc/${process.pid}/fd`).length;
/** Memory that is this process's alone: not the program's file, which all monitors share. */
const privateKiB = (process: Subprocess): number =>
  Number(/^Anonymous:\s+(\d+)/m.exec(readFileSync(`/proc/${process.pid}/smaps_rollup`, "utf8"))?.[1]);
const attach = (h: Host, streams: number): Piped =>
  h.start([HOST, "attach", h.socket, String(streams), "0", ""]);

describe("the monitor's streams", () => {
  test("bytes arrive whole and in order, each stream on its own", () => {
    const h = host();
    const script = `for n in 1 2 3 4 5 6 7 8; do head -c 1000000 /dev/zero | tr '\\0' $n; printf $n >&2; done`;
    const done = h.run("run", ["-c", "6", "-l", h.log], sh(script));
    const expected = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => String(n).repeat(1_000_000)).join("");
    const digest = (text: string): string => createHash("sha256").update(text).digest("hex");
    expect(digest(done.stdout)).toBe(digest(expected));
    expect(done.stderr).toBe("12345678");
  });

  test("a client gets only the streams it asked for", () => {
    expect(host().run("run", ["-c", "4"], sh("echo out; echo err >&2"))).toMatchObject({
      stdout: "",
      stderr: "err\n",
    });
    expect(host().run("run", ["-c", "2"], sh("echo out; echo err >&2"))).toMatchObject({
      stdout: "out\n",
      stderr: "",
    });
  });

  test("one endless line passes in flat memory", async () => {
    const h = host();
    const monitor = await h.monitor(
      ["-l", h.log, "-m", "1000000", "-k", "1"],
      ["cat", "/dev/zero"],
      HOST_PLAIN,
    );
    await until("a rotation", () => h.read("log.1").length > 0);
    const before = privateKiB(monitor);
    const reader = spawnSync([HOST_PLAIN, "attach", h.socket, "2", "0", ""], {
      timeout: 700,
      maxBuffer: 64 << 20,
    });
    expect(reader.stdout.length).toBeGreaterThan(8 << 20);
    expect(privateKiB(monitor) - before).toBeLessThanOrEqual(16);
    expect(before).toBeLessThan(300);
  });

  test("an idle monitor is small", async () => {
    const h = host();
    const monitor = await h.monitor(["-l", h.log], sh("echo hello; exec sleep 9"), HOST_PLAIN);
    await until("the line", () => h.read("log") !== "");
    expect(privateKiB(monitor)).toBeLessThan(150);
  });

  test("a slow reader slows the process down and misses nothing", async () => {
    const h = host();
    await h.monitor(["-s", "1"], sh("read go; seq 1 200000; echo >&2 finished; exec sleep 9"));
    const slow = attach(h, 2);
    const watch = attach(h, 4);
    const errors = new Response(watch.stderr).text();
    await Bun.sleep(50);
    slow.kill("SIGSTOP");
    const writer = attach(h, 1);
    writer.stdin.write("go\n");
    writer.stdin.flush();
    await Bun.sleep(200);
    /* The process is stuck behind the stopped reader, so it cannot have finished. */
    watch.kill();
    expect(await errors).toBe("");
    slow.kill("SIGCONT");
    const reader = slow.stdout.getReader();
    let text = "";
    while (!text.endsWith("\n200000\n")) {
      const { value, done } = await reader.read();
      if (done) break;
      text += new TextDecoder().decode(value);
    }
    expect(text).toBe(Array.from({ length: 200_000 }, (_, i) => `${i + 1}\n`).join(""));
  });

  test("a reader that is killed lets the process go on, and the log misses nothing", async () => {
    const h = host();
    await h.monitor(["-s", "1", "-l", h.log], sh("read go; seq 1 100000; exec sleep 9"));
    const slow = attach(h, 2);
    await Bun.sleep(50);
    slow.kill("SIGSTOP");
    const writer = attach(h, 1);
    writer.stdin.write("go\n");
    writer.stdin.flush();
    await Bun.sleep(100);
    slow.kill("SIGKILL");
    await until("the last line", () => h.read("log").endsWith(" stdout F 100000\n"));
    expect(logLines(h.read("log")).filter((line) => line.startsWith("stdout F")).length).toBe(100_000);
  });

  test("500 clients killed while attached leave no descriptor and no memory behind", async () => {
    const h = host();
    const monitor = await h.monitor(["-s", "1"], ["cat", "/dev/zero"], HOST_PLAIN);
    const before = fdCount(monitor);
    const memory = privateKiB(monitor);
    for (let round = 0; round < 25; round++) {
      const clients = Array.from({ length: 20 }, () =>
        spawn([HOST_PLAIN, "attach", h.socket, "7", "1", ""], {
          stdin: "pipe",
          stdout: "pipe",
          stderr: "ignore",
        }),
      );
      await Bun.sleep(5);
      for (const client of clients) client.kill("SIGKILL");
      await Promise.all(clients.map((client) => client.exited));
    }
    await until("the descriptors closed", () => fdCount(monitor) <= before);
    expect(privateKiB(monitor) - memory).toBeLessThanOrEqual(32);
  }, 30_000);

  test("connections beyond the limit are closed and those within go on", async () => {
    const h = host();
    const monitor = await h.monitor([], ["sleep", "9"]);
    const sockets = Array.from({ length: 80 }, () => createConnection(h.socket));
    let closed = 0;
    for (const socket of sockets) {
      socket.on("close", () => closed++);
      socket.on("error", () => {});
    }
    await until("16 refused", () => closed === 16);
    expect(monitor.exitCode).toBeNull();
    for (const socket of sockets) socket.destroy();
    await Bun.sleep(20);
    const client = attach(h, 0);
    await Bun.sleep(50);
    expect(client.exitCode).toBeNull();
  });
});

describe("the container's stdin", () => {
  test("mode 0 is empty", () => {
    expect(host().run("run", ["-c", "3", "-s", "0"], ["cat"], "not seen")).toMatchObject({
      code: 0,
      stdout: "",
    });
  });

  test("mode 2 ends with the client's, and every byte comes through", () => {
    const input = "0123456789abcdef".repeat(40_000);
    const done = host().run("run", ["-c", "3", "-s", "2"], sh("sleep 0.05; cat"), input);
    expect(done.code).toBe(0);
    expect(done.stdout === input).toBe(true);
  });

  test("mode 2 ends when the client that wrote is killed", async () => {
    const h = host();
    const monitor = await h.monitor(["-s", "2", "-l", h.log], sh("cat; echo over"));
    const idle = attach(h, 3);
    await Bun.sleep(30);
    idle.kill("SIGKILL");
    await idle.exited;
    const client = attach(h, 3);
    client.stdin.write("line\n");
    client.stdin.flush();
    await until("the line", () => h.read("log").includes("F line"));
    client.kill("SIGKILL");
    expect(await monitor.exited).toBe(0);
    expect(h.read("log")).toContain("F over");
  });

  test("mode 1 stays open for the next client", async () => {
    const h = host();
    await h.monitor(["-s", "1", "-l", h.log], ["cat"]);
    for (const word of ["first", "second"]) {
      const client = attach(h, 3);
      client.stdin.write(`${word}\n`);
      client.stdin.end();
      await until(word, () => h.read("log").includes(`F ${word}`));
      client.kill("SIGKILL");
      await client.exited;
    }
  });

  test("a process that does not read it can be signalled all the same", async () => {
    const h = host();
    const run = h.start([
      HOST,
      "run",
      h.dir,
      "-c",
      "3",
      "-s",
      "2",
      "-g",
      "--",
      ...sh("trap 'exit 5' TERM; while :; do sleep 0.01; done"),
    ]);
    run.stdin.write("x".repeat(1_000_000));
    Promise.resolve(run.stdin.flush()).catch(() => {}); /* most of it is never read */
    await until("it runs", () => h.read("status") !== "");
    await Bun.sleep(100);
    run.kill("SIGTERM");
    expect(await run.exited).toBe(5);
  });

  test("a process that has closed it loses nothing else", () => {
    const done = host().run(
      "run",
      ["-c", "3", "-s", "2"],
      sh("exec <&-; sleep 0.05; echo still here"),
      "x".repeat(500_000),
    );
    expect(done).toMatchObject({ code: 0, stdout: "still here\n" });
  });
});

describe("the end", () => {
  test("exit code, signal and times are written; status and socket are gone", () => {
    const h = host();
    expect(h.run("run", [], sh("exit 42")).code).toBe(42);
    expect(h.read("exit")).toMatch(
      /^code 42\nsignal 0\noom 0\nstarted \d+ \d+\nfinished \d+ \d+\nrestarts 0\ntimeout 0\n$/,
    );
    expect(readdirSync(h.dir).sort()).toEqual(["exit", "monitor.pid", "pid"]);
    expect(h.run("run", [], sh("kill -9 $$")).code).toBe(137);
    expect(h.read("exit")).toStartWith("code 137\nsignal 9\n");
  });

  test("a kill for want of memory in the container's cgroup is told", () => {
    for (const kills of [0, 1, 12]) {
      const h = host();
      const events = `low 0\nhigh 0\nmax 9\noom 9\noom_kill ${kills}\noom_group_kill 0\n`;
      writeFileSync(join(h.dir, "memory.events"), events);
      expect(h.run("run", ["-o", h.dir], ["true"]).code).toBe(0);
      expect(h.read("exit")).toContain(`\noom ${kills > 0 ? 1 : 0}\n`);
    }
  });

  test.skipIf(process.getuid!() !== 0)(
    "a disk that the container has filled does not lose its status",
    () => {
      const h = host();
      const script = `mount -t tmpfs -o size=64k none ${h.dir} && ${HOST} run ${h.dir} -l ${h.dir}/log -- \\
      sh -c 'yes >${h.dir}/fill 2>/dev/null; echo x; exit 9'; echo $? && cat ${h.dir}/exit`;
      const done = spawnSync(["unshare", "-m", "sh", "-c", script], { timeout: 10_000 });
      expect(done.stdout.toString()).toStartWith("x\n9\ncode 9\nsignal 0\n");
    },
  );

  test("the status file names both processes by pid and start time", async () => {
    const h = host();
    const monitor = await h.monitor([], ["sleep", "9"]);
    const start = (pid: string): string =>
      readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ")[19]!;
    const pid = h.read("pid");
    expect(h.read("status")).toStartWith(
      `monitor ${monitor.pid} ${start(String(monitor.pid))}\ninit ${pid} ${start(pid)}\nstarted `,
    );
    expect(h.read("status")).toEndWith(
      `boot ${readFileSync("/proc/sys/kernel/random/boot_id", "utf8")}restarts 0\n`,
    );
    expect(h.read("monitor.pid")).toBe(String(monitor.pid));
  });

  test("a surviving process that keeps the pipe holds it for a quarter of a second only", () => {
    const before = Date.now();
    const done = host().run("run", [], sh("sleep 3 & echo out"));
    expect(done).toMatchObject({ code: 0, stdout: "out\n" });
    expect(Date.now() - before).toBeLessThan(1500);
  });

  test("a surviving process that keeps writing does not hold it either", () => {
    const before = Date.now();
    const done = host().run("run", ["-c", "2"], sh("timeout 3 yes & echo out"));
    expect(done.code).toBe(0);
    expect(done.stdout).toContain("out\n");
    expect(Date.now() - before).toBeLessThan(1500);
  });

  test("what is in the pipe at the end is delivered to a reader however slow", async () => {
    const h = host();
    const run = h.start([HOST, "run", h.dir, "-c", "2", "--", ...sh("seq 1 100000")]);
    run.kill("SIGSTOP");
    await Bun.sleep(600);
    run.kill("SIGCONT");
    expect(await new Response(run.stdout).text()).toEndWith("\n99999\n100000\n");
    expect(await run.exited).toBe(0);
  });

  test("a stopped reader cannot hold back the end once SIGKILL was asked for", async () => {
    const h = host();
    const monitor = await h.monitor([], ["cat", "/dev/zero"]);
    const reader = attach(h, 2);
    await Bun.sleep(50);
    reader.kill("SIGSTOP");
    await Bun.sleep(50);
    const { signalAndWait } = await import("../../src/runtime/monitor-client.ts");
    const before = Date.now();
    expect(await signalAndWait(h.socket, 9, 3000)).toEqual({
      kind: "exited",
      code: 137,
      signal: 9,
      oom: false,
    });
    expect(await monitor.exited).toBe(137);
    expect(Date.now() - before).toBeLessThan(2000);
  });

  test("signals to the monitor itself do not end it, but SIGTERM, which ends its process first", async () => {
    const h = host();
    const monitor = await h.monitor([], ["sleep", "9"]);
    for (const signal of ["SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGALRM", "SIGPIPE"] as const)
      monitor.kill(signal);
    await Bun.sleep(50);
    expect(monitor.exitCode).toBeNull();
    expect(readFileSync(`/proc/${monitor.pid}/status`, "utf8")).toContain("State:\tS");
    monitor.kill("SIGTERM");
    expect(await monitor.exited).toBe(143);
    expect(h.read("exit")).toContain("code 143\nsignal 15\n");
  });
});
