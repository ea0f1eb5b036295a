/**
 * The lines that a container's /etc/passwd and /etc/group lack: for a --user that the image does not know, for the
 * caller with --userns=keep-id, for --hostuser. The image's own files are read from its layers, as anybody's text.
 */
import { join } from "node:path";
import { UsageError } from "../base/index.ts";
import { containerDir, lookupGroup, lookupUser, readIfExists, writeFileAtomic } from "../host/index.ts";
import { type BindFiles, readUserFiles, type UserFiles } from "../runtime/index.ts";
import type { ContainerConfig, ContainerRecord, Context, RootfsSource } from "../state/index.ts";

interface Line {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly fullName: string;
  readonly home: string;
}

/** The texts as the container will see them, written into its directory if they are not the image's. */
export function writeUserFiles(
  ctx: Context,
  { id, config }: ContainerRecord,
  rootfs: RootfsSource,
): { readonly users: UserFiles; readonly files: NonNullable<BindFiles["more"]> } {
  const image = readUserFiles(rootfs);
  const users = config.userLines?.none === true ? image : completeUsers(config, image);
  const files: Record<string, string> = {};
  for (const [name, before] of Object.entries(image)) {
    const text = users[name as keyof UserFiles];
    const covered = config.mounts.some(({ destination }) => ["/etc", `/etc/${name}`].includes(destination));
    if (text === before || covered) continue;
    const path = join(containerDir(ctx.paths, id), name);
    writeFileAtomic(path, text, { mode: 0o644 });
    files[`/etc/${name}`] = path;
  }
  return { users, files };
}

/** For a further process of the container: what its start has written, else the image's. */
export function currentUsers(ctx: Context, { id }: ContainerRecord, rootfs: RootfsSource): UserFiles {
  const image = readUserFiles(rootfs);
  const own = (name: string) => readIfExists(join(containerDir(ctx.paths, id), name));
  return { passwd: own("passwd") ?? image.passwd, group: own("group") ?? image.group };
}

/** The image's texts with the lines that are missing. */
export function completeUsers(config: ContainerConfig, image: UserFiles): UserFiles {
  const passwd = [...hostUserLines(config, image), ...ownUserLines(config, image)];
  const group = groupLines(config, image);
  return { passwd: append(image.passwd, passwd), group: append(image.group, group) };
}

function append(text: string, lines: readonly string[]): string {
  if (lines.length === 0) return text;
  const start = text === "" || text.endsWith("\n") ? text : `${text}\n`;
  return `${start}${lines.join("\n")}\n`;
}

const fieldsOf = (text: string) => text.split("\n").map((line) => line.split(":"));
const hasId = (text: string, id: number) => fieldsOf(text).some((fields) => fields[2] === String(id));
const hasName = (text: string, name: string) => fieldsOf(text).some((fields) => fields[0] === name);

function hostUserLines(config: ContainerConfig, image: UserFiles): string[] {
  return (config.userLines?.hostUsers ?? []).flatMap((word) => {
    const user = lookupUser(/^\d+$/.test(word) ? Number(word) : word);
    if (user === undefined)
      throw new UsageError("unknown-user", `cannot add user ${word}: this machine has none of that name`, {
        exitCode: 126,
      });
    const known = hasName(image.passwd, user.name) || hasId(image.passwd, user.uid);
    return known ? [] : [passwdLine({ ...user, home: homeOf(config, user.home) })];
  });
}

/** podman's home of somebody the image does not know: the working directory, or their own where it is mounted. */
function homeOf(config: ContainerConfig, own: string): string {
  const mounted = config.mounts.some(({ destination }) => destination === own);
  return mounted ? own : config.workdir || "/";
}

function ownUserLines(config: ContainerConfig, image: UserFiles): string[] {
  const line = ownUser(config, image);
  if (line === undefined) return [];
  const template = config.userLines?.passwdEntry;
  return [template === undefined ? passwdLine(line) : fill(template, line)];
}

function ownUser(config: ContainerConfig, image: UserFiles): Line | undefined {
  const [userWord = "", groupWord = ""] = config.user.split(":");
  if (!/^\d+$/.test(userWord)) return undefined;
  const uid = Number(userWord);
  if (hasId(image.passwd, uid)) return undefined;
  const gid = /^\d+$/.test(groupWord) ? Number(groupWord) : 0;
  const self = config.namespaces.user.startsWith("keep-id") ? lookupUser(process.getuid?.() ?? 0) : undefined;
  if (self !== undefined && !hasName(image.passwd, self.name) && isSelf(config, uid)) {
    const { name, fullName } = self;
    // `-u $(id -u)` alone means the caller's own group, too: files in a bind mount are to be theirs.
    const own = groupWord === "" ? selfGid(config) : gid;
    return { name, uid, gid: own, fullName, home: homeOf(config, self.home) };
  }
  // One that --hostuser adds is known already.
  if (hostUserLines(config, image).some((line) => line.split(":")[2] === userWord)) return undefined;
  return { name: userWord, uid, gid, fullName: "container user", home: config.workdir || "/" };
}

function isSelf({ ownIds }: ContainerConfig, uid: number): boolean {
  return ownIds?.uid.some(({ container, host }) => container === uid && host === 0) === true;
}

function selfGid({ ownIds }: ContainerConfig): number {
  return ownIds?.gid.find(({ host }) => host === 0)?.container ?? 0;
}

function passwdLine({ name, uid, gid, fullName, home }: Line): string {
  return `${name}:*:${uid}:${gid}:${fullName}:${home}:/bin/sh`;
}

function groupLines(config: ContainerConfig, image: UserFiles): string[] {
  const [userWord = "", groupWord = ""] = config.user.split(":");
  const template = config.userLines?.groupEntry;
  const gid = Number(groupWord);
  const numeric = /^\d+$/.test(groupWord) && !hasId(image.group, gid);
  if (!numeric) return template === undefined ? [] : [fill(template, { name: "", uid: 0, gid: 0 })];
  const keeps = config.namespaces.user.startsWith("keep-id");
  const own = keeps ? lookupGroup(process.getgid?.() ?? 0) : undefined;
  const name = own !== undefined && !hasName(image.group, own) ? own : groupWord;
  if (template !== undefined) return [fill(template, { name, uid: 0, gid })];
  const member = keeps ? (lookupUser(process.getuid?.() ?? 0)?.name ?? userWord) : userWord;
  return [`${name}:x:${gid}:${member}`];
}

/** podman's variables in --passwd-entry and --group-entry. */
function fill(template: string, line: Partial<Line> & { readonly gid: number }): string {
  const values: Readonly<Record<string, string>> = {
    USERNAME: line.name ?? "",
    UID: String(line.uid ?? 0),
    GID: String(line.gid),
    NAME: line.fullName ?? "",
    HOME: line.home ?? "",
    GROUPNAME: line.name ?? "",
    USERLIST: "",
  };
  const text = template.replace(
    /\$(USERNAME|UID|GID|NAME|HOME|GROUPNAME|USERLIST)/g,
    (_, name: string) => values[name]!,
  );
  if (/[\n\0]/.test(text)) throw new UsageError("invalid-entry", "an entry of passwd or group is one line");
  return text;
}
