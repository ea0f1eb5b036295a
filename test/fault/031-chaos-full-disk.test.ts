/** The same as 030-chaos on a disk that is full now and then. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { requires, smallDisk, useSandbox } from "../support/index.ts";
import { fillDisk } from "./support/chaos/faults.ts";
import { SEED, unleash } from "./support/chaos/unleash.ts";

const disk = smallDisk() ?? "";
const box = useSandbox("031-chaos-full-disk", { XDG_DATA_HOME: join(disk, "data"), TMPDIR: "/var/tmp" });
const { test } = requires("busybox", "overlay", "subuid", "smalldisk");

test(`a disk that is full now and then (seed ${SEED})`, async () => {
  mkdirSync(join(disk, "data", "kelp"), { recursive: true, mode: 0o700 });
  await unleash(box, { seed: SEED, moves: 30, kills: 0, faults: [fillDisk(disk)] });
}, 900_000);
