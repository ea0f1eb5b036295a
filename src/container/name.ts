/** Names of containers. They never become part of a path, and still may hold nothing that could. */
import { UsageError } from "../base/index.ts";

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
const MAX_LENGTH = 1024;

/** The name without docker's leading slash. */
export function checkContainerName(text: string): string {
  const name = text.startsWith("/") ? text.slice(1) : text;
  if (!NAME.test(name)) {
    throw new UsageError("invalid-name", "names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument");
  }
  if (name.length > MAX_LENGTH)
    throw new UsageError("invalid-name", `name is longer than ${MAX_LENGTH} characters: invalid argument`);
  return name;
}
