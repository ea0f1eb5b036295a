import { describe, expect } from "bun:test";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { KELP, requires, run, useSandbox } from "../support/index.ts";

const box = useSandbox("085-doctor");
const { test } = requires("overlay");

interface Row {
  readonly check: string;
  readonly status: string;
  readonly what: string;
  readonly fix: readonly string[];
}

async function rows(prefix: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const [command = KELP, ...args] = [...prefix, KELP, "doctor", "--json"];
  const { code, stdout, stderr } = await run(command, args, { env: { ...box.env, ...env } });
  expect(stderr).toBe("");
  const list = JSON.parse(stdout) as Row[];
  return { code, of: (name: string) => list.find(({ check }) => check === name), list };
}

describe("doctor", () => {
  requires("subuid", "tun", "slirp4netns", "overlay").test(
    "finds a machine well on which containers run",
    async () => {
      const { code, list, of } = await rows();
      expect(list.filter(({ status }) => status === "problem")).toEqual([]);
      expect(code).toBe(0);
      for (const name of ["kernel", "user-namespaces", "subordinate-ids", "overlay", "tun-device"])
        expect(of(name)).toMatchObject({ check: name, status: "ok", fix: [] });
    },
  );

  test("says for people what each finding costs and what mends it, and names the checks it knows", async () => {
    const { stdout } = await box.kelp(["doctor", "-a"]);
    expect(stdout).toMatch(/^ok: kernel: /m);
    expect(stdout).toMatch(/^\d+ checks: \d+ problems, \d+ pieces of advice$/m);
    for (const part of stdout.split(/^(?=ok:|problem:|advice:)/m).filter((text) => !text.startsWith("ok:")))
      expect(part).toMatch(/\n {2}costs: .+\n {2}mend: {2}.+/);
    expect(await box.kelp(["doctor", "nonsense"])).toMatchObject({
      code: 125,
      stdout: "",
      stderr: expect.stringMatching(/unknown check "nonsense": there are kernel, /),
    });
    expect(await box.kelp(["doctor", "kernel"])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^ok: kernel: /),
    });
  });
});

/** As the user, in a namespace from which something has been taken away. */
const without = (script: string) => [
  ...["unshare", "--user", "--map-current-user", "--keep-caps", "--mount", "sh", "-c"],
  `${script} && exec setpriv --ambient-caps -all --inh-caps -all -- "$@"`,
  "sh",
];

test("where holdfast may not run it says that, though it can look at nothing else", async () => {
  const cache = join(box.directory, "noexec-cache");
  mkdirSync(cache);
  const prefix = without(`mount -t tmpfs -o noexec cache ${cache}`);
  const { code, list } = await rows(prefix, { XDG_CACHE_HOME: cache });
  expect(code).toBe(1);
  expect(list).toMatchObject([
    { check: "program-mount", status: "problem", fix: [expect.stringContaining("XDG_CACHE_HOME")] },
  ]);
});

describe("where something was taken away", () => {
  const { test: taken } = requires("usersystemd", "overlay");

  taken("no /dev/net/tun: a problem, with the command", async () => {
    const { code, of } = await rows(without("mount -t tmpfs tmpfs /dev/net"));
    expect({ code, row: of("tun-device") }).toMatchObject({
      code: 1,
      row: { status: "problem", what: "/dev/net/tun is missing", fix: ["sudo modprobe tun"] },
    });
  });

  taken("no subordinate ids: a problem, with the command for this user", async () => {
    const { code, of } = await rows(without("mount --bind /dev/null /etc/subuid"));
    expect(code).toBe(1);
    expect(of("subordinate-ids")).toMatchObject({
      status: "problem",
      fix: [expect.stringMatching(/^sudo usermod --add-subuids \S+ --add-subgids \S+ \S+$/)],
    });
  });

  taken("a store mounted noexec: a problem where files are shown as they are", async () => {
    const root = join(box.directory, "noexec");
    mkdirSync(root);
    const { code, of } = await rows(without(`mount -t tmpfs -o noexec tmpfs ${root}`), {
      KELP_ROOT: root,
      STORAGE_DRIVER: "vfs",
    });
    expect({ code, row: of("store-mount") }).toMatchObject({
      code: 1,
      row: { status: "problem", what: `${root} is mounted noexec` },
    });
    expect(of("store-filesystem")).toMatchObject({ status: "advice" });
  });
});

describe("system boot", () => {
  const unit = join(box.env.XDG_CONFIG_HOME!, "systemd", "user", "kelp-boot.service");

  test("writes a unit that starts what is to start, and takes it away again", async () => {
    expect(await box.kelp(["system", "boot", "status"])).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^disabled\n/),
    });
    const enabled = await box.kelp(["--root", join(box.directory, "data/kelp"), "system", "boot", "enable"]);
    expect(enabled).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`enabled: ${unit}\n`),
      stderr: "",
    });
    expect(readFileSync(unit, "utf8")).toContain(
      `ExecStart=${KELP} --root ${join(box.directory, "data/kelp")} start --all --filter should-start-on-boot=true\n`,
    );
    // A kelp with another store would start other containers: that is not what is enabled.
    expect((await box.kelp(["system", "boot", "status"])).code).toBe(1);
    expect(await box.kelp(["system", "boot", "disable"])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^disabled\n/),
    });
    expect(existsSync(unit)).toBe(false);
    expect((await box.kelp(["system", "boot", "perhaps"])).stderr).toContain(
      "must be enable, disable or status",
    );
  });

  test("without systemd prints the line for cron", async () => {
    const { stdout } = await box.kelp(["system", "boot", "status"]);
    if (!existsSync("/run/systemd/system"))
      expect(stdout).toContain(`  @reboot ${KELP} start --all --filter should-start-on-boot=true\n`);
    else expect(stdout).not.toContain("@reboot");
  });
});
