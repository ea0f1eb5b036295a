import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULTS } from "../../../src/config/index.ts";
import {
  eventLine,
  followEvents,
  type NewEvent,
  parseEvent,
  readEvents,
  writeEvent,
} from "../../../src/state/index.ts";

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "kelp-events-"));
  path = join(directory, "events.log");
});
afterEach(() => rmSync(directory, { recursive: true }));

const event = (name: string): NewEvent => ({ type: "volume", status: "create", name });
const context = (settings = {}) => ({
  paths: { data: directory, runtime: directory, config: "", cache: "" },
  settings: { ...DEFAULTS, ...settings, origins: {} },
});
const names = () => [...readEvents(path)].map(({ Name, Status }) => (Status === "create" ? Name : Status));

describe("writing", () => {
  test("is one line in podman's form", () => {
    writeEvent(context(), { ...event("a\nb"), id: "1", image: "i", attributes: { k: "v" } });
    expect(readFileSync(path, "utf8")).toMatch(
      /^\{"ID":"1","Image":"i","Name":"a\\nb","Status":"create","Time":"\d{4}-[^"]*\.\d{9}Z","Type":"volume","Attributes":\{"k":"v"\}\}\n$/,
    );
  });

  test("is left out with the backend none", () => {
    writeEvent(context({ eventsLogger: "none" }), event("a"));
    expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined();
  });

  test("never fails", () => {
    writeFileSync(join(directory, "file"), "");
    writeEvent(context({ eventsLogPath: join(directory, "file", "below") }), event("a"));
  });

  test("beyond the limit leaves the newer half, and says so", async () => {
    for (let i = 0; i < 20; i++) writeEvent(context({ eventsLogMax: 0 }), event(`v${i}`));
    const { size } = statSync(path);
    writeEvent(context({ eventsLogMax: size }), event("last"));
    await Bun.sleep(50);
    const kept = Array.from({ length: 9 }, (_, i) => `v${i + 11}`);
    expect(names()).toEqual(["log-rotation", ...kept, "log-rotation", "last"]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });
});

describe("reading", () => {
  test("begins with the file put aside by a monitor", () => {
    writeFileSync(`${path}.1`, `${eventLine(event("old"), "2026-01-01T00:00:00Z")}\n`);
    writeEvent(context(), event("new"));
    expect(names()).toEqual(["old", "new"]);
  });

  test("passes over half of a line, and finds a whole one behind it", () => {
    const line = eventLine({ ...event("a"), attributes: { x: "{" } }, "2026-01-01T00:00:00Z");
    expect(parseEvent(`{"Name":"half","Sta${line}`)).toMatchObject({ Name: "a" });
    expect(parseEvent('{"Name":"half')).toBeUndefined();
    writeFileSync(path, `nonsense\n${line}\n{"Name":`);
    expect(names()).toEqual(["a"]);
  });
});

describe("following", () => {
  async function follow(onlyNew: boolean, action: () => void): Promise<string[]> {
    const seen: string[] = [];
    const done = (async () => {
      for await (const one of followEvents(path, { onlyNew, until: Date.now() + 300 }))
        seen.push(one.Name ?? "");
    })();
    await Bun.sleep(50);
    action();
    await done;
    return seen;
  }

  test("shows what comes, with or without what was there", async () => {
    writeEvent(context(), event("old"));
    expect(await follow(true, () => writeEvent(context(), event("new")))).toEqual(["new"]);
    expect(await follow(false, () => writeEvent(context(), event("newer")))).toEqual(["old", "new", "newer"]);
  });

  test("goes on over a rotation, showing nothing twice", async () => {
    for (let i = 0; i < 20; i++) writeEvent(context({ eventsLogMax: 0 }), event(`v${i}`));
    const { size } = statSync(path);
    const seen = await follow(true, () => {
      writeEvent(context({ eventsLogMax: size }), event("a"));
      setTimeout(() => writeEvent(context({ eventsLogMax: 0 }), event("b")), 100);
    });
    expect(seen.filter((name) => !name.includes("/"))).toEqual(["a", "b"]);
  });

  test("waits for the end of a line", async () => {
    const line = eventLine(event("late"), "2026-01-01T00:00:00Z");
    writeFileSync(path, `${eventLine(event("first"), "2026-01-01T00:00:00Z")}\n${line.slice(0, 20)}`);
    const following = followEvents(path, { onlyNew: false });
    try {
      expect((await following.next()).value).toMatchObject({ Name: "first" });
      // It has read the half behind that line, too, and now waits.
      const next = following.next();
      await Bun.sleep(0);
      appendFileSync(path, `${line.slice(20)}\n`);
      expect((await next).value).toMatchObject({ Name: "late" });
    } finally {
      await following.return(undefined);
    }
  }, 60_000);
});
