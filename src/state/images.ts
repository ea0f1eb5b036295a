/** The images' records, their names and the digests they are known by. */
import type { Database, Row } from "./db.ts";
import { isIdPrefix } from "./names.ts";
import type { ImageRecord } from "./records.ts";

const SELECT = `SELECT id, manifest_digest, created, size, read_only, config,
  (SELECT json_group_array(name) FROM (SELECT name FROM image_names WHERE image = images.id ORDER BY seq)) AS names,
  (SELECT json_group_array(name) FROM (SELECT name FROM former_names WHERE image = images.id
    AND name NOT IN (SELECT name FROM image_names WHERE image = images.id) ORDER BY seq DESC)) AS former_names,
  (SELECT json_group_array(digest) FROM image_digests WHERE image = images.id AND name = '') AS digests,
  (SELECT json_group_array(name || '@' || digest) FROM image_digests WHERE image = images.id AND name <> '') AS repo_digests,
  (SELECT json_group_array(layer) FROM (SELECT layer FROM image_layers WHERE image = images.id ORDER BY position)) AS layers
  FROM images`;

export type NewImageRecord = Omit<ImageRecord, "formerNames">;

export class Images {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /**
   * Records an image, or adds the given names and digests to the one that is there: the same
   * content loaded twice is one image. A name moves here from whichever image had it. Layers follow from the content:
   * others than these are damage, and are replaced.
   */
  put(image: NewImageRecord): ImageRecord {
    return this.#db.transaction(() => {
      const known = this.get(image.id);
      if (known === undefined) this.#insert(image);
      if (known?.layers.join() !== image.layers.join()) this.#setLayers(image.id, image.layers);
      for (const name of image.names) this.#setName(image.id, name);
      for (const digest of image.digests) this.#addDigest(image.id, digest, "");
      for (const reference of image.repoDigests) {
        const at = reference.lastIndexOf("@");
        this.#addDigest(image.id, reference.slice(at + 1), reference.slice(0, at));
      }
      return this.get(image.id) as ImageRecord;
    });
  }

  #insert(image: NewImageRecord): void {
    this.#db.run(
      "INSERT INTO images (id, manifest_digest, created, size, read_only, config) VALUES (?, ?, ?, ?, ?, ?)",
      image.id,
      image.manifestDigest,
      image.created,
      image.size,
      image.readOnly ? 1 : 0,
      image.configJson,
    );
  }

  #setLayers(id: string, layers: readonly number[]): void {
    this.#db.run("DELETE FROM image_layers WHERE image = ?", id);
    for (const [position, layer] of layers.entries())
      this.#db.run("INSERT INTO image_layers (image, position, layer) VALUES (?, ?, ?)", id, position, layer);
  }

  #setName(id: string, name: string): void {
    this.#dropName(name, "AND image <> ?", id);
    this.#db.run("INSERT OR IGNORE INTO image_names (name, image) VALUES (?, ?)", name, id);
  }

  /** Takes a name from the image that has it, which remembers. */
  #dropName(name: string, condition = "", ...values: string[]): boolean {
    const where = `FROM image_names WHERE name = ? ${condition}`;
    this.#db.run(
      `INSERT OR REPLACE INTO former_names (image, name) SELECT image, name ${where}`,
      name,
      ...values,
    );
    return this.#db.run(`DELETE ${where}`, name, ...values).changes > 0;
  }

  #addDigest(id: string, digest: string, name: string): void {
    this.#db.run(
      "INSERT OR IGNORE INTO image_digests (digest, image, name) VALUES (?, ?, ?)",
      digest,
      id,
      name,
    );
  }

  /** Gives an image another manifest: only indexes made here change, and keep their id. */
  setManifest(id: string, digest: string): void {
    this.#db.transaction(() => {
      this.#db.run("DELETE FROM image_digests WHERE image = ? AND name = ''", id);
      this.#db.run("UPDATE images SET manifest_digest = ? WHERE id = ?", digest, id);
      this.#addDigest(id, digest, "");
    });
  }

  /** By full id. */
  has(id: string): boolean {
    return this.#db.get("SELECT 1 FROM images WHERE id = ?", id) !== undefined;
  }

  /** By full id. */
  get(id: string): ImageRecord | undefined {
    return optional(this.#db.get(`${SELECT} WHERE id = ?`, id));
  }

  /** By normalised name, `docker.io/library/x:latest`. */
  byName(name: string): ImageRecord | undefined {
    return optional(
      this.#db.get(`${SELECT} WHERE id = (SELECT image FROM image_names WHERE name = ?)`, name),
    );
  }

  /** Every image whose id begins so; an empty list for what cannot be an id. */
  byIdPrefix(prefix: string): ImageRecord[] {
    if (!isIdPrefix(prefix)) return [];
    return this.#db.all(`${SELECT} WHERE id >= ? AND id < ? ORDER BY id`, prefix, `${prefix}g`).map(toRecord);
  }

  /** Every image known by this digest (`sha256:…`), also as a part of an index. */
  byDigest(digest: string): ImageRecord[] {
    const ids = "SELECT image FROM image_digests WHERE digest = ?";
    return this.#db
      .all(`${SELECT} WHERE manifest_digest = ? OR id IN (${ids}) ORDER BY created DESC`, digest, digest)
      .map(toRecord);
  }

  /** All, newest first. */
  list(): ImageRecord[] {
    return this.#db.all(`${SELECT} ORDER BY created DESC, id`).map(toRecord);
  }

  /** Gives an image a further name; another image that had it loses it. */
  tag(id: string, name: string): void {
    this.#db.transaction(() => this.#setName(id, name));
  }

  /** Takes a name, or a `name@digest` it was fetched with, away; false if no image had it. */
  untag(name: string): boolean {
    const at = name.indexOf("@");
    return this.#db.transaction(() => {
      if (at < 0) return this.#dropName(name);
      const { changes } = this.#db.run(
        "DELETE FROM image_digests WHERE digest = ? AND name = ?",
        name.slice(at + 1),
        name.slice(0, at).replace(/:[^/:]*$/, ""),
      );
      return changes > 0;
    });
  }

  /** Forgets an image with its names and digests; false if it was not there. Layers stay: see `Layers.unused`. */
  remove(id: string): boolean {
    this.#db.makeRoom();
    return this.#db.transaction(() => this.#db.run("DELETE FROM images WHERE id = ?", id).changes > 0);
  }
}

function optional(row: Row | undefined): ImageRecord | undefined {
  return row === undefined ? undefined : toRecord(row);
}

function toRecord(row: Row): ImageRecord {
  return {
    id: row.id as string,
    manifestDigest: row.manifest_digest as string,
    created: row.created as number,
    size: row.size as number,
    names: JSON.parse(row.names as string),
    formerNames: JSON.parse(row.former_names as string),
    digests: JSON.parse(row.digests as string),
    repoDigests: JSON.parse(row.repo_digests as string),
    layers: JSON.parse(row.layers as string),
    configJson: row.config as string,
    readOnly: row.read_only === 1,
  };
}
