/** `manifest create/add/annotate/inspect/remove`. */
import { randomBytes } from "node:crypto";
import { ConflictError, NotFoundError } from "../base/index.ts";
import {
  type Digest,
  digestHex,
  dockerReference,
  isDigest,
  localName,
  parseReference,
  tryParseReference,
} from "../oci/index.ts";
import type { AccessOptions } from "../registry/index.ts";
import type { Context } from "../state/index.ts";
import { BlobStore, lockShared } from "../storage/index.ts";
import { encodeIndex, type IndexDocument, type IndexEntry, publicIndex } from "./index-document.ts";
import {
  type AddFlags,
  described,
  type EntryFlags,
  localEntry,
  memberEntries,
  openPuller,
} from "./list-entries.ts";
import { documentType } from "./pull.ts";
import { readingError } from "./pull-errors.ts";
import { findImage, tryFindImage } from "./resolve.ts";
import { changeList, findList, listOf, merge } from "./stored-list.ts";

/** @returns its ID. @throws {ConflictError} `name-in-use` */
export async function createList(
  ctx: Context,
  name: string,
  members: readonly string[],
  flags: AddFlags & { readonly amend?: boolean },
): Promise<string> {
  const full = localName(name);
  const existing = ctx.state.images.byName(full);
  if (existing !== undefined && (flags.amend !== true || listOf(ctx, existing) === undefined)) {
    throw new ConflictError(
      "name-in-use",
      `image name ${JSON.stringify(full)} is already associated with image ${existing.id}: that name is already in use`,
      { exitCode: 125 },
    );
  }
  const { annotations, ...entryFlags } = flags;
  const entries: IndexEntry[] = [];
  for (const member of members) entries.push(...(await memberEntries(ctx, member, entryFlags)));
  if (existing === undefined)
    return newList(ctx, full, { entries, ...(annotations === undefined ? {} : { annotations }) });
  changeList(ctx, existing, (document) =>
    merge({ ...document, annotations: { ...document.annotations, ...annotations } }, entries),
  );
  return existing.id;
}

async function newList(ctx: Context, name: string, document: IndexDocument): Promise<string> {
  const lock = await lockShared(ctx.paths);
  try {
    const blobs = new BlobStore(ctx.paths);
    // What makes it an image of its own, related to no other.
    const created = new Date().toISOString();
    const history = [
      { created, created_by: `manifest ${randomBytes(16).toString("hex")}`, empty_layer: true },
    ];
    const rootfs = { type: "layers", diff_ids: [] };
    const config = JSON.stringify({ created, architecture: "", os: "linux", rootfs, history });
    const manifestDigest = blobs.put(encodeIndex(document));
    const id = digestHex(blobs.put(Buffer.from(config)));
    blobs.sync();
    ctx.state.images.put({
      id,
      manifestDigest,
      created: Date.parse(created),
      size: 0,
      names: [name],
      digests: [manifestDigest],
      repoDigests: [],
      layers: [],
      configJson: config,
      readOnly: false,
    });
    return id;
  } finally {
    lock.release();
  }
}

/** @returns the list's ID */
export async function addToList(
  ctx: Context,
  list: string,
  members: readonly string[],
  flags: AddFlags,
): Promise<string> {
  const { record } = findList(ctx, list);
  const lock = await lockShared(ctx.paths);
  try {
    const entries: IndexEntry[] = [];
    for (const member of members) {
      const found = await memberEntries(ctx, member, flags);
      entries.push(...found.map((entry) => described(entry, flags)));
    }
    changeList(ctx, record, (document) => merge(document, entries));
    return record.id;
  } finally {
    lock.release();
  }
}

/** @param member digest, or the name of an image whose manifest is in the list */
export function annotateEntry(ctx: Context, list: string, member: string, flags: EntryFlags): string {
  const { record, document } = findList(ctx, list);
  const digest = entryDigest(ctx, document, list, member);
  changeList(ctx, record, (current) => ({
    ...current,
    entries: current.entries.map((entry) => (entry.digest === digest ? described(entry, flags) : entry)),
  }));
  return record.id;
}

/** Annotations, and what it is about, of the index itself. */
export function annotateList(
  ctx: Context,
  list: string,
  flags: { readonly annotations?: Readonly<Record<string, string>>; readonly subject?: string | undefined },
): string {
  const { record } = findList(ctx, list);
  const subject = flags.subject === undefined ? {} : { subject: subjectOf(ctx, flags.subject) };
  changeList(ctx, record, (document) => ({
    ...document,
    annotations: { ...document.annotations, ...flags.annotations },
    ...subject,
  }));
  return record.id;
}

export function subjectOf(ctx: Context, name: string): object {
  const { record } = findImage(ctx, name);
  const { mediaType, digest, size } = localEntry(ctx, record);
  return { mediaType, digest, size };
}

/** @returns the list's ID */
export function removeFromList(ctx: Context, list: string, member: string): string {
  const { record, document } = findList(ctx, list);
  const digest = entryDigest(ctx, document, list, member);
  changeList(ctx, record, (current) => ({
    ...current,
    entries: current.entries.filter((entry) => entry.digest !== digest),
  }));
  return record.id;
}

function entryDigest(ctx: Context, document: IndexDocument, list: string, member: string): Digest {
  const name = member.replace(/^(docker:\/\/|containers-storage:)/, "");
  const digest = isDigest(name)
    ? name
    : (tryParseReference(name)?.digest ?? tryFindImage(ctx, name)?.record.manifestDigest);
  const found = document.entries.find((entry) => entry.digest === digest);
  if (found !== undefined) return found.digest;
  throw new NotFoundError(
    "instance-not-known",
    `no instance matching ${JSON.stringify(member)} found in manifest list ${list}`,
  );
}

/** The list as it would be pushed, else what a registry has under the name. */
export async function inspectList(
  ctx: Context,
  name: string,
  access: AccessOptions | undefined,
): Promise<unknown> {
  const local = name.includes("://") ? undefined : tryFindImage(ctx, name);
  const list = local === undefined ? undefined : listOf(ctx, local.record);
  if (list !== undefined) return JSON.parse(encodeIndex(publicIndex(list)).toString("utf8"));
  const reference = dockerReference(parseReference(name.replace(/^docker:\/\//, "")));
  const puller = await openPuller(ctx, access);
  const { top } = await puller.findManifest(reference, readingError);
  documentType(top);
  return JSON.parse(top.bytes.toString("utf8"));
}
