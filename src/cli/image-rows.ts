/** An image as `images` prints it: podman's template fields, and its JSON. */
import { ago, humanSize, rfc3339 } from "../base/index.ts";
import { type ImageSummary, repoDigests } from "../image/index.ts";
import { goMap } from "./template/values.ts";

export interface RowView {
  /** IDs and digests whole. */
  readonly whole: boolean;
  readonly now: number;
}

export function imageRow(summary: ImageSummary, { whole, now }: RowView) {
  const { record } = summary;
  const since = ago(record.created, now);
  return {
    ID: whole ? `sha256:${record.id}` : record.id.slice(0, 12),
    Id: whole ? `sha256:${record.id}` : record.id,
    Repository: summary.repository ?? "<none>",
    Tag: summary.tag ?? "<none>",
    Digest: record.manifestDigest,
    Created: since,
    CreatedSince: since,
    CreatedTime: rfc3339(record.created),
    CreatedAt: `${new Date(record.created).toISOString().slice(0, 19).replace("T", " ")} +0000 UTC`,
    Size: humanSize(record.size, { precision: 3, separator: " " }),
    VirtualSize: record.size,
    Containers: summary.containers,
    Dangling: record.names.length === 0,
    History: [...record.names, ...record.formerNames].join(", "),
    Labels: goMap({ ...summary.labels }),
    Names: record.names,
    ParentId: summary.parent ?? "",
    ReadOnly: record.readOnly,
    RepoTags: record.names,
    RepoDigests: repoDigests(record),
    SharedSize: 0,
    summary: () => summary,
  };
}

export function imageJson(summary: ImageSummary): object {
  const { record } = summary;
  const history = [...record.names, ...record.formerNames];
  return {
    Id: record.id,
    ParentId: summary.parent ?? "",
    RepoTags: record.names.length === 0 ? null : record.names,
    RepoDigests: repoDigests(record),
    Size: record.size,
    SharedSize: 0,
    VirtualSize: record.size,
    Labels: Object.keys(summary.labels).length === 0 ? null : summary.labels,
    Containers: summary.containers,
    ...(record.names.length === 0 ? { Dangling: true } : {}),
    ...(record.readOnly ? { ReadOnly: true } : {}),
    Names: record.names.length === 0 ? undefined : record.names,
    Digest: record.manifestDigest,
    History: history.length === 0 ? undefined : history,
    Created: Math.floor(record.created / 1000),
    CreatedAt: rfc3339(record.created),
  };
}
