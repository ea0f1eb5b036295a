/** The filters of `events`, in podman's meaning. */
import type { LoggedEvent } from "../state/index.ts";
import { compileFilters, type FilterTable } from "./filters.ts";

type Test = (event: LoggedEvent) => boolean;

/** docker's word for it. */
const STATUS_WORDS: Readonly<Record<string, string>> = { die: "died" };

const status = (value: string): Test => {
  const wanted = STATUS_WORDS[value] ?? value;
  return (event) => event.Status === wanted;
};

const object =
  (type: string) =>
  (value: string): Test =>
  (event) =>
    event.Type === type && (event.Name === value || (value !== "" && event.ID?.startsWith(value) === true));

const FILTERS: FilterTable<LoggedEvent> = {
  container: { test: object("container") },
  image: {
    test: (value) => (event) =>
      event.Type === "image" && (event.Name === value || event.ID?.startsWith(value) === true),
  },
  pod: { test: object("pod") },
  volume: { test: (value) => (event) => event.Type === "volume" && event.Name?.startsWith(value) === true },
  network: { test: (value) => (event) => event.Type === "network" && event.Network === value },
  secret: { test: object("secret") },
  type: { test: (value) => (event) => event.Type === value.toLowerCase() },
  event: { test: status },
  status: { test: status },
  label: {
    all: true,
    test: (value) => {
      const [key = "", ...rest] = value.split("=");
      const wanted = rest.length === 0 ? undefined : rest.join("=");
      return ({ Attributes: attributes }) =>
        attributes?.[key] !== undefined && (wanted === undefined || attributes[key] === wanted);
    },
  },
};

/** @throws {UsageError} for an unknown key */
export function eventFilter(filters: readonly string[]): Test {
  return compileFilters(filters, FILTERS);
}
