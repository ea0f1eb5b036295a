/**
 * Every case of template-cases.json against what Go's own text/template printed for the same
 * template over the same data (the file was made by running Go, not by hand).
 */
import { describe, expect, test } from "bun:test";
import { goMap, goStruct, renderTemplate } from "../../../../src/cli/template.ts";
import cases from "../../../fixtures/template-cases.json";

class Row {
  ID = "0123456789ab";
  Names = ["web", "db"];
  State = goStruct({ Status: "running", Running: true, Pid: 42, Health: null }, "main.State");
  Size = 1536;
  Ratio = 2.5;
  Labels = goMap({ b: "two", a: "one", "x.y": "dotted" });
  Mixed = goMap({ n: 7, s: "str", l: ["p"] });
  Ports = [
    goStruct({ Host: 80, Proto: "tcp" }, "main.Port"),
    goStruct({ Host: 53, Proto: "udp" }, "main.Port"),
  ];
  Empty: string[] = [];
  NilPtr = null;
  Any = undefined;
  Flag = true;
  Off = false;
  Text = `a<b> & "c" 'd'`;
  Nums = [3, 1, 2];
  Nested = [["a", "b"], ["c"]];
  Method() {
    return "called";
  }
  Greet(who: string) {
    return `hi ${who}`;
  }
}

function outcome(template: string): { want?: string; error?: string } {
  try {
    return { want: renderTemplate("ps", template, new Row(), "main.Row") };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

describe("text/template", () => {
  for (const { template, ...expected } of cases as { template: string; want?: string; error?: string }[]) {
    test(JSON.stringify(template), () => expect(outcome(template)).toEqual(expected));
  }
});
