/** Login, push, pull, search and indexes against a real registry, with skopeo as the other side. */
import { afterAll, beforeAll, expect } from "bun:test";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type RealRegistry, startRegistry } from "../support/docker-registry.ts";
import { BUSYBOX, busyboxArchive, missing, requires, run, useSandbox } from "../support/index.ts";
import { digestOf, OCI_INDEX } from "../support/stub-registry.ts";

// Before the sandbox's own: it looks for processes that were left.
afterAll(() => {
  open?.stop();
  guarded?.stop();
});
const box = useSandbox("150-registry");
const real = requires("registry", "subuid", "overlay");
let open: RealRegistry;
/** TLS with a certificate nobody knows, and a password. */
let guarded: RealRegistry;
const LOGIN = "someone:pass:word";
const [USER, PASSWORD] = ["someone", "pass:word"];

beforeAll(async () => {
  if (real.missing !== undefined) return;
  open = await startRegistry(join(box.directory, "open"));
  guarded = await startRegistry(join(box.directory, "guarded"), { login: LOGIN, tls: {} });
  await box.ok(["load", "-q", "-i", await busyboxArchive()]);
  writeFileSync(
    join(box.directory, "insecure.conf"),
    `[[registry]]\nlocation = "${open.host}"\ninsecure = true\n`,
  );
}, 60_000);
const insecure = () => ({ env: { CONTAINERS_REGISTRIES_CONF: join(box.directory, "insecure.conf") } });
const imageId = (name: string) => box.ok(["image", "inspect", "--format", "{{.Id}}", name]);

real.test("an image that was pushed comes back as itself and runs", async () => {
  const name = `${open.host}/box/app:1`;
  const id = await imageId(BUSYBOX);
  const file = join(box.directory, "digest");
  await box.ok(["push", "-q", "--digestfile", file, BUSYBOX, name], insecure());
  const digest = readFileSync(file, "utf8");
  expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(await box.ok(["pull", "-q", name], insecure())).toBe(id);
  expect(await box.ok(["pull", "-q", `${open.host}/box/app@${digest}`], insecure())).toBe(id);
  expect(await box.ok(["run", "--rm", name, "echo", "hello"], insecure())).toBe("hello");
});

real.test("what was pulled and is pushed again keeps its digest", async () => {
  const [first, second] = ["digest1", "digest2"].map((name) => join(box.directory, name));
  const from = `${open.host}/keep/a:1`;
  await box.ok(
    ["push", "-q", "--compression-format", "zstd", "--digestfile", first ?? "", BUSYBOX, from],
    insecure(),
  );
  await box.ok(["rmi", BUSYBOX]);
  await box.ok(["rmi", "--all", "--force"]);
  await box.ok(["pull", "-q", from], insecure());
  await box.ok(["push", "-q", "--digestfile", second ?? "", from, `${open.host}/keep/b:1`], insecure());
  expect(readFileSync(second ?? "", "utf8")).toBe(readFileSync(first ?? "", "utf8"));
  await box.ok(["tag", from, BUSYBOX]);
});

real.test("pull tells its steps on standard error, a line for each blob, and -q tells none", async () => {
  const name = `${open.host}/lines/a:1`;
  await box.ok(["push", "-q", BUSYBOX, name], insecure());
  const { stdout, stderr } = await box.kelp(["pull", name], insecure());
  expect(stdout).toBe(`${await imageId(name)}\n`);
  expect(stderr.split("\n").map((line) => line.replace(/sha256:[0-9a-f]{64}/, "DIGEST"))).toEqual([
    `Trying to pull ${name}...`,
    "Getting image source signatures",
    "Copying blob DIGEST skipped: already exists",
    "Copying config DIGEST",
    "Writing manifest to image destination",
    "",
  ]);
  expect((await box.kelp(["pull", "-q", name], insecure())).stderr).toBe("");
});

real.test("run fetches a missing image, asks nobody for one that is there, and --pull decides", async () => {
  const name = `${open.host}/auto/a:1`;
  await box.ok(["push", "-q", BUSYBOX, name], insecure());
  const never = await box.kelp(["run", "--rm", "--pull=never", name, "true"], insecure());
  expect(never).toEqual({ code: 125, stdout: "", stderr: `Error: ${name}: image not known\n` });
  const first = await box.kelp(["run", "--rm", name, "echo", "ran"], insecure());
  expect(first.stdout).toBe("ran\n");
  expect(first.stderr).toStartWith(`Trying to pull ${name}...\n`);
  // Without the configuration the registry could not be reached: it is not.
  expect(await box.kelp(["run", "--rm", name, "echo", "again"])).toEqual({
    code: 0,
    stdout: "again\n",
    stderr: "",
  });
  const always = await box.kelp(["run", "--rm", "--pull=always", name, "true"], insecure());
  expect(always.stderr).toStartWith(`Trying to pull ${name}...\n`);
  expect((await box.kelp(["run", "--rm", "--pull=newer", name, "true"], insecure())).stderr).toBe("");
});

real.test("a certificate nobody vouches for is refused, and believed when its CA is named", async () => {
  const name = `${guarded.host}/tls/a:1`;
  const push = (...args: string[]) =>
    box.kelp(["push", "-q", "--retry", "0", "--creds", LOGIN, ...args, BUSYBOX, name]);
  const refused = await push();
  expect(refused.stderr).toMatch(/x509: certificate signed by unknown authority/);
  expect(refused.code).toBe(125);
  expect((await push("--cert-dir", guarded.certDir)).code).toBe(0);
  const forced = await box.kelp(["push", "-q", "--retry", "0", "--creds", LOGIN, BUSYBOX, name], {
    env: { NODE_TLS_REJECT_UNAUTHORIZED: "0" },
  });
  expect(forced.stderr).toMatch(/x509/);
});

real.test(
  "a login that the registry believes is remembered for pull and push, and forgotten by logout",
  async () => {
    const [name, authfile] = [`${guarded.host}/login/a:1`, join(box.directory, "auth.json")];
    const tls = ["--cert-dir", guarded.certDir];
    const login = (password: string) =>
      box.kelp(
        ["login", ...tls, "--authfile", authfile, "-u", USER ?? "", "--password-stdin", guarded.host],
        { stdin: `${password}\n` },
      );
    expect(await login("wrong")).toEqual({
      code: 125,
      stdout: "",
      stderr: `Error: logging into "${guarded.host}": invalid username/password\n`,
    });
    expect(await login(PASSWORD ?? "")).toEqual({ code: 0, stdout: "Login Succeeded!\n", stderr: "" });
    expect(statSync(authfile).mode & 0o777).toBe(0o600);
    expect(await box.ok(["login", "--authfile", authfile, "--get-login", guarded.host])).toBe(USER ?? "");
    await box.ok(["push", "-q", ...tls, "--authfile", authfile, BUSYBOX, name]);
    await box.ok(["pull", "-q", ...tls, "--authfile", authfile, name]);
    expect(await box.ok(["logout", "--authfile", authfile, guarded.host])).toBe(
      `Removed login credentials for ${guarded.host}`,
    );
    const after = await box.kelp(["pull", "-q", ...tls, "--authfile", authfile, name]);
    expect(after.stderr).toMatch(/authentication required/);
  },
);

real.test("a password can come from a secret, and the user's name from the secret's", async () => {
  const args = ["--cert-dir", guarded.certDir, "--authfile", join(box.directory, "auth-secret.json")];
  const login = (secret: string, ...user: string[]) =>
    box.kelp(["login", ...args, ...user, "--secret", secret, guarded.host]);
  await box.ok(["secret", "create", USER ?? "", "-"], { stdin: PASSWORD ?? "" });
  await box.ok(["secret", "create", "wrong", "-"], { stdin: "no" });
  const done = { code: 0, stdout: "Login Succeeded!\n", stderr: "" };
  expect(await login(USER ?? "")).toEqual(done);
  expect(await login(USER ?? "", "-u", USER ?? "")).toEqual(done);
  expect(await login("wrong", "-u", USER ?? "")).toEqual({
    code: 125,
    stdout: "",
    stderr: `Error: logging into "${guarded.host}": invalid username/password\n`,
  });
  expect((await login("none")).stderr).toContain("none");
});

real.test("layers that another repository of the registry has are mounted there, not sent", async () => {
  const [from, to] = [`${open.host}/mount/from:1`, `${open.host}/mount/to:1`];
  const push = (...args: string[]) =>
    box.kelp(["--log-level", "debug", "push", "-q", ...args], { env: insecure().env });
  const sent = await push(BUSYBOX, from);
  expect(sent.stderr).toMatch(/PATCH .*\/v2\/mount\/from\/blobs\/uploads/);
  await box.ok(["pull", "-q", from], insecure());
  const mounted = await push(from, to);
  expect(mounted.code).toBe(0);
  const layer = JSON.parse(await box.ok(["manifest", "inspect", from], insecure())).layers[0].digest;
  const uploads = mounted.stderr.split("\n").filter((line) => line.includes("/v2/mount/to/blobs/uploads"));
  expect(uploads.filter((line) => line.includes("PATCH")).length).toBeLessThanOrEqual(1);
  expect(uploads[0]).toMatch(/POST .*status=201/);
  const blob = await fetch(`http://${open.host}/v2/mount/to/blobs/${layer}`, { method: "HEAD" });
  expect(blob.status).toBe(200);
});

real.test("search finds what was pushed, and lists tags", async () => {
  for (const tag of ["1", "2"])
    await box.ok(["push", "-q", BUSYBOX, `${open.host}/find/me:${tag}`], insecure());
  const found = await box.ok(["search", "--format", "{{.Name}}", `${open.host}/find`], insecure());
  expect(found).toBe(`${open.host}/find/me`);
  const tags = await box.ok(
    ["search", "--list-tags", "--format", "{{.Tag}}", `${open.host}/find/me`],
    insecure(),
  );
  expect(tags.split("\n").sort()).toEqual(["1", "2"]);
  const json = async (...words: string[]) =>
    JSON.parse(await box.ok(["search", "--format", "json", ...words], insecure()));
  const [listed, ...more] = await json("--list-tags", `${open.host}/find/me`);
  expect({ ...listed, Tags: listed.Tags.sort(), more }).toEqual({
    Name: `${open.host}/find/me`,
    Tags: ["1", "2"],
    more: [],
  });
  const keys = ["Index", "Name", "Description", "Stars", "Official", "Automated", "Tag"];
  expect(Object.keys((await json(`${open.host}/find`))[0])).toEqual(keys);
  await box.ok(["pull", "-q", "--all-tags", `${open.host}/find/me`], insecure());
  expect(
    (await box.ok(["images", "--format", "{{.Tag}}", `${open.host}/find/me`])).split("\n").sort(),
  ).toEqual(["1", "2"]);
});

real.test("an index is made, changed, pushed with its images and read back", async () => {
  const name = `${open.host}/multi/list:1`;
  const id = await box.ok(["manifest", "create", "mylist"]);
  await box.ok(["manifest", "add", "--annotation", "a=b", "--arch", "s390x", "mylist", BUSYBOX]);
  expect(await box.ok(["manifest", "exists", "mylist"])).toBe("");
  const local = JSON.parse(await box.ok(["manifest", "inspect", id])) as {
    manifests: { digest: string; platform: object }[];
  };
  expect(local.manifests[0]?.platform).toMatchObject({ architecture: "s390x", os: "linux" });
  await box.ok(["manifest", "annotate", "--variant", "z", "mylist", local.manifests[0]?.digest ?? ""]);
  await box.ok(["manifest", "push", "-q", "mylist", `docker://${name}`], insecure());
  const remote = JSON.parse(await box.ok(["manifest", "inspect", name], insecure()));
  expect(remote.manifests[0]).toMatchObject({
    platform: { architecture: "s390x", variant: "z" },
    annotations: { a: "b" },
  });
  expect(await box.ok(["pull", "-q", "--platform", "linux/s390x/z", name], insecure())).toBe(
    await imageId(BUSYBOX),
  );
  const removed = await box.ok(["manifest", "rm", "mylist"]);
  expect(removed).toBe(`Untagged: localhost/mylist:latest\nDeleted: ${id}`);
  expect((await box.kelp(["manifest", "rm", "mylist"])).code).toBe(1);
});

real.test(
  "an index within an index is pushed with all that is beneath it, in another repository",
  async () => {
    const inner = `${open.host}/nested/from:inner`;
    await box.ok(["manifest", "create", "inner"]);
    await box.ok(["manifest", "add", "inner", BUSYBOX]);
    await box.ok(["manifest", "push", "-q", "--format", "oci", "inner", `docker://${inner}`], insecure());
    const put = async (tag: string, document: string) => {
      const url = `http://${open.host}/v2/nested/from/manifests/${tag}`;
      const headers = { "Content-Type": OCI_INDEX };
      expect((await fetch(url, { method: "PUT", headers, body: document })).status).toBe(201);
    };
    const accept = { headers: { Accept: OCI_INDEX } };
    const bytes = await (await fetch(`http://${open.host}/v2/nested/from/manifests/inner`, accept)).text();
    const digest = digestOf(bytes);
    await put(
      "outer",
      JSON.stringify({
        schemaVersion: 2,
        mediaType: OCI_INDEX,
        manifests: [{ mediaType: OCI_INDEX, digest, size: bytes.length }],
      }),
    );
    await box.ok(["manifest", "create", "outer"]);
    await box.ok(
      ["manifest", "add", "--all", "outer", `docker://${open.host}/nested/from:outer`],
      insecure(),
    );
    const target = `${open.host}/nested/to:1`;
    await box.ok(["manifest", "push", "-q", "--all", "outer", `docker://${target}`], insecure());
    expect(await (await fetch(`http://${open.host}/v2/nested/to/manifests/${digest}`, accept)).text()).toBe(
      bytes,
    );
    await box.ok(["rmi", "--force", inner, "inner", "outer"].filter((name) => name !== inner));
    expect(await box.ok(["pull", "-q", target], insecure())).toBe(await imageId(BUSYBOX));
  },
);

real.test("every transport gives back what was put there", async () => {
  const id = await imageId(BUSYBOX);
  for (const transport of ["docker-archive", "oci-archive", "oci", "dir"]) {
    const place = `${transport}:${join(box.directory, `t-${transport}`)}`;
    await box.ok(["push", "-q", BUSYBOX, place]);
    expect({ transport, id: await box.ok(["pull", "-q", place]) }).toEqual({ transport, id });
  }
});

if (missing("skopeo") === undefined) {
  real.test("skopeo reads what kelp pushed, and kelp pulls what skopeo copied", async () => {
    const name = `${open.host}/skopeo/a:1`;
    await box.ok(["push", "-q", "--format", "v2s2", BUSYBOX, name], insecure());
    const inspected = await run("skopeo", ["inspect", "--raw", "--tls-verify=false", `docker://${name}`], {
      env: box.env,
    });
    expect(JSON.parse(inspected.stdout).mediaType).toBe(
      "application/vnd.docker.distribution.manifest.v2+json",
    );
    const copied = `${open.host}/skopeo/b:1`;
    const copy = [
      "copy",
      "-q",
      "--insecure-policy",
      "--src-tls-verify=false",
      "--dest-tls-verify=false",
      "--format",
      "oci",
    ];
    const { code, stderr } = await run("skopeo", [...copy, `docker://${name}`, `docker://${copied}`], {
      env: box.env,
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    await box.ok(["pull", "-q", copied], insecure());
    expect(await box.ok(["run", "--rm", copied, "echo", "hi"])).toBe("hi");
  });
}
