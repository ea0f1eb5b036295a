/**
 * containers-policy.json(5): which images may come in at all. kelp checks no signatures, so a policy that
 * demands one refuses; it never passes for want of a check.
 */
import { dirname, join } from "node:path";
import { ConfigError, errnoCode, RegistryError } from "../base/index.ts";
import { errnoText, type Paths, readIfExists } from "../host/index.ts";

interface Requirement {
  readonly type?: unknown;
}

interface PolicyDocument {
  readonly default: readonly Requirement[];
  readonly transports?: Readonly<Record<string, Readonly<Record<string, readonly Requirement[]>>>>;
}

/**
 * Refuses what the policy refuses; without a policy everything may come in.
 *
 * @param transport `docker`, `oci-archive`, …
 * @param name the full name without transport (`docker.io/library/x:latest`), or a path
 * @param file `--signature-policy`
 * @throws {RegistryError} `policy-rejected` · @throws {ConfigError} for a policy that cannot be read
 */
export function checkPolicy(paths: Paths, transport: string, name: string, file?: string): void {
  const found = readPolicy(paths, file);
  if (found === undefined) return;
  const { path, policy } = found;
  const requirements = requirementsFor(policy, transport, name);
  if (requirements.length === 0)
    throw new ConfigError("policy-invalid", `cannot use ${path}: it has an empty list of requirements`);
  for (const { type } of requirements) {
    if (type === "insecureAcceptAnything") continue;
    const where = `${transport}:${transport === "docker" ? "//" : ""}${name}`;
    if (type === "reject") {
      throw new RegistryError(
        "policy-rejected",
        `Source image rejected: Running image ${where} is rejected by policy.`,
        {
          hint: `the policy is ${path}`,
        },
      );
    }
    throw new RegistryError(
      "policy-rejected",
      `Source image rejected: the policy demands a signature of ${where} (${JSON.stringify(type)}), which kelp cannot check`,
      { hint: `the policy is ${path}` },
    );
  }
}

function readPolicy(
  paths: Paths,
  file: string | undefined,
): { path: string; policy: PolicyDocument } | undefined {
  const places =
    file === undefined
      ? [
          join(dirname(paths.config), "containers", "policy.json"),
          "/etc/containers/policy.json",
          "/usr/share/containers/policy.json",
        ]
      : [file];
  for (const path of places) {
    const text = read(path);
    if (text !== undefined) return { path, policy: parse(path, text) };
  }
  if (file !== undefined)
    throw new ConfigError("policy-unreadable", `cannot read ${file}: ${errnoText("ENOENT")}`);
  return undefined;
}

function read(path: string): string | undefined {
  try {
    return readIfExists(path);
  } catch (error) {
    const code = errnoCode(error);
    throw new ConfigError("policy-unreadable", `cannot read ${path}: ${errnoText(code) ?? code ?? error}`, {
      cause: error,
    });
  }
}

function parse(path: string, text: string): PolicyDocument {
  try {
    const document = JSON.parse(text) as PolicyDocument;
    if (
      isList(document.default) &&
      Object.values(document.transports ?? {}).every((scopes) => Object.values(scopes).every(isList))
    )
      return document;
  } catch {
    // Said below.
  }
  throw new ConfigError("policy-invalid", `cannot read ${path}: it is not a policy`);
}

function isList(value: unknown): value is readonly Requirement[] {
  return Array.isArray(value) && value.every((item) => typeof item === "object" && item !== null);
}

/** The most specific scope's list, then the transport's own, then the default. */
function requirementsFor(policy: PolicyDocument, transport: string, name: string): readonly Requirement[] {
  const scopes = policy.transports?.[transport];
  if (scopes === undefined) return policy.default;
  for (const scope of transport === "docker" ? dockerScopes(name) : pathScopes(name)) {
    const found = Object.hasOwn(scopes, scope) ? scopes[scope] : undefined;
    if (found !== undefined) return found;
  }
  return scopes[""] ?? policy.default;
}

/** `h.x.org/a/b:t`, `h.x.org/a/b`, `h.x.org/a`, `h.x.org`, `*.x.org`, `*.org`. */
function dockerScopes(name: string): string[] {
  const at = name.indexOf("@");
  const untagged = (at < 0 ? name : name.slice(0, at)).replace(/:[^/:]*$/, "");
  const parts = untagged.split("/");
  const parents = parts.map((_, index) => parts.slice(0, parts.length - index).join("/"));
  const labels = (parts[0] ?? "").split(":")[0]?.split(".") ?? [];
  const wildcards = labels.slice(1).map((_, index) => `*.${labels.slice(index + 1).join(".")}`);
  return [name, ...parents, ...wildcards];
}

/** `/a/b.tar`, `/a`. */
function pathScopes(name: string): string[] {
  const path = name.replace(/:[^/]*$/, "");
  const parts = path.split("/");
  return [name, ...parts.map((_, index) => parts.slice(0, parts.length - index).join("/"))].filter(
    (scope) => scope !== "",
  );
}
