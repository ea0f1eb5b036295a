import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { busSockets, hasUserManager } from "../../../src/systemd/index.ts";

test("the sockets of a bus address, in its order", () => {
  expect(busSockets("unix:path=/run/user/1/bus")).toEqual(["/run/user/1/bus"]);
  expect(
    busSockets("tcp:host=x;unix:abstract=/tmp/dbus-1,guid=00;unix:guid=1,path=/a%20b;unix:runtime=yes"),
  ).toEqual(["\0/tmp/dbus-1", "/a b"]);
  expect(busSockets("")).toEqual([]);
});

test("a user has a systemd where its own socket is", () => {
  const directory = mkdtempSync(join(tmpdir(), "kelp-session-"));
  const env = { XDG_RUNTIME_DIR: directory };
  expect(hasUserManager(env)).toBe(false);
  mkdirSync(join(directory, "systemd"));
  writeFileSync(join(directory, "systemd", "private"), "");
  expect(hasUserManager(env)).toBe(true);
  rmSync(directory, { recursive: true });
});
