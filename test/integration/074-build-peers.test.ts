/** The same files built by buildah and by kelp: the same tree, the same configuration. */
import { beforeAll, expect } from "bun:test";
import { linkSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { busyboxArchive, debianArchive, makeTar, requires, run, useSandbox } from "../support/index.ts";
import { type OciImage, readOciImage } from "../support/oci-tree.ts";

const box = useSandbox("074-build-peers");
const peers = requires("buildah", "overlay", "unprivileged");

const buildahStore = () => ["--root", join(box.directory, "b"), "--runroot", join(box.runtime, "b")];

async function buildah(...args: string[]): Promise<string> {
  const words = ["buildah", ...buildahStore(), "--storage-driver", "overlay", ...args];
  const { code, stdout, stderr } = await run(words[0] as string, words.slice(1), {
    env: { ...box.env, PATH: process.env.PATH ?? "" },
    cwd: box.directory,
    timeout: 300_000,
  });
  if (code !== 0) throw new Error(`buildah ${args.join(" ")}: ${stdout}${stderr}`);
  return stdout.trim();
}

beforeAll(async () => {
  const archive = await busyboxArchive();
  await box.ok(["load", "-i", archive]);
  if (Bun.which("buildah") === null) return;
  // Its files belong to subordinate ids.
  const stores = [join(box.directory, "b"), join(box.runtime, "b")];
  box.ends.push(async () => void (await buildah("unshare", "rm", "-rf", ...stores)));
  await buildah("pull", "-q", `docker-archive:${archive}`);
});

type Files = Readonly<Record<string, string | Uint8Array>>;

function context(files: Files, links: Readonly<Record<string, string>> = {}): string {
  const directory = mkdtempSync(join(box.directory, "ctx-"));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), content);
  }
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(directory, name));
  return directory;
}

/** What each engine lays over a step, and not the file: it leaves the places behind or not. */
const ENGINES_OWN = /^(dev|proc|sys|run|etc\/(hosts|hostname|resolv\.conf))(\/|$)/;

function comparable({ config, files }: OciImage): unknown {
  // The OCI format has no place for triggers and a shell: buildah drops them with a warning, BuildKit and kelp keep them.
  const {
    Labels = {},
    OnBuild: _,
    Shell: _shell,
    ...rest
  } = config as { Labels?: Record<string, string> | null; OnBuild?: unknown; Shell?: unknown };
  const labels = Object.entries(Labels ?? {}).filter(([name]) => name !== "io.buildah.version");
  return {
    config: Object.fromEntries(Object.entries({ ...rest, Labels: labels.sort() }).sort()),
    files: [...files].filter(([path]) => !ENGINES_OWN.test(path)).sort(),
  };
}

async function unpacked(archive: string): Promise<OciImage> {
  const directory = `${archive}.d`;
  mkdirSync(directory);
  Bun.spawnSync(["tar", "-C", directory, "-xf", archive]);
  return readOciImage(directory);
}

let count = 0;

async function both(directory: string, flags: readonly string[] = []): Promise<[unknown, unknown]> {
  const name = `peer-${++count}`;
  const archive = (by: string) => join(box.directory, `${name}-${by}.tar`);
  await box.ok(["build", "-q", "-t", name, ...flags, directory]);
  await box.ok(["save", "-q", "--format", "oci-archive", "-o", archive("kelp"), name]);
  await buildah("build", "-q", "--isolation", "chroot", "--pull-never", "-t", name, ...flags, directory);
  await buildah("push", "-q", name, `oci-archive:${archive("buildah")}`);
  return [comparable(await unpacked(archive("kelp"))), comparable(await unpacked(archive("buildah")))];
}

function same(title: string, make: () => string | Promise<string>, flags: readonly string[] = []): void {
  peers.test(
    title,
    async () => {
      const [ours, theirs] = await both(await make(), flags);
      expect(ours).toEqual(theirs);
    },
    180_000,
  );
}

const FROM = "FROM localhost/busybox\n";

same("RUN: shell and exec forms, SHELL, directories, owners, links, removals", () =>
  context({
    Dockerfile: `${FROM}RUN mkdir -p /a/b && echo x > /a/b/x && ln -s b /a/l && chmod 4755 /a/b/x && chown 5:6 /a
RUN ["touch", "/exec form"]
SHELL ["/bin/sh", "-ec"]
RUN umask 077; mkdir /private; echo p > /private/p; mkfifo /fifo
RUN rm -rf /home /bin/yes && mkdir /home && echo new > /home/new
RUN mv /a/b /moved && rm /a/l
`,
  }),
);

same("COPY: files, directories, wildcards, links, owners, modes, ignored files", () => {
  const directory = context(
    {
      Dockerfile: `${FROM}COPY one /one
COPY one two /several/
COPY d /whole
COPY d/ /made/by/copy/
COPY *.txt /glob/
COPY --chown=7:8 d /owned
COPY --chown=user one /named
COPY --chmod=600 one /mode
COPY l-file /followed
WORKDIR /w
COPY one relative
COPY . /all
`,
      ".dockerignore": "*.log\n!keep.log\nd/skip\n",
      one: "1",
      two: "2",
      "a.txt": "a",
      "b.txt": "b",
      "x.log": "",
      "keep.log": "",
      "d/f": "f",
      "d/sub/g": "g",
      "d/skip/h": "h",
    },
    { "l-file": "one", "d/l-dir": "sub", "d/l-out": "/etc/passwd", "d/l-none": "nowhere" },
  );
  linkSync(join(directory, "d/f"), join(directory, "d/same"));
  return directory;
});

same("ADD: local archives are unpacked, other files are not", async () =>
  context({
    Dockerfile: `${FROM}ADD a.tar /unpacked/\nADD a.tar.gz /gz/\nADD plain /as/is\nADD --chown=3:4 plain /owned\n`,
    "a.tar": await makeTar([{ name: "d/" }, { name: "d/f", content: "in tar", uid: 9, gid: 9 }]),
    "a.tar.gz": Bun.gzipSync(new Uint8Array(await makeTar([{ name: "z", content: "zipped" }]))),
    plain: "plain",
  }),
);

same(
  "ARG and ENV: defaults, values, scopes, substitutions",
  () =>
    context({
      Dockerfile: `ARG BASE=localhost/busybox
ARG GLOBAL=from-global
FROM $BASE
ARG GLOBAL
ARG GIVEN=default
ARG UNSET
ARG ESC="a b"
ENV A=1 B="two words" C='single $A' D=$GIVEN-\${UNSET:-none}-\${GIVEN:+set}
ENV OLD style of env
ENV A=2 E=$A
RUN echo "$GLOBAL|$GIVEN|$UNSET|$ESC|$A|$B|$C|$D|$E|$OLD" > /seen
LABEL "quoted name"="x y" plain=$A multi="1" other=2
WORKDIR /$D
USER \${USER_ID:-1000}
EXPOSE 80 $A/udp
`,
    }),
  ["--build-arg", "GIVEN=given"],
);

same("configuration: every instruction that makes no layer", () =>
  context({
    Dockerfile: `${FROM}LABEL one=1
EXPOSE 8080/tcp 53/udp
VOLUME /data ["/json"]
VOLUME ["/j1", "/j2"]
USER user:extra
WORKDIR /srv
WORKDIR app
STOPSIGNAL SIGINT
ENTRYPOINT ["/bin/echo", "hello"]
CMD ["world"]
ONBUILD RUN echo later
`,
  }),
);

same("the shell forms of CMD and ENTRYPOINT", () =>
  context({ Dockerfile: `${FROM}ENTRYPOINT exec top -b\nCMD echo hi $HOME\n` }),
);

same("stages: names, numbers, --from, a target of files only", () =>
  context({
    Dockerfile: `${FROM.trim()} AS first
RUN mkdir /out && echo one > /out/one && chown 11:12 /out/one && ln -s one /out/l
FROM localhost/busybox AS second
COPY --from=first /out /copied
COPY --from=0 /out/one /by-number
RUN echo two > /two
FROM scratch
COPY --from=second /copied/ /
COPY --from=second /two /etc/two
COPY --from=localhost/busybox /etc/passwd /etc/passwd
`,
  }),
);

same("RUN --mount leaves nothing behind", () =>
  context({
    Dockerfile: `${FROM}RUN --mount=type=cache,target=/cache --mount=type=tmpfs,target=/t --mount=type=bind,source=in,target=/in cat /in/f > /out && touch /cache/x /t/x
`,
    "in/f": "bound",
  }),
);

same(
  "labels and annotations of the command line, one layer for all new ones",
  () => context({ Dockerfile: `${FROM}RUN echo 1 > /1\nRUN rm /1 /bin/yes && echo 2 > /2\n` }),
  ["--label", "cli=yes", "--squash"],
);

same(
  "a target in the middle",
  () =>
    context({
      Dockerfile: `${FROM.trim()} AS a\nRUN echo a > /a\nFROM a AS b\nRUN echo b > /b\nFROM b\nRUN false\n`,
    }),
  ["--target", "b"],
);

const DEBIAN = `FROM localhost/debian
RUN apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends hello bc
RUN hello > /greeting && echo '6*7' | bc > /answer
RUN dpkg -l hello bc | tail -n 2 && useradd -m -u 1234 somebody && apt-get clean
COPY --chown=somebody Dockerfile /home/somebody/
USER somebody
WORKDIR /home/somebody/work
RUN id > who && touch "$HOME/mine"
`;

/** Logs, caches and what has a time in it. */
const DEBIAN_OWN =
  /^(var\/log|var\/cache|var\/lib\/apt|tmp|var\/lib\/dpkg\/(lock|triggers)|etc\/(passwd|group|shadow|gshadow|subuid|subgid)-)|\/lock(-frontend)?$/;

requires("buildah", "overlay", "mmdebstrap", "slirp4netns", "debian").test(
  "a Debian image whose steps install packages",
  async () => {
    const archive = await debianArchive();
    await box.ok(["import", "-q", archive, "localhost/debian"], { timeout: 300_000 });
    const base = await buildah("from", "scratch");
    await buildah("add", "-q", base, archive, "/");
    await buildah("commit", "-q", base, "localhost/debian");
    const [ours, theirs] = (await both(context({ Dockerfile: DEBIAN }))) as { files: [string, string][] }[];
    const kept = (files: [string, string][] = []) => files.filter(([path]) => !DEBIAN_OWN.test(path));
    expect(kept(ours?.files)).toEqual(kept(theirs?.files));
    expect(kept(ours?.files).map(([path]) => path)).toContain("usr/bin/hello");
  },
  900_000,
);
