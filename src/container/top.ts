/** `top`: columns over a container's processes, by podman's descriptors or ps's options. */
import { ConflictError, formatDuration, UsageError } from "../base/index.ts";
import type { ContainerRecord, Context } from "../state/index.ts";
import { cgroupOf } from "./cgroup-note.ts";
import { type ContainerProcess, containerProcesses } from "./processes.ts";
import { containerRootfs } from "./rootfs.ts";
import { statusOf } from "./status.ts";
import { currentUsers } from "./user-db.ts";

interface Names {
  readonly users: ReadonlyMap<number, string>;
  readonly groups: ReadonlyMap<number, string>;
}

interface Column {
  readonly heading: string;
  readonly value: (process: ContainerProcess, names: Names) => string;
}

const named = (map: ReadonlyMap<number, string>, id: number) => map.get(id) ?? String(id);
const text = (process: ContainerProcess) =>
  process.args.length === 0 ? `[${process.comm}]` : process.args.join(" ");
const capability = (key: string) => (process: ContainerProcess) =>
  /^0+$/.test(process.status.get(key) ?? "0") ? "none" : `0x${process.status.get(key)}`;
const cpu = ({ cpuTime, elapsed }: ContainerProcess) =>
  (elapsed > 0 ? (100 * cpuTime) / elapsed : 0).toFixed(3);

function tty({ ttyNumber }: ContainerProcess): string {
  if (ttyNumber === 0) return "?";
  const major = (ttyNumber >> 8) & 0xfff;
  const minor = (ttyNumber & 0xff) | ((ttyNumber >> 12) & 0xfff00);
  return major >= 136 && major < 144 ? `pts/${minor}` : `tty${minor}`;
}

const COLUMNS: Readonly<Record<string, Column>> = {
  args: { heading: "COMMAND", value: text },
  capamb: { heading: "AMBIENT CAPS", value: capability("CapAmb") },
  capbnd: { heading: "BOUNDING CAPS", value: capability("CapBnd") },
  capeff: { heading: "EFFECTIVE CAPS", value: capability("CapEff") },
  capinh: { heading: "INHERITED CAPS", value: capability("CapInh") },
  capprm: { heading: "PERMITTED CAPS", value: capability("CapPrm") },
  comm: { heading: "COMMAND", value: (process) => process.comm },
  etime: { heading: "ELAPSED", value: (process) => formatDuration(Math.round(process.elapsed * 100) * 1e7) },
  group: { heading: "GROUP", value: (process, { groups }) => named(groups, process.gid) },
  groups: { heading: "GROUPS", value: (process, { groups }) => named(groups, process.gid) },
  hgroup: { heading: "HGROUP", value: (process) => String(process.hostGid) },
  hpid: { heading: "HPID", value: (process) => String(process.hostPid) },
  huser: { heading: "HUSER", value: (process) => String(process.hostUid) },
  label: { heading: "LABEL", value: () => "?" },
  nice: { heading: "NI", value: (process) => String(process.nice) },
  pcpu: { heading: "%CPU", value: cpu },
  pgid: { heading: "PGID", value: (process) => String(process.pgid) },
  pid: { heading: "PID", value: (process) => String(process.pid) },
  ppid: { heading: "PPID", value: (process) => String(process.ppid) },
  rgroup: { heading: "RGROUP", value: (process, { groups }) => named(groups, process.gid) },
  rss: { heading: "RSS", value: (process) => String(process.rssKb) },
  ruser: { heading: "RUSER", value: (process, { users }) => named(users, process.uid) },
  seccomp: {
    heading: "SECCOMP",
    value: (process) => ["disabled", "strict", "filter"][Number(process.status.get("Seccomp") ?? 0)] ?? "?",
  },
  state: { heading: "STATE", value: (process) => process.state },
  stime: {
    heading: "STIME",
    value: (process) => new Date(Date.now() - process.elapsed * 1000).toISOString(),
  },
  time: { heading: "TIME", value: (process) => formatDuration(Math.round(process.cpuTime * 100) * 1e7) },
  tty: { heading: "TTY", value: tty },
  user: { heading: "USER", value: (process, { users }) => named(users, process.uid) },
  vsz: { heading: "VSZ", value: (process) => String(process.vsizeKb) },
};

/** Spellings of ps, and podman's percent codes. */
const ALIASES: Readonly<Record<string, string>> = {
  "%C": "pcpu",
  "%G": "group",
  "%P": "ppid",
  "%U": "user",
  "%a": "args",
  "%c": "comm",
  "%g": "rgroup",
  "%n": "nice",
  "%p": "pid",
  "%r": "pgid",
  "%t": "etime",
  "%u": "ruser",
  "%x": "time",
  "%y": "tty",
  "%z": "vsz",
  "%cpu": "pcpu",
  cmd: "args",
  command: "args",
  ucmd: "comm",
  ucomm: "comm",
  euser: "user",
  egroup: "group",
  ni: "nice",
  s: "state",
  stat: "state",
  tt: "tty",
  uid: "user",
  vsize: "vsz",
  cputime: "time",
};
const DEFAULT = ["user", "pid", "ppid", "pcpu", "etime", "tty", "time", "args"];
const PS_FULL = ["user", "pid", "ppid", "pcpu", "stime", "tty", "time", "args"];

/** Descriptors for `--list-descriptors`. */
export const DESCRIPTORS = Object.keys(COLUMNS).sort();

/** Heading and rows; words are descriptors (comma-separated or not) or options of ps. */
export async function containerTop(
  ctx: Context,
  record: ContainerRecord,
  words: readonly string[],
): Promise<string[][]> {
  const columns = chooseColumns(words);
  const status = statusOf(ctx, record);
  if (status.pid === 0 || status.state === "initialized") {
    throw new ConflictError("not-running", "top can only be used on running containers");
  }
  const files = currentUsers(ctx, record, await containerRootfs(ctx, record));
  const names = { users: byId(files.passwd), groups: byId(files.group) };
  const rows = containerProcesses(status.pid, cgroupOf(ctx, record.id)?.processes).map((process) =>
    columns.map((column) => column.value(process, names)),
  );
  return [columns.map((column) => column.heading), ...rows];
}

function byId(table: string): Map<number, string> {
  const names = new Map<number, string>();
  for (const line of table.split("\n")) {
    const [name, , id] = line.split(":");
    if (name && id && /^\d+$/.test(id) && !names.has(Number(id))) names.set(Number(id), name);
  }
  return names;
}

function chooseColumns(words: readonly string[]): Column[] {
  const all = words.join(" ").trim();
  if (all === "") return DEFAULT.map((name) => COLUMNS[name]!);
  const list =
    /(?:^|\s)-\w*o\s*(.+)$/.exec(all)?.[1] ??
    (/^-?[a-zA-Z]+$/.test(all) && /^(-|aux?$)/.test(all) ? undefined : all);
  const chosen = list === undefined ? PS_FULL : list.split(/[\s,]+/).filter((word) => word !== "");
  return chosen.map(columnOf);
}

function columnOf(word: string): Column {
  const name = ALIASES[word] ?? word;
  const column = COLUMNS[name.toLowerCase()] ?? COLUMNS[ALIASES[name.toLowerCase()] ?? ""];
  if (column === undefined) {
    throw new UsageError("unknown-descriptor", `unknown descriptor ${JSON.stringify(word)}`, {
      hint: `Descriptors: ${DESCRIPTORS.join(", ")}.`,
    });
  }
  return column;
}
