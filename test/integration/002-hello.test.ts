/** The image that travels inside kelp. */
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, requires, run, useSandbox } from "../support/index.ts";

const box = useSandbox("002-hello");
const ARCHIVE = join(ROOT, "dist", "assets", "hello.tar");

requires("skopeo").test("another program reads the embedded archive", async () => {
  const { code, stdout, stderr } = await run("skopeo", ["inspect", "--config", `oci-archive:${ARCHIVE}`], {
    env: box.env,
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(JSON.parse(stdout)).toMatchObject({ os: "linux", config: { Cmd: ["/hello"] } });
});

test("equal programs make equal archives", async () => {
  const again = join(box.directory, "hello.tar");
  const made = await run(
    process.execPath,
    ["scripts/hello-image.ts", "native/build/hello", again, process.arch],
    {
      cwd: ROOT,
      env: box.env,
    },
  );
  expect(made).toEqual({ code: 0, stdout: "", stderr: "" });
  const digest = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");
  expect(digest(again)).toBe(digest(ARCHIVE));
});

requires("overlay").test(
  "run hello shows a container from the inside, with nothing loaded before",
  async () => {
    const { code, stdout, stderr } = await box.kelp(["run", "--rm", "hello"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^ {2}process +PID 1:/m);
    expect(stdout).toMatch(/^ {2}user +uid 0, gid 0$/m);
    expect(stdout).toMatch(/^ {2}hostname +[0-9a-f]{12}$/m);
    expect(stdout).toMatch(/^ {2}root files +overlay, writable/m);
    expect(stdout).toMatch(/^ {2}seccomp +filter on$/m);
    expect(stdout).toMatch(
      /^ {2}capabilities +chown dac_override fowner fsetid kill setgid setuid setpcap\n/m,
    );
  },
);

requires("subuid").test("hello's uid map has the subordinate range", async () => {
  const stdout = await box.ok(["run", "--rm", "hello"]);
  expect(stdout).toMatch(new RegExp(`^ {2}uid map +0 is ${process.getuid?.()} outside, 1-65536 are `, "m"));
});
