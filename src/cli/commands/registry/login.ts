import { RegistryError, UsageError } from "../../../base/index.ts";
import { type Credentials, findCredentials, saveCredentials, verifyLogin } from "../../../registry/index.ts";
import { findSecret, openSecret } from "../../../secret/index.ts";
import { type Context, openContext } from "../../../state/index.ts";
import { defineCommand, type Io } from "../../command.ts";
import { authOptions, LOGIN_FILE_OPTIONS, namedRegistry, settingsOnly } from "../../options/login.ts";

export default defineCommand({
  paths: [["login"]],
  summary: "Log in to a registry",
  description:
    "The registry is asked whether it believes the credentials; then they are stored in auth.json, or handed to the credential helper it names.",
  usage: "[options] [REGISTRY]",
  examples: [["kelp login -u USER --password-stdin quay.io < token", "Log in without a prompt"]],
  options: {
    ...LOGIN_FILE_OPTIONS,
    "cert-dir": { kind: "string", value: "DIR", text: "Certificates of the registry", completes: "dir" },
    "get-login": { kind: "boolean", text: "Print the user that is logged in" },
    password: { kind: "string", short: "p", value: "PASSWORD", text: "Password; others can see it" },
    "password-stdin": { kind: "boolean", text: "Read the password from standard input" },
    secret: {
      kind: "string",
      value: "NAME",
      text: "Take the password, and without --username the name, from a secret",
    },
    "tls-verify": { kind: "boolean", default: true, text: "Require HTTPS and verify certificates" },
    username: { kind: "string", short: "u", value: "USER", text: "User name" },
    verbose: { kind: "boolean", short: "v", text: "Say which file the credentials are written to" },
  },
  args: { min: 0, max: 1, completes: "none" },
  exclusive: [
    ["password", "password-stdin"],
    ["password", "secret"],
    ["password-stdin", "secret"],
  ],
  async run({ args, options, given, io, globals }) {
    const ctx = await openContext(settingsOnly(globals));
    const files = authOptions(ctx, options, globals);
    const { host, key } = await namedRegistry(ctx, args[0]);
    const stored = await findCredentials(files, key);
    if (options["get-login"]) {
      if (stored === undefined) throw new RegistryError("not-logged-in", `not logged into ${key}`);
      io.out(`${stored.username}\n`);
      return 0;
    }
    const access = {
      certDir: options["cert-dir"],
      ...(given.has("tls-verify") ? { tlsVerify: options["tls-verify"] } : {}),
    };
    if (
      stored !== undefined &&
      options.username === undefined &&
      options.password === undefined &&
      options.secret === undefined &&
      !options["password-stdin"]
    ) {
      const valid = await verifyLogin(ctx, access, host, stored).then(
        () => true,
        () => false,
      );
      if (valid) {
        io.out(
          `Authenticating with existing credentials for ${key}\nExisting credentials are valid. Already logged in to ${key}\n`,
        );
        return 0;
      }
      io.err("Existing credentials are invalid, please enter valid username and password\n");
    }
    const credentials =
      options.secret === undefined
        ? await askCredentials(io, options, stored)
        : secretCredentials(ctx, options.secret, options.username);
    await verifyLogin(ctx, access, host, credentials);
    const path = await saveCredentials(files, key, credentials);
    if (options.verbose) io.out(`Used: ${path}\n`);
    io.out("Login Succeeded!\n");
    return 0;
  },
});

async function askCredentials(
  io: Io,
  flags: { username?: string | undefined; password?: string | undefined; "password-stdin": boolean },
  stored: Credentials | undefined,
): Promise<Credentials> {
  if (flags["password-stdin"]) {
    if (flags.username === undefined)
      throw new UsageError("username-missing", "must provide --username with --password-stdin");
    return { username: flags.username, password: await readLine(io) };
  }
  const username =
    flags.username ?? (await prompt(io, `Username${stored ? ` (${stored.username})` : ""}: `, true)) ?? "";
  const password = flags.password ?? (await prompt(io, "Password: ", false));
  return { username: username === "" ? (stored?.username ?? "") : username, password };
}

/** A secret that goes by the user's name needs no other. */
function secretCredentials(ctx: Context, name: string, username: string | undefined): Credentials {
  const record = findSecret(ctx, name);
  return { username: username ?? record.name, password: openSecret(ctx, record).toString("utf8") };
}

async function readLine(io: Io): Promise<string> {
  let text = "";
  for await (const chunk of io.stdin().setEncoding("utf8")) text += chunk;
  return text.replace(/\r?\n$/, "");
}

/** Asks on the terminal; without one there is nobody to ask. */
async function prompt(io: Io, question: string, echo: boolean): Promise<string> {
  if (!io.stdinIsTty) {
    throw new UsageError(
      "login-prompt",
      "cannot ask for user and password: standard input is not a terminal",
      {
        hint: "give --username and --password-stdin",
      },
    );
  }
  const { createInterface } = await import("node:readline/promises");
  const { Writable } = process.getBuiltinModule("node:stream");
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  io.err(question);
  const terminal = createInterface({
    input: process.stdin,
    output: echo ? process.stderr : silent,
    terminal: true,
  });
  try {
    return await terminal.question("");
  } finally {
    terminal.close();
    if (!echo) io.err("\n");
  }
}
