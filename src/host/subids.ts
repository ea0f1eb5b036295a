/** Which ids of the host a user namespace of ours may use. */

/** `size` ids from `container` on appear as those from `host` on outside. */
export interface IdRange {
  readonly container: number;
  readonly host: number;
  readonly size: number;
}

export interface IdMaps {
  readonly uid: readonly IdRange[];
  readonly gid: readonly IdRange[];
  /** Only container id 0 is mapped, to the user. */
  readonly single: boolean;
  /** Why it is single, for people. */
  readonly reason?: string;
  /** Paths of the set-uid helpers; absent if single, or if we are root and write the map ourselves. */
  readonly newuidmap?: string;
  readonly newgidmap?: string;
}

/** The maps for the calling user. */
export function loadIdMaps(): IdMaps {
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  return {
    uid: [{ container: 0, host: uid, size: 1 }],
    gid: [{ container: 0, host: gid, size: 1 }],
    single: true,
  };
}
