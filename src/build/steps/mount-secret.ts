/**
 * RUN --mount=type=secret and ssh. A secret is in memory, in a file under the runtime directory (which is memory, too) while
 * the step runs, and nowhere else: not in a layer, a key of the cache, history, a record or a log.
 */
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { errnoCode, NotFoundError, randomHex, UsageError } from "../../base/index.ts";
import { errnoText } from "../../host/index.ts";
import { runInside } from "../../runtime/index.ts";
import type { OwnRequest } from "../inside/directory-job.ts";
import type { BuildRequest } from "../types.ts";
import type { MountWords } from "./mount-words.ts";
import { mountFlag, type PlannedMount } from "./run-mounts.ts";
import type { StepContext } from "./step-context.ts";

const MAX_SECRET = 500 << 10;
const DEFAULT_MODE = 0o400;

/** What `--secret` offers, by ID. */
export type Secrets = ReadonlyMap<string, () => Buffer>;

/**
 * `id=ID[,src=FILE|,env=NAME][,type=file|env]`; a source that is not named is the file or variable ID.
 *
 * @throws {UsageError} `secret-invalid`
 */
export function readSecrets(request: BuildRequest): Secrets {
  const secrets = new Map<string, () => Buffer>();
  for (const text of request.secrets) {
    const fields = new Map(
      text.split(",").map((field) => {
        const equals = field.indexOf("=");
        return equals < 0
          ? ([field, ""] as const)
          : ([field.slice(0, equals), field.slice(equals + 1)] as const);
      }),
    );
    for (const key of fields.keys()) {
      if (!["id", "src", "source", "env", "type"].includes(key))
        throw new UsageError(
          "secret-invalid",
          `incorrect secret flag format: unknown key ${JSON.stringify(key)}`,
          { hint: "write id=ID,src=FILE or id=ID,env=NAME" },
        );
    }
    const id = fields.get("id") ?? "";
    if (id === "")
      throw new UsageError("secret-invalid", "incorrect secret flag format: no id", {
        hint: "write id=ID,src=FILE",
      });
    secrets.set(id, secretSource(request, id, fields));
  }
  return secrets;
}

function secretSource(request: BuildRequest, id: string, fields: ReadonlyMap<string, string>): () => Buffer {
  const file = fields.get("src") ?? fields.get("source");
  const name = fields.get("env") ?? (fields.get("type") === "env" ? (file ?? id) : undefined);
  const variable = name ?? (file === undefined && request.environment[id] !== undefined ? id : undefined);
  if (variable === undefined) return () => readSecretFile(id, resolve(request.cwd, file ?? id));
  return () => {
    const value = request.environment[variable];
    if (value === undefined)
      throw new NotFoundError(
        "secret-missing",
        `cannot read secret ${id}: the environment has no ${variable}`,
      );
    return Buffer.from(value);
  };
}

function readSecretFile(id: string, path: string): Buffer {
  try {
    const looks = statSync(path);
    if (looks.isDirectory())
      throw new UsageError("secret-invalid", `cannot read secret ${id}: ${path} is a directory`);
    if (looks.size > MAX_SECRET)
      throw new UsageError("secret-invalid", `cannot read secret ${id}: ${path} has more than 500 KiB`);
    return readFileSync(path);
  } catch (error) {
    const code = errnoCode(error);
    if (code === undefined || error instanceof UsageError) throw error;
    throw new NotFoundError(
      "secret-missing",
      `cannot read secret ${id}: ${path}: ${errnoText(code) ?? code}`,
      { cause: error },
    );
  }
}

/** Undefined: nobody gave the secret, and the step can do without. */
export function secretMount(
  words: MountWords,
  target: string | undefined,
  step: StepContext,
): PlannedMount | undefined {
  const id = words.id ?? target?.split("/").at(-1);
  if (id === undefined || id === "") return step.fail("--mount=type=secret needs an id or a target");
  const read = step.session.secrets.get(id);
  if (read === undefined) {
    if (words.required)
      step.fail(`secret ${id} is required and was not given`, `give it with --secret id=${id},src=FILE`);
    return undefined;
  }
  const place = target ?? (words.env === undefined ? `/run/secrets/${id}` : undefined);
  if (place?.split("/").includes("..") === true)
    step.fail(`--mount=type=secret: ${JSON.stringify(id)} is no file name`);
  return {
    key: ["secret", id, place ?? "", words.env ?? ""],
    make: async () => {
      const content = read();
      const env = words.env === undefined ? [] : [`${words.env}=${content.toString("utf8")}`];
      if (place === undefined) return { secretEnv: env };
      const file = await secretFile(step, content, words);
      return {
        secretEnv: env,
        mount: [mountFlag("bind", { source: file.path, destination: place, ro: true })],
        release: file.release,
      };
    },
  };
}

async function secretFile(
  step: StepContext,
  content: Buffer,
  words: MountWords,
): Promise<{ path: string; release(): void }> {
  const { ctx } = step.session;
  const dir = join(ctx.paths.runtime, `secret-${randomHex(8)}`);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const path = join(dir, "secret");
  writeFileSync(path, content, { mode: 0o600, flag: "wx" });
  const request: OwnRequest = { path, mode: words.mode ?? DEFAULT_MODE, uid: words.uid, gid: words.gid };
  await runInside(ctx, "build-own", request);
  return { path, release: () => rmSync(dir, { recursive: true, force: true }) };
}

const AGENT_PLACE = "/run/buildkit/ssh_agent.0";

/** The agent's socket, for as long as the step runs. */
export function sshMount(
  words: MountWords,
  target: string | undefined,
  step: StepContext,
): PlannedMount | undefined {
  const id = words.id ?? "default";
  const socket = step.session.request.ssh[id];
  if (socket === undefined) {
    if (words.required)
      step.fail(`SSH agent ${id} is required and was not given`, `give it with --ssh ${id}`);
    return undefined;
  }
  if (words.uid !== 0 || words.gid !== 0)
    step.fail("--mount=type=ssh: uid and gid are not supported: the agent's socket keeps its owner");
  const place = target ?? AGENT_PLACE;
  return {
    key: ["ssh", id, place],
    make: async () => {
      if (statSync(socket, { throwIfNoEntry: false })?.isSocket() !== true)
        throw new NotFoundError("ssh-agent-missing", `cannot use SSH agent ${id}: ${socket} is no socket`);
      return {
        mount: [mountFlag("bind", { source: socket, destination: place })],
        secretEnv: [`SSH_AUTH_SOCK=${place}`],
      };
    },
  };
}
