import { expect, test } from "bun:test";
import { idSupport, loadIdMaps, type SubidSources } from "../../../src/host/subids.ts";

const USER_STATUS = "NoNewPrivs:\t0\nCapEff:\t0000000000000000\n";
const ROOT_STATUS = "NoNewPrivs:\t0\nCapEff:\t000001ffffffffff\n";

function sources(files: Record<string, string>, changes: Partial<SubidSources> = {}): SubidSources {
  const all: Record<string, string> = { "/proc/self/status": USER_STATUS, ...files };
  return {
    uid: 1000,
    gid: 1000,
    userName: () => "ann",
    read: (path) => all[path],
    getsubids: () => undefined,
    findProgram: (name) => `/usr/bin/${name}`,
    mayMapIds: () => true,
    ...changes,
  };
}

/** Both files with the same content; the uid map without the user's own line. */
function granted(text: string, changes: Partial<SubidSources> = {}): string[] {
  const maps = loadIdMaps(sources({ "/etc/subuid": text, "/etc/subgid": text }, changes));
  expect(maps.uid[0]).toEqual({ container: 0, host: 1000, size: 1 });
  return maps.uid.slice(1).map(({ container, host, size }) => `${container}=${host}+${size}`);
}

test("the usual file gives one range after the user", () => {
  const maps = loadIdMaps(
    sources({ "/etc/subuid": "bob:165536:65536\nann:100000:65536\n", "/etc/subgid": "ann:200000:65536" }),
  );
  expect(maps).toEqual({
    uid: [
      { container: 0, host: 1000, size: 1 },
      { container: 1, host: 100000, size: 65536 },
    ],
    gid: [
      { container: 0, host: 1000, size: 1 },
      { container: 1, host: 200000, size: 65536 },
    ],
    single: false,
    newuidmap: "/usr/bin/newuidmap",
    newgidmap: "/usr/bin/newgidmap",
  });
});

test.each([
  ["by uid", "1000:100000:10", ["1=100000+10"]],
  ["by name and by uid, in the file's order", "1000:300000:5\nann:100000:10", ["1=300000+5", "6=100000+10"]],
  [
    "adjacent ranges stay apart, as newuidmap checks each",
    "ann:100:10\nann:110:10",
    ["1=100+10", "11=110+10"],
  ],
  [
    "without a final newline, with one too many, with CRLF",
    "ann:100:10\r\n\n\nann:200:5",
    ["1=100+10", "11=200+5"],
  ],
  [
    "malformed lines are skipped",
    "ann\nann:\nann:1\nann:x:5\nann:-1:5\nann:5:-1\nann:1:2:3\n:1:2\n#ann:1:2\nann:0x10:5\nann:700:3",
    ["1=700+3"],
  ],
  ["an empty range is none", "ann:100:0\nann:200:1", ["1=200+1"]],
  ["host id 0 is cut off", "ann:0:10", ["1=1+9"]],
  ["the user's own id is cut out", "ann:995:10", ["1=995+5", "6=1001+4"]],
  ["a doubled line counts once", "ann:100:10\nann:100:10\n1000:100:10", ["1=100+10"]],
  ["overlapping lines of the user count once", "ann:100:10\nann:105:10", ["1=100+10", "11=110+5"]],
  ["what another user's line claims is cut out", "ann:100:100\nbob:150:10", ["1=100+50", "51=160+40"]],
  ["another user inside, written first and by uid", "1001:0:120\nann:100:100", ["1=120+80"]],
  ["names are compared whole", "anna:100:10\nAnn:200:10\nan:300:10\nann:400:10", ["1=400+10"]],
  ["ids beyond the last are cut off", "ann:4294967290:65536", ["1=4294967290+5"]],
  [
    "starts beyond the last are skipped",
    "ann:4294967295:5\nann:9999999999:5\nann:99999999999999999999:5\nann:50:5",
    ["1=50+5"],
  ],
] as const)("subordinate ids: %s", (_name, text, expected) => {
  expect(granted(text)).toEqual([...expected]);
});

test("a file of twenty thousand lines is read in time, and the kernel's limit of lines is kept", () => {
  const others = Array.from({ length: 20_000 }, (_, i) => `user${i}:${200_000 + i * 100}:100`);
  const own = Array.from({ length: 400 }, (_, i) => `ann:${100_000 + i * 10}:5`);
  const started = performance.now();
  expect(granted([...others, ...own].join("\n"))).toHaveLength(339);
  expect(performance.now() - started).toBeLessThan(2000);
});

test.each([
  [
    "nothing for the user",
    { "/etc/subuid": "bob:1:2", "/etc/subgid": "ann:100:10" },
    {},
    "/etc/subuid gives no range to ann",
  ],
  ["no file", { "/etc/subuid": "ann:100:10" }, {}, "/etc/subgid gives no range to ann"],
  [
    "all ids are somebody else's, too",
    { "/etc/subuid": "ann:100:10\nbob:50:500" },
    {},
    "/etc/subuid gives no range to ann",
  ],
  [
    "no helper",
    {},
    { findProgram: () => undefined },
    "newuidmap is not installed (package uidmap or shadow-utils)",
  ],
  [
    "one helper",
    {},
    { findProgram: (name: string) => (name === "newuidmap" ? "/n" : undefined) },
    "newgidmap is not installed (package uidmap or shadow-utils)",
  ],
  [
    "a helper without privilege",
    {},
    { mayMapIds: (name: string) => name === "/usr/bin/newuidmap" },
    "/usr/bin/newgidmap is neither set-uid root nor has the file capability",
  ],
  [
    "no_new_privs",
    { "/proc/self/status": "NoNewPrivs:\t1\n" },
    {},
    "this process may not gain privileges (no_new_privs)",
  ],
] as const)("a single id with the reason: %s", (_name, files, changes, reason) => {
  expect(loadIdMaps(sources(files as Record<string, string>, changes as Partial<SubidSources>))).toEqual({
    uid: [{ container: 0, host: 1000, size: 1 }],
    gid: [{ container: 0, host: 1000, size: 1 }],
    single: true,
    reason,
  });
});

test("getsubids answers where the system's configuration names another source", () => {
  const maps = loadIdMaps(
    sources(
      { "/etc/nsswitch.conf": "passwd: files sss\nsubid: sss\n", "/etc/subuid": "ann:1:5" },
      { getsubids: (owner, kind) => `0: ${owner} ${kind === "uid" ? 500 : 600} 10\n` },
    ),
  );
  expect([maps.uid[1], maps.gid[1]]).toEqual([
    { container: 1, host: 500, size: 10 },
    { container: 1, host: 600, size: 10 },
  ]);
});

test("a user without a name is found by uid", () => {
  expect(granted("1000:100:10", { userName: () => undefined })).toEqual(["1=100+10"]);
});

const ROOT_FILES = {
  "/proc/self/status": ROOT_STATUS,
  "/proc/self/uid_map": "         0          0 4294967295\n",
  "/proc/self/gid_map": "         0          0 4294967295\n",
};
const root = (files: Record<string, string>) =>
  loadIdMaps(sources({ ...ROOT_FILES, ...files }, { uid: 0, gid: 0 }));

test("root maps itself and the range of `containers`, else its own, without helpers", () => {
  const text = "root:300000:65536\ncontainers:500000:65536\n";
  const both = root({ "/etc/subuid": text, "/etc/subgid": "0:300000:65536" });
  expect(both).toEqual({
    uid: [
      { container: 0, host: 0, size: 1 },
      { container: 1, host: 500000, size: 65536 },
    ],
    gid: [
      { container: 0, host: 0, size: 1 },
      { container: 1, host: 300000, size: 65536 },
    ],
    single: false,
  });
});

test("root without a range takes one that nobody claims", () => {
  const start = 0x70000000;
  const maps = root({ "/etc/subuid": `ann:${start - 10}:20`, "/etc/subgid": "" });
  expect(maps.uid[1]).toEqual({ container: 1, host: start + 10, size: 65536 });
  expect(maps.gid[1]).toEqual({ container: 1, host: start, size: 65536 });
});

test("root of a user namespace shares that namespace's ids", () => {
  const nested = root({
    "/proc/self/uid_map": "0 1000 1\n1 100000 65536",
    "/proc/self/gid_map": "0 1000 1\n1 100000 65536",
  });
  expect(nested.uid).toEqual([
    { container: 0, host: 0, size: 1 },
    { container: 1, host: 1, size: 65536 },
  ]);
  const alone = root({ "/proc/self/uid_map": "0 1000 1", "/proc/self/gid_map": "0 1000 1" });
  expect(alone).toMatchObject({ single: true, reason: "this user namespace has no other ids" });
});

test("root without the capabilities is an ordinary user", () => {
  const maps = loadIdMaps(
    sources(
      {
        ...ROOT_FILES,
        "/proc/self/status": USER_STATUS,
        "/etc/subuid": "root:9:9",
        "/etc/subgid": "root:9:9",
      },
      {
        uid: 0,
        gid: 0,
        userName: () => "root",
      },
    ),
  );
  expect(maps).toMatchObject({ single: false, newuidmap: "/usr/bin/newuidmap" });
});

test("ids that a new user could be given begin after all that anybody has", () => {
  const subids = { "/etc/subuid": "ann:100000:65536\nbob:165536:65536\n", "/etc/subgid": "ann:300000:10\n" };
  expect(idSupport(sources(subids)).freeFrom).toBe(300010);
  expect(idSupport(sources({})).freeFrom).toBe(100000);
});
