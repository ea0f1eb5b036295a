/** The shape of the database, as the steps that made it. A step is never changed once released; the next one is added. */

/** Step N brings a database of version N to N + 1. */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE layers (
    row INTEGER PRIMARY KEY AUTOINCREMENT, -- names a directory, so never given out twice
    diff_id TEXT NOT NULL,
    chain_id TEXT NOT NULL UNIQUE,
    parent INTEGER REFERENCES layers(row),
    blob TEXT,
    size INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX layers_parent ON layers(parent);

  CREATE TABLE images (
    id TEXT NOT NULL PRIMARY KEY,
    manifest_digest TEXT NOT NULL,
    created INTEGER NOT NULL,
    size INTEGER NOT NULL,
    read_only INTEGER NOT NULL,
    config TEXT NOT NULL
  ) STRICT;
  CREATE TABLE image_names (
    seq INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    image TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE
  ) STRICT;
  CREATE INDEX image_names_image ON image_names(image);
  CREATE TABLE image_digests (
    digest TEXT NOT NULL,
    image TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE,
    name TEXT NOT NULL, -- '': known by this digest alone; else fetched as name@digest
    PRIMARY KEY (digest, image, name)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX image_digests_image ON image_digests(image);
  CREATE TABLE image_layers (
    image TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    layer INTEGER NOT NULL REFERENCES layers(row),
    PRIMARY KEY (image, position)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX image_layers_layer ON image_layers(layer);

  CREATE TABLE containers (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    image TEXT NOT NULL, -- '' for --rootfs
    created INTEGER NOT NULL,
    config TEXT NOT NULL
  ) STRICT;
  CREATE INDEX containers_image ON containers(image) WHERE image <> '';

  CREATE TABLE volumes (
    name TEXT NOT NULL PRIMARY KEY,
    created INTEGER NOT NULL,
    driver TEXT NOT NULL,
    labels TEXT NOT NULL,
    options TEXT NOT NULL,
    anonymous INTEGER NOT NULL,
    mountpoint TEXT NOT NULL
  ) STRICT;
  `,
  `
  CREATE TABLE build_cache (
    key TEXT NOT NULL PRIMARY KEY, -- digest of everything the step depends on
    layer INTEGER REFERENCES layers(row), -- absent: the step changed no file
    blob_size INTEGER NOT NULL, -- bytes of the layer's tar
    created INTEGER NOT NULL,
    used INTEGER NOT NULL,
    note TEXT NOT NULL -- the instruction, or what else the step left behind
  ) STRICT;
  CREATE INDEX build_cache_layer ON build_cache(layer);
  `,
  `
  CREATE TABLE networks (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created INTEGER NOT NULL,
    config TEXT NOT NULL
  ) STRICT;
  CREATE TABLE endpoints (
    network TEXT NOT NULL, -- the default network has no row in networks
    container TEXT NOT NULL REFERENCES containers(id) ON DELETE CASCADE,
    interface TEXT NOT NULL,
    mac TEXT NOT NULL,
    ip TEXT,
    ip6 TEXT,
    PRIMARY KEY (network, container)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX endpoints_container ON endpoints(container);
  CREATE UNIQUE INDEX endpoints_ip ON endpoints(network, ip) WHERE ip IS NOT NULL;
  CREATE UNIQUE INDEX endpoints_ip6 ON endpoints(network, ip6) WHERE ip6 IS NOT NULL;
  CREATE TABLE lease_cursors (
    network TEXT NOT NULL,
    family INTEGER NOT NULL,
    last TEXT NOT NULL,
    PRIMARY KEY (network, family)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE secrets (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    labels TEXT NOT NULL,
    data BLOB NOT NULL -- encrypted with a key that is not in the store
  ) STRICT;
  `,
  `
  CREATE TABLE former_names (
    seq INTEGER PRIMARY KEY,
    image TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    UNIQUE (image, name)
  ) STRICT;
  `,
];
