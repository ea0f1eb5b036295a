/**
 * A machine saved where every test begins: booted, with the image in the stores of both users. Saved once for a kelp,
 * and read back in a second or two.
 */
import { createHash } from "node:crypto";
import { existsSync, linkSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { busyboxArchive, KELP } from "../../support/index.ts";
import { alone, keep, workDirectory } from "./cache.ts";
import { copyDisk, homeDisk, payloadDisk } from "./disks.ts";
import { type GuestImage, guestImage } from "./image.ts";
import { Machine } from "./machine.ts";

/** A machine that has come back to where all begin. */
export async function readyMachine(): Promise<Machine> {
  const image = await guestImage();
  const directory = workDirectory();
  const own = (name: string) => join(directory, name);
  await alone(async () => {
    const saved = await savedMachine(image);
    // Links: another checkout's run may replace what was saved.
    for (const name of ["root.ext4", "payload.ext4", "state"]) linkSync(join(saved, name), own(name));
    linkSync(image.kernel, own("kernel"));
    linkSync(image.initrd, own("initrd"));
    copyDisk(join(saved, "home.ext4"), own("home.ext4"));
  });
  const hardware = {
    kernel: own("kernel"),
    initrd: own("initrd"),
    root: own("root.ext4"),
    payload: own("payload.ext4"),
  };
  const machine = new Machine(directory, hardware, own("home.ext4"));
  try {
    await machine.restore(own("state"));
    return machine;
  } catch (error) {
    await machine.end();
    throw error;
  }
}

/** The directory of the saved one, which is made if it is not there. */
async function savedMachine(image: GuestImage): Promise<string> {
  const parent = dirname(image.root);
  const name = `ready-${await hashOfParts()}`;
  if (!existsSync(join(parent, name))) keep(await makeReady(image), parent, name, /^ready-/);
  return join(parent, name);
}

async function makeReady(image: GuestImage): Promise<string> {
  const directory = workDirectory();
  const made = (name: string) => join(directory, name);
  copyDisk(image.root, made("root.ext4"));
  homeDisk(made("home.ext4"));
  await payloadDisk(made("payload.ext4"));
  const hardware = { ...image, root: made("root.ext4"), payload: made("payload.ext4") };
  const machine = new Machine(workDirectory(), hardware, made("home.ext4"));
  try {
    await machine.boot({ keepsRoot: true });
    for (const user of ["kelp", "guest"])
      await machine.ok(`login:${user}`, "kelp load -q -i /opt/kelp/busybox.tar");
    await machine.save(made("state"));
    return directory;
  } catch (error) {
    rmSync(directory, { recursive: true });
    throw error;
  } finally {
    await machine.end();
  }
}

/** Changes with everything that is in a saved machine, and with what saves it. */
async function hashOfParts(): Promise<string> {
  const hash = createHash("sha256");
  for (const file of [KELP, await busyboxArchive(), join(import.meta.dirname, "..", "guest", "agent.sh")])
    hash.update(readFileSync(file));
  for (const name of readdirSync(import.meta.dirname).sort())
    hash.update(readFileSync(join(import.meta.dirname, name)));
  hash.update(Bun.spawnSync(["qemu-system-x86_64", "--version"]).stdout);
  return hash.digest("hex").slice(0, 16);
}
