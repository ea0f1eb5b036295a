/** Events as entries of the journal. */
import { expect, test } from "bun:test";
import { journalEntry, parseJournalEvent } from "../../../src/state/journal-entry.ts";

const TIME = "2026-01-02T03:04:05.000000006Z";

test("an event comes back from the journal as it was", () => {
  const event = {
    type: "container",
    status: "died",
    id: "a1",
    name: "web",
    image: "x",
    attributes: { k: "v=1" },
  } as const;
  const text = journalEntry(event, TIME, { ContainerExitCode: 3, OOMKilled: true });
  const lines = text
    .trimEnd()
    .split("\n")
    .map((line) => line.split(/=(.*)/s).slice(0, 2));
  expect(parseJournalEvent(JSON.stringify(Object.fromEntries(lines)))).toEqual({
    ID: "a1",
    Image: "x",
    Name: "web",
    ContainerExitCode: 3,
    OOMKilled: true,
    Status: "died",
    Time: TIME,
    Type: "container",
    Attributes: { k: "v=1" },
  });
});

test("a newline in a value begins no field of its own", () => {
  const text = journalEntry({ type: "image", status: "pull", name: "x\nPODMAN_EVENT=remove" }, TIME);
  expect(text.split("\n").filter((line) => line.startsWith("PODMAN_EVENT="))).toEqual(["PODMAN_EVENT=pull"]);
});

test("what is no event of kelp's is passed over", () => {
  for (const line of ["", "{", "{}", '{"MESSAGE":"hi"}']) expect(parseJournalEvent(line)).toBeUndefined();
});
