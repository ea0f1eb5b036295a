/** Credentials go to the registry they are for, and to nobody it points at. */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { makeTar, useSandbox } from "../support/index.ts";
import { digestOf, type StubImage, StubRegistry, sendBlob } from "../support/stub-registry.ts";

const box = useSandbox("152-credentials");
let stub: StubRegistry;
let other: StubRegistry;
let image: StubImage;
const PULL = ["pull", "-q", "--retry", "0", "--tls-verify=false"];

beforeAll(async () => {
  stub = await StubRegistry.start();
  other = await StubRegistry.start();
  image = stub.add("t/small", "1", [{ tar: await makeTar([{ name: "hello", content: "hi\n" }]) }]);
});
beforeEach(async () => {
  stub.reset();
  other.reset();
  await box.kelp(["rmi", "--all", "--force"]);
});
afterAll(() => {
  stub.stop();
  other.stop();
});

const idOf = ({ config }: StubImage) => digestOf(config).slice(7);

async function refused(name: string, words: RegExp, args: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await box.kelp([...args, `${stub.host}/${name}`]);
  expect(stderr).toMatch(words);
  expect({ code, stdout }).toEqual({ code: 125, stdout: "" });
}

test("a registry that answers 401 for ever is asked a bounded number of times", async () => {
  stub.handler = (_request, response) => {
    response.writeHead(401, { "WWW-Authenticate": 'Basic realm="x"' }).end();
    return true;
  };
  await refused("t/small:1", /authentication required/, [...PULL, "--creds", "user:secret"]);
  expect(stub.requests.length).toBeLessThan(8);
});

const basic = `Basic ${Buffer.from("user:secret").toString("base64")}`;

test("credentials stay behind when the registry redirects to another host", async () => {
  stub.handler = (request, response) => {
    if (request.headers.authorization !== basic) {
      response.writeHead(401, { "WWW-Authenticate": 'Basic realm="x"' }).end();
      return true;
    }
    if (!request.url?.includes("/blobs/")) return undefined;
    response.writeHead(307, { Location: `http://${other.host}/elsewhere${request.url}` }).end();
    return true;
  };
  other.handler = (request, response) => {
    sendBlob(request, response, stub.blobs.get(request.url?.split("/").at(-1) ?? ""));
    return true;
  };
  expect(await box.ok([...PULL, "--creds", "user:secret", `${stub.host}/t/small:1`])).toBe(idOf(image));
  expect(other.requests.length).toBeGreaterThan(0);
  const headers = other.requests.flatMap((request) => Object.keys(request.headers));
  expect(headers.filter((name) => /auth|cookie/i.test(name))).toEqual([]);
});

test("credentials do not come back when a redirect leads home again", async () => {
  stub.handler = (request, response) => {
    if (request.url?.startsWith("/back/")) {
      sendBlob(request, response, stub.blobs.get(request.url.split("/").at(-1) ?? ""));
      return true;
    }
    if (request.headers.authorization !== basic) {
      response.writeHead(401, { "WWW-Authenticate": 'Basic realm="x"' }).end();
      return true;
    }
    if (!request.url?.includes("/blobs/")) return undefined;
    response.writeHead(307, { Location: `http://${other.host}${request.url}` }).end();
    return true;
  };
  other.handler = (request, response) => {
    response.writeHead(302, { Location: `http://${stub.host}/back${request.url}` }).end();
    return true;
  };
  expect(await box.ok([...PULL, "--creds", "user:secret", `${stub.host}/t/small:1`])).toBe(idOf(image));
  const back = stub.requests.filter(({ url }) => url.startsWith("/back/"));
  expect(back.length).toBeGreaterThan(0);
  expect(back.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
});

test("a registry that wants its password sent to another host does not get it", async () => {
  const realms = [
    `http://${other.host}/token`,
    `http://x:y@${other.host}/token`,
    "file:///etc/passwd",
    "http://169.254.169.254/token",
  ];
  for (const realm of realms) {
    stub.handler = (_request, response) => {
      response.writeHead(401, { "WWW-Authenticate": `Bearer realm="${realm}",service="s"` }).end();
      return true;
    };
    await refused("t/small:1", /cannot log in to/, [...PULL, "--creds", "user:secret"]);
  }
  expect(other.requests).toEqual([]);
});

test("a token server of the registry itself gets scope and service, and the token is used", async () => {
  stub.handler = (request, response) => {
    if (request.url?.startsWith("/token")) {
      const { searchParams } = new URL(request.url, "http://x");
      const asked = [searchParams.get("service"), searchParams.get("scope"), request.headers.authorization];
      response
        .writeHead(200)
        .end(JSON.stringify({ token: createHash("sha256").update(asked.join()).digest("hex") }));
      return true;
    }
    const token = createHash("sha256").update(["a&b", "repository:t/small:pull", basic].join()).digest("hex");
    if (request.headers.authorization === `Bearer ${token}`) return undefined;
    response
      .writeHead(401, { "WWW-Authenticate": `Bearer realm="http://${stub.host}/token",service="a&b"` })
      .end();
    return true;
  };
  expect(await box.ok([...PULL, "--creds", "user:secret", `${stub.host}/t/small:1`])).toBe(idOf(image));
});

test("a missing credential helper fails the pull before anything is asked", async () => {
  const file = join(box.directory, "helper.json");
  await Bun.write(file, JSON.stringify({ credHelpers: { [stub.host]: "no-such-helper" } }));
  stub.handler = (_request, response) => {
    response.writeHead(401, { "WWW-Authenticate": 'Basic realm="x"' }).end();
    return true;
  };
  await refused("t/small:1", /docker-credential-no-such-helper/, [...PULL, "--authfile", file]);
  expect(stub.requests.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
});
