/** Programs that keep credentials: `docker-credential-NAME`, spoken to over standard input and output. */
import { ConfigError, escapeControl } from "../base/index.ts";
import { findProgram } from "../host/index.ts";
import type { Credentials } from "./credentials.ts";

const NOT_FOUND = /credentials not found in native keychain/i;
/** The user name that says the secret is a refresh token. */
const TOKEN_USER = "<token>";
const PATIENCE_MS = 60_000;

/** @throws {ConfigError} `helper-missing`, `helper-failed`: then no request is made at all */
export async function askHelper(name: string, server: string): Promise<Credentials | undefined> {
  const reply = await runHelper(name, "get", server);
  if (reply === undefined) return undefined;
  const found = parseReply(name, reply);
  if (found.Username === TOKEN_USER) return { username: "", password: "", identityToken: found.Secret };
  return { username: found.Username, password: found.Secret };
}

export async function storeWithHelper(name: string, server: string, found: Credentials): Promise<void> {
  const token = found.identityToken;
  const entry = {
    ServerURL: server,
    Username: token === undefined ? found.username : TOKEN_USER,
    Secret: token ?? found.password,
  };
  await runHelper(name, "store", JSON.stringify(entry));
}

/** False if it had none. */
export async function eraseWithHelper(name: string, server: string): Promise<boolean> {
  return (await runHelper(name, "erase", server)) !== undefined;
}

function parseReply(name: string, reply: string): { Username: string; Secret: string } {
  try {
    const { Username, Secret } = JSON.parse(reply) as { Username?: unknown; Secret?: unknown };
    if (typeof Username === "string" && typeof Secret === "string") return { Username, Secret };
  } catch {
    // Said below; the reply itself may hold a secret.
  }
  throw new ConfigError(
    "helper-failed",
    `cannot use credential helper ${name}: its answer is not understood`,
  );
}

/** What the helper prints, or undefined if it knows nothing of the server. */
async function runHelper(
  name: string,
  verb: "get" | "store" | "erase",
  input: string,
): Promise<string | undefined> {
  const valid = /^[\w.-]+$/.test(name);
  const program = valid ? findProgram(`docker-credential-${name}`) : undefined;
  if (program === undefined) {
    throw new ConfigError(
      "helper-missing",
      `cannot use credential helper ${JSON.stringify(name)}: there is no program docker-credential-${escapeControl(name)}`,
      { hint: "install it, or remove it from auth.json or ~/.docker/config.json" },
    );
  }
  const { status, output } = await converse(program, verb, input);
  if (status === 0) return output;
  if (NOT_FOUND.test(output)) return undefined;
  const reason = escapeControl(output.trim().split("\n")[0] ?? "").slice(0, 200);
  throw new ConfigError(
    "helper-failed",
    `cannot use credential helper ${name}: ${reason || `it ended with status ${status}`}`,
  );
}

function converse(
  program: string,
  verb: string,
  input: string,
): Promise<{ status: number | null; output: string }> {
  const { spawn } = process.getBuiltinModule("node:child_process");
  const child = spawn(program, [verb], { stdio: ["pipe", "pipe", "inherit"], timeout: PATIENCE_MS });
  let output = "";
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  child.stdin!.on("error", () => {});
  child.stdin!.end(input);
  const ended = new Promise((resolve) => child.stdout!.once("end", resolve));
  return new Promise((resolve, reject) => {
    child.once("error", (cause) =>
      reject(new ConfigError("helper-failed", `cannot run ${program}: ${cause.message}`, { cause })),
    );
    child.once("exit", async (status) => {
      await ended;
      resolve({ status, output });
    });
  });
}
