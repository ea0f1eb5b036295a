import { describe, expect, test } from "bun:test";
import { spawn, spawnSync } from "bun";
import { HOST, type Host, until, useMonitorHost } from "./monitor-host.ts";

const host = useMonitorHost();
const sh = (script: string): string[] => ["sh", "-c", script];
/** The process may be faster than the client's first RESIZE, and there is no plan here to give a size. */
const SIZE = "while stty size | grep -q '^0'; do sleep 0.01; done; stty size";
const CTRL_P = "\x10";
const CTRL_Q = "\x11";

/** A program on a terminal of its own, as a user would have it. */
function onTerminal(argv: readonly string[]) {
  let text = "";
  const child = spawn([...argv], {
    env: process.env,
    terminal: {
      cols: 80,
      rows: 24,
      data: (_, bytes) => {
        text += new TextDecoder().decode(bytes);
      },
    },
  });
  const terminal = child.terminal!;
  return {
    process: child,
    terminal,
    screen: () => text,
    clear: () => {
      text = "";
    },
    type: (keys: string) => terminal.write(keys),
    shows: (what: string) => until(`"${what}" on the screen`, () => text.includes(what)),
    /** Echo and canonical mode are on: what a shell left, and what a client must put back. */
    isCooked: () => (terminal.localFlags & 0o12) === 0o12,
  };
}

const runTty = (h: Host, options: readonly string[], command: readonly string[]) =>
  onTerminal([HOST, "run", h.dir, "-t", "-s", "1", "-c", "3", ...options, "--", ...command]);

describe("a terminal", () => {
  test("is the container's own: size, job control, and the caller's is put back", async () => {
    const t = runTty(host(), [], sh(`${SIZE}; tty; read line; echo got $line; exit 3`));
    await t.shows("24 80");
    await t.shows("/dev/pts/");
    await until("raw mode", () => !t.isCooked());
    t.type("word\r");
    await t.shows("got word");
    expect(await t.process.exited).toBe(3);
    expect(t.isCooked()).toBe(true);
  });

  test("passes control characters on: ctrl-c interrupts the container's process, not the client", async () => {
    const t = runTty(
      host(),
      [],
      sh("trap 'echo interrupted; exit 4' INT; echo ready; while :; do sleep 0.01; done"),
    );
    await t.shows("ready");
    t.type("\x03");
    expect(await t.process.exited).toBe(4);
    expect(t.screen()).toContain("interrupted");
  });

  test("tells the container of a new size", async () => {
    const t = runTty(
      host(),
      [],
      sh(`${SIZE}; trap 'stty size; exit 0' WINCH; echo ready; while :; do sleep 0.01; done`),
    );
    await t.shows("ready");
    t.terminal.resize(100, 30);
    await t.shows("30 100");
    expect(await t.process.exited).toBe(0);
  });

  test("output written right before the end is not lost", async () => {
    const t = runTty(host(), [], sh("seq 1 20000; echo the end"));
    expect(await t.process.exited).toBe(0);
    await t.shows("20000\r\nthe end");
  });

  test("a program may close and reopen it", async () => {
    const script = "exec >/dev/null 2>&1 </dev/null; sleep 0.1; exec >/dev/tty; echo back; exit 6";
    const t = runTty(host(), [], sh(`trap '' HUP; ${script}`));
    await t.shows("back");
    expect(await t.process.exited).toBe(6);
  });

  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1"] as const) {
    test(`is put back when ${signal} ends a client that does not forward`, async () => {
      const h = host();
      const monitor = await h.monitor(["-t", "-s", "1"], sh("echo up; exec sleep 9"));
      const t = onTerminal([HOST, "attach", h.socket, "3", "0", ""]);
      await until("raw mode", () => !t.isCooked());
      t.process.kill(signal);
      await t.process.exited;
      expect(t.process.signalCode).toBe(signal);
      expect(t.isCooked()).toBe(true);
      expect(monitor.exitCode).toBeNull();
    });
  }

  test("is put back while the client is stopped, and raw again when it goes on", async () => {
    const h = host();
    await h.monitor(["-t", "-s", "1"], sh("while read line; do echo got $line; done"));
    const t = onTerminal([HOST, "attach", h.socket, "3", "0", ""]);
    await until("raw mode", () => !t.isCooked());
    t.process.kill("SIGTSTP");
    await until("put back", () => t.isCooked());
    t.process.kill("SIGCONT");
    await until("raw mode again", () => !t.isCooked());
    t.type("on\r");
    await t.shows("got on");
  });

  test("is put back when the monitor is killed", async () => {
    const h = host();
    const monitor = await h.monitor(["-t", "-s", "1"], sh("exec sleep 9"));
    const t = onTerminal([HOST, "attach", h.socket, "3", "0", ""]);
    await until("raw mode", () => !t.isCooked());
    monitor.kill("SIGKILL");
    expect(await t.process.exited).toBe(125);
    expect(t.isCooked()).toBe(true);
  });

  test("that goes away takes the client along, not the container", async () => {
    const h = host();
    const monitor = await h.monitor(["-t", "-s", "1"], sh("trap '' HUP; exec sleep 9"));
    const t = onTerminal([HOST, "attach", h.socket, "3", "1", ""]);
    await until("raw mode", () => !t.isCooked());
    t.terminal.close();
    await t.process.exited;
    expect(monitor.exitCode).toBeNull();
  });
});

describe("detach keys", () => {
  const PQ = ["-d", "1011"];

  test("end the client with 0, leave the container running, and one can attach again", async () => {
    const h = host();
    const t = runTty(h, PQ, sh("while read line; do echo got $line; done"));
    t.type("one\r");
    await t.shows("got one");
    t.type(CTRL_P);
    t.type(CTRL_Q);
    expect(await t.process.exited).toBe(0);
    expect(t.isCooked()).toBe(true);
    const again = onTerminal([HOST, "attach", h.socket, "3", "0", "1011"]);
    await until("raw mode", () => !again.isCooked());
    again.type("two\r");
    await again.shows("got two");
    again.type(`three\r${CTRL_P}${CTRL_Q}four\r`);
    expect(await again.process.exited).toBe(0);
  });

  test("that are begun and not finished are input", async () => {
    const t = runTty(host(), PQ, sh("stty raw -echo; echo ready; head -c 4 | od -An -tx1; exit 2"));
    await t.shows("ready");
    t.type(`${CTRL_P}${CTRL_P}x`);
    await Bun.sleep(20);
    t.type(`${CTRL_P}y`);
    expect(await t.process.exited).toBe(2);
    expect(t.screen()).toContain("10 10 78 10");
  });

  test("none are recognised where none are set, nor in data from a pipe", () => {
    const input = `a${CTRL_P}${CTRL_Q}b\n`;
    expect(host().run("run", ["-c", "3", "-s", "2", ...PQ], ["cat"], input).stdout).toBe(input);
  });
});

describe("signals", () => {
  test("each catchable one reaches the container's process", () => {
    for (const name of [
      "HUP",
      "INT",
      "QUIT",
      "USR1",
      "USR2",
      "ALRM",
      "TERM",
      "CONT",
      "TSTP",
      "ABRT",
      "PROF",
    ]) {
      const h = host();
      const script = `trap 'echo got ${name}; exit 9' ${name}; echo ready; while :; do sleep 0.01; done`;
      const command = `${HOST} run ${h.dir} -g -- sh -c "${script}" > ${h.dir}/out & pid=$!
        while ! grep -q ready ${h.dir}/out; do sleep 0.01; done; kill -${name} $pid; wait $pid`;
      expect(spawnSync(["bash", "-c", command], { timeout: 5_000 }).exitCode).toBe(9);
      expect(h.read("out")).toContain(`got ${name}`);
    }
  });

  test("end the client alone where they are not forwarded", async () => {
    const h = host();
    const run = h.start([HOST, "run", h.dir, "-l", h.log, "--", ...sh("sleep 0.3; echo went on")]);
    await until("it runs", () => h.read("status") !== "");
    run.kill("SIGTERM");
    await run.exited;
    expect(run.signalCode).toBe("SIGTERM");
    await until("the container's line", () => h.read("log").includes("went on"));
  });

  test("the status of a process that a signal ends is 128 and its number", () => {
    expect(host().run("run", [], sh("kill -TERM $$")).code).toBe(143);
    expect(host().run("exec", [], sh("kill -KILL $$")).code).toBe(137);
  });
});

describe("the caller's files", () => {
  test("are not made non-blocking for whoever shares them", () => {
    const h = host();
    const script = `${HOST} run ${h.dir} -c 3 -s 2 -- true; grep flags /proc/$$/fdinfo/0 /proc/$$/fdinfo/1 /proc/$$/fdinfo/2`;
    const done = spawnSync(["sh", "-c", `(sleep 0.2) | (${script}) | cat`]);
    for (const [, flags] of done.stdout.toString().matchAll(/flags:\s+(\d+)/g)) {
      expect(Number.parseInt(flags!, 8) & 0o4000).toBe(0);
    }
  });

  test("a reader that goes away ends the client as SIGPIPE would", () => {
    const h = host();
    const script = `{ ${HOST} run ${h.dir} -c 2 -g -- yes; echo $? >${h.dir}/code; } | head -n 1`;
    const done = spawnSync(["sh", "-c", script], { timeout: 5_000 });
    expect(done.stdout.toString()).toBe("y\n");
    expect(h.read("code")).toBe("141\n");
  });

  test("a full disk behind stdout is not reported as success", () => {
    const h = host();
    const done = spawnSync(["sh", "-c", `${HOST} run ${h.dir} -c 2 -- echo x >/dev/full`]);
    expect(done.exitCode).toBe(125);
  });

  test("closed ones are as good as /dev/null", () => {
    const h = host();
    const script = `${HOST} run ${h.dir} -c 7 -s 2 -l ${h.log} -- sh -c 'cat; echo x; exit 8' <&- >&- 2>&-`;
    expect(spawnSync(["sh", "-c", script], { timeout: 5_000 }).exitCode).toBe(8);
    expect(h.read("log")).toContain("F x");
  });

  test("closed ones do no harm to attach either", async () => {
    const h = host();
    await h.monitor(["-s", "1"], sh("sleep 0.1; echo x; exit 8"));
    const script = `${HOST} attach ${h.socket} 7 0 '' <&- >&- 2>&-`;
    expect(spawnSync(["sh", "-c", script], { timeout: 5_000 }).exitCode).toBe(8);
  });

  test("append to a file goes on at its end", () => {
    const h = host();
    spawnSync([
      "sh",
      "-c",
      `echo a >${h.dir}/f; ${HOST} run ${h.dir} -c 2 -- echo b >>${h.dir}/f; echo c >>${h.dir}/f`,
    ]);
    expect(h.read("f")).toBe("a\nb\nc\n");
  });
});

describe("exec's parent", () => {
  test("relays streams, stdin and status without files of its own", () => {
    const h = host();
    const done = h.run("exec", ["-c", "7", "-s", "2"], sh("cat; echo err >&2; exit 11"), "in\n");
    expect(done).toMatchObject({ code: 11, stdout: "in\n", stderr: "err\n" });
    expect(spawnSync(["ls", h.dir]).stdout.toString()).toBe("");
  });

  test("serves a terminal, and a detach leaves the process alone", async () => {
    const h = host();
    const t = onTerminal([
      HOST,
      "exec",
      h.dir,
      "-t",
      "-s",
      "1",
      "-c",
      "3",
      "-d",
      "1011",
      "--",
      ...sh(`${SIZE}; read a; sleep 0.2; touch ${h.dir}/after`),
    ]);
    await t.shows("24 80");
    t.type(`go\r${CTRL_P}${CTRL_Q}`);
    expect(await t.process.exited).toBe(0);
    expect(t.isCooked()).toBe(true);
    await until("the process went on", () => spawnSync(["ls", h.dir]).stdout.toString() === "after\n");
  });
});
