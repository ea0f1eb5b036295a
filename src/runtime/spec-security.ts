/** What the --security-opt words of a container say. */
import { UsageError } from "../base/index.ts";

export interface SecurityOptions {
  readonly noNewPrivileges: boolean;
  /** `default`, `unconfined`, or the path of a profile. */
  readonly seccomp: string;
  readonly mask: readonly string[];
  readonly unmask: readonly string[];
  /** Mount options of /proc beyond kelp's own. */
  readonly procOptions: readonly string[];
}

/**
 * Reads the words; `key=value` and docker's older `key:value` mean the same.
 *
 * Labels and AppArmor profiles are accepted where they ask for nothing (`disable`, `unconfined`) and refused
 * where they ask for a confinement that would then silently be missing.
 */
export function parseSecurityOptions(words: readonly string[]): SecurityOptions {
  const result = {
    noNewPrivileges: false,
    seccomp: "default",
    mask: [] as string[],
    unmask: [] as string[],
    procOptions: [] as string[],
  };
  for (const word of words) {
    const [key, value] = splitWord(word);
    switch (key) {
      case "no-new-privileges":
        result.noNewPrivileges = parseBoolean(value ?? "true", word);
        break;
      case "seccomp":
        result.seccomp = value ?? "default";
        break;
      case "mask":
        result.mask.push(...splitPaths(value ?? ""));
        break;
      case "unmask":
        result.unmask.push(...splitPaths(value ?? ""));
        break;
      case "proc-opts":
        result.procOptions.push(...(value ?? "").split(",").filter((option) => option !== ""));
        break;
      case "label":
        refuseUnless(
          ["disable", "nested"].includes(value ?? "") || (value ?? "").startsWith("filetype:"),
          word,
        );
        break;
      case "apparmor":
        refuseUnless(value === "unconfined", word);
        break;
      case "systempaths":
        refuseUnless(value === "unconfined", word);
        result.unmask.push("ALL");
        break;
      default:
        throw new UsageError("invalid-security-option", `invalid --security-opt 2: ${JSON.stringify(word)}`, {
          hint: "known are no-new-privileges, seccomp=, mask=, unmask=, proc-opts=, label=disable, apparmor=unconfined",
        });
    }
  }
  return result;
}

function splitWord(word: string): [string, string | undefined] {
  const at = word.search(/[=:]/);
  return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}

function splitPaths(value: string): string[] {
  return value.split(":").filter((path) => path !== "");
}

function parseBoolean(value: string, word: string): boolean {
  if (["true", "1", "t", "T", "TRUE", "True"].includes(value)) return true;
  if (["false", "0", "f", "F", "FALSE", "False"].includes(value)) return false;
  throw new UsageError(
    "invalid-security-option",
    `invalid --security-opt ${JSON.stringify(word)}: ${JSON.stringify(value)} is neither true nor false`,
  );
}

function refuseUnless(accepted: boolean, word: string): void {
  if (accepted) return;
  throw new UsageError(
    "unsupported-security-option",
    `cannot honour --security-opt ${word}: kelp applies no such label or profile`,
    {
      hint: "leave the option out; kelp confines with user namespaces, capabilities and seccomp",
    },
  );
}
