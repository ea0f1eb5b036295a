/** The mount that a path is on, from the kernel's list. */
import type { MountFacts } from "./facts.ts";

/** @param mountinfo text of /proc/self/mountinfo; of mounts on the same place the last is the one that is seen */
export function mountOf(mountinfo: string, path: string): Pick<MountFacts, "type" | "flags"> {
  let best = { target: "", type: "unknown", flags: [] as string[] };
  for (const line of mountinfo.split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    const [, , , , target = "", flags = ""] = before.split(" ");
    const place = unescaped(target);
    const holds = path === place || path.startsWith(place === "/" ? "/" : `${place}/`);
    if (target === "" || !holds || place.length < best.target.length) continue;
    best = { target: place, type: after.split(" ")[0] ?? "unknown", flags: flags.split(",") };
  }
  return { type: best.type, flags: best.flags };
}

/** Blanks, tabs, newlines and backslashes are octal there. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_all, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
