import { expect, test } from "bun:test";
import { bootUnit } from "../../../src/system/index.ts";

test("the unit runs the command, whatever is in its words", () => {
  const unit = bootUnit(["/opt/my kelp/kelp", "--root", '/data/50%/"x"$HOME', "start", "--all"]);
  expect(unit).toContain('ExecStart="/opt/my kelp/kelp" --root "/data/50%%/\\"x\\"$$HOME" start --all\n');
  expect(unit).toContain("WantedBy=default.target\n");
});
