/** What a person should know after images came in. */
import type { StoredImage } from "../image/index.ts";
import type { Io } from "./command.ts";

/** A name that another image had until now. */
export function tellMoved(io: Io, stored: readonly StoredImage[]): void {
  for (const { name, from } of stored.flatMap(({ moved }) => moved)) {
    io.err(`${name} is now another image; the old one keeps its ID ${from.slice(0, 12)}\n`);
  }
}

/** Once, however many images there are. */
export function tellOwners(io: Io, stored: readonly StoredImage[]): void {
  if (!stored.some(({ ownersDropped }) => ownersDropped)) return;
  io.err("Only one user id is available: the image's files all belong to root inside containers\n");
}
