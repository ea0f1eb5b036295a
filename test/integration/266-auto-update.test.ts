/** auto-update with a registry and a systemd, both real: newer digests, dry runs, the way back, and units that do not come back. */
import { beforeAll, expect } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { type RealRegistry, startRegistry } from "../support/docker-registry.ts";
import { BUSYBOX, busyboxArchive, KELP, requires, useSandbox, useSystemd } from "../support/index.ts";

const box = useSandbox("266-auto-update");
const needed = requires("services", "cgroup2", "overlay", "subuid", "registry");
const { test } = needed;
const systemd = useSystemd(box, needed.missing);
let registry: RealRegistry | undefined;
let image = "";

beforeAll(async () => {
  if (needed.missing !== undefined) return;
  await box.ok(["load", "-q", "-i", await busyboxArchive()]);
  registry = await startRegistry(join(box.directory, "registry"));
  image = `${registry.host}/app:latest`;
}, 60_000);
box.ends.push(async () => registry?.stop());

const GOOD = "trap 'exit 0' TERM; while :; do sleep 0.1; done";
const idOf = (name: string) => box.ok(["inspect", "--type", "image", name, "--format", "{{.Id}}"]);
const inUse = () => box.ok(["inspect", "app", "--format", "{{.Image}}"]);
/** Without what the pulls say. */
async function update(...flags: string[]) {
  const format = "{{.Unit}} {{.Policy}} {{.Updated}}";
  const words = ["auto-update", "--tls-verify=false", "--format", format, ...flags];
  const { code, stdout, stderr } = await box.kelp(words, { timeout: 120_000 });
  return { code, stdout, stderr: stderr.replace(/^(Trying|Getting|Copying|Writing) .*\n/gm, "") };
}

/** Puts another image into the registry, and leaves the store as it was: under the name is what was there before. */
async function publish(script: string): Promise<string> {
  const before = (await box.kelp(["image", "exists", image])).code === 0 ? await idOf(image) : undefined;
  const stdin = `FROM ${BUSYBOX}\nCMD ${JSON.stringify(["sh", "-c", script])}\n`;
  await box.ok(["build", "-q", "-t", image, "-f", "-", box.env.HOME!], { stdin, timeout: 60_000 });
  await box.ok(["push", "-q", "--tls-verify=false", image]);
  const made = await idOf(image);
  if (before !== undefined) {
    await box.ok(["tag", before, image]);
    await box.ok(["rmi", made]);
  }
  return made;
}

const block = join(box.directory, "blocked");
const unit = () => `[Service]
Type=notify
NotifyAccess=all
Delegate=yes
KillMode=mixed
Environment=PODMAN_SYSTEMD_UNIT=%n
ExecStartPre=/bin/sh -c 'test ! -e ${block}'
ExecStart=${KELP} run --name app --replace --rm --cgroups=split --sdnotify=conmon --stop-timeout 2 -d --network none --label io.containers.autoupdate=registry --health-cmd "test ! -e /ill" --health-interval=200ms --health-retries=2 ${image}
ExecStop=${KELP} stop --ignore -t 1 app
`;

test("a newer digest in the registry is told, pulled, started, and kept if the container is well", async () => {
  const first = await publish(GOOD);
  await systemd.unit("app.service", unit());
  expect(await systemd.systemctl("start", "app")).toMatchObject({ code: 0, stderr: "" });
  expect(await update()).toEqual({ code: 0, stdout: "app.service registry false\n", stderr: "" });

  const second = await publish(`echo second; ${GOOD}`);
  expect(await update("--dry-run")).toEqual({
    code: 0,
    stdout: "app.service registry pending\n",
    stderr: "",
  });
  expect([await idOf(image), await inUse()]).toEqual([first, first]);
  expect((await box.kelp(["image", "exists", second])).code).toBe(1);
  expect(await update()).toEqual({ code: 0, stdout: "app.service registry true\n", stderr: "" });
  expect([await idOf(image), await inUse()]).toEqual([second, second]);
}, 120_000);

test("one with which the container gets ill, or ends, is taken back", async () => {
  const good = await inUse();
  for (const script of ["touch /ill; sleep 600", "exit 3"]) {
    await publish(script);
    expect(await update()).toEqual({ code: 0, stdout: "app.service registry rolled back\n", stderr: "" });
    expect([await idOf(image), await inUse()]).toEqual([good, good]);
    expect(await systemd.property("app", "ActiveState")).toBe("active");
  }
  await publish("exit 4");
  const { code, stdout, stderr } = await update("--rollback=false");
  expect({ code, stdout }).toEqual({ code: 125, stdout: "app.service registry failed\n" });
  expect(stderr).toStartWith("Error: restarting unit app.service during update: ");
  await box.ok(["tag", good, image]);
  expect(await systemd.systemctl("restart", "app")).toMatchObject({ code: 0 });
}, 180_000);

test("a unit that starts with neither image is reported as failed, with the reason", async () => {
  const good = await inUse();
  await publish(`echo third; ${GOOD}`);
  await Bun.write(block, "");
  const { code, stdout, stderr } = await update();
  expect({ code, stdout }).toEqual({ code: 125, stdout: "app.service registry failed\n" });
  expect(stderr).toStartWith("Error: restarting unit app.service during rollback: ");
  expect(await idOf(image)).toBe(good);
  rmSync(block);
  await systemd.systemctl("reset-failed", "app");
  expect(await systemd.systemctl("start", "app")).toMatchObject({ code: 0 });
  expect(await inUse()).toBe(good);
  await systemd.systemctl("stop", "app");
}, 120_000);

test("for a unit that systemd does not have nothing is pulled", async () => {
  const before = await idOf(image);
  await publish(`echo fourth; ${GOOD}`);
  const labels = [
    "--label",
    "io.containers.autoupdate=registry",
    "--label",
    "PODMAN_SYSTEMD_UNIT=absent.service",
  ];
  await box.ok(["run", "-d", "--name", "stray", "--network", "none", ...labels, image]);
  const { code, stdout, stderr } = await update();
  expect({ code, stdout }).toEqual({ code: 125, stdout: "" });
  expect(stderr).toBe("Error: cannot update unit absent.service: systemd does not have it (not-found)\n");
  expect(await idOf(image)).toBe(before);
  await box.ok(["rm", "-f", "-t", "0", "stray"]);
}, 120_000);
