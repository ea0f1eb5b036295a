/** Programs of other architectures, for a user whose administrator has registered no emulator. */
import { beforeAll, expect } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { arm64Uname, BUSYBOX, busyboxArchive, requires, useSandbox } from "../support/index.ts";

const box = useSandbox("077-emulation");
const { test, missing } = requires("emulation", "overlay", "subuid");

const FILE = `FROM scratch
COPY --chmod=4755 uname /uname
RUN ["/uname"]
RUN ["/uname", "/made"]
CMD ["/uname"]
`;

beforeAll(async () => {
  await box.ok(["load", "-i", await busyboxArchive()]);
  if (missing !== undefined) return;
  const directory = mkdtempSync(join(box.directory, "ctx-"));
  writeFileSync(join(directory, "Dockerfile"), FILE);
  writeFileSync(join(directory, "uname"), arm64Uname());
  const said = await box.ok(["build", "--platform", "linux/arm64", "-t", "arm", directory]);
  expect(said).toContain("\naarch64#\n");
});

test("run, exec, users of its own and an OCI runtime start them", async () => {
  const { code, stdout, stderr } = await box.kelp(["run", "--rm", "--platform", "linux/arm64", "arm"]);
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "aarch64#\n", stderr: "" });
  // Who did not ask for it is told.
  const unasked = await box.kelp(["run", "--rm", "--userns", "auto", "arm"]);
  expect({ code: unasked.code, stdout: unasked.stdout }).toEqual({ code: 0, stdout: "aarch64#\n" });
  expect(unasked.stderr).toContain(
    "WARNING: image platform (linux/arm64) does not match the expected platform (linux/amd64)",
  );
  await box.ok(["run", "--name", "made", "arm"]);
  expect(await box.ok(["start", "-a", "made"])).toBe("aarch64#");
  const out = join(box.directory, "made");
  await box.ok(["cp", "made:/made", out]);
  expect(await Bun.file(out).text()).toBe("aarch64#\n");
  await box.ok(["rm", "made"]);
});

requires("emulation", "overlay", "subuid", "crun", "cgroup2").test("an OCI runtime starts them", async () => {
  expect(await box.ok(["run", "--rm", "--runtime", "crun", "arm"])).toBe("aarch64#");
});

test("a set-uid program gets nobody's rights: its emulator reads its caller's environment", async () => {
  expect(await box.ok(["run", "--rm", "--user", "1000", "arm"])).toBe("aarch64$");
});

/** What a container of the machine's own architecture sees registered that may mount what it likes. */
const listing = async () => {
  const script = "mount -t binfmt_misc none /mnt && ls /mnt";
  const flags = ["--cap-add", "SYS_ADMIN", "--tmpfs", "/mnt"];
  return (await box.ok(["run", "--rm", ...flags, BUSYBOX, "sh", "-c", script])).split("\n");
};

test("they are known as long as a container needs them, through restarts, and nothing is left behind", async () => {
  await box.ok(["run", "-d", "--name", "own", BUSYBOX, "sleep", "100"]);
  expect(await listing()).toEqual(["register", "status"]);
  await box.ok(["run", "-d", "--name", "again", "--restart", "always", "arm"]);
  const restarted = ["inspect", "again", "--format", "{{ge .RestartCount 2}}"];
  while ((await box.ok(restarted)) !== "true") await Bun.sleep(100);
  expect(await listing()).toContain("qemu-aarch64");
  await box.ok(["rm", "-f", "-t", "0", "again"]);
  expect(await listing()).toEqual(["register", "status"]);
  await box.ok(["rm", "-f", "-t", "0", "own"]);
});

test("info lists what can be run", async () => {
  expect(JSON.parse(await box.ok(["info", "--format", "{{json .Host.EmulatedArchitectures}}"]))).toContain(
    "linux/arm64",
  );
});

test("without an emulator the error names what is missing", async () => {
  const directory = mkdtempSync(join(box.directory, "ctx-"));
  const program = arm64Uname();
  // Of an architecture that nobody has.
  program.writeUInt16LE(0xfff0, 18);
  writeFileSync(join(directory, "p"), program);
  writeFileSync(join(directory, "Dockerfile"), 'FROM scratch\nCOPY --chmod=755 p /p\nCMD ["/p"]\n');
  await box.ok(["build", "-q", "--platform", "linux/ppc", "-t", "ppc", directory]);
  const { code, stderr } = await box.kelp(["run", "--rm", "ppc"]);
  expect({ code, stderr }).toEqual({
    code: 126,
    stderr: expect.stringContaining(
      "Error: open executable: exec `/p`: exec format error: the image is for ppc\n",
    ),
  });
});
