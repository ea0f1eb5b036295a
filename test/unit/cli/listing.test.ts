import { describe, expect, test } from "bun:test";
import { closest, nearHint } from "../../../src/base/index.ts";
import {
  booleanFilter,
  compileFilters,
  labelFilters,
  patternFilter,
  relativeFilter,
  untilFilter,
} from "../../../src/cli/filters.ts";
import { printFormatted, printObject } from "../../../src/cli/format.ts";
import { alignColumns, headingOf } from "../../../src/cli/table.ts";
import { goMap, renderList } from "../../../src/cli/template.ts";
import { recordingIo } from "../../support/io.ts";

interface Box {
  readonly name: string;
  readonly labels: Record<string, string>;
  readonly made: number;
  readonly up: boolean;
}

const BOXES: readonly Box[] = [
  { name: "web-1", labels: { app: "web", tier: "front" }, made: 1000, up: true },
  { name: "web-2", labels: { app: "web" }, made: 2000, up: false },
  { name: "db", labels: { app: "db", empty: "" }, made: 3000, up: true },
];

const TABLE = {
  ...labelFilters<Box>((box) => box.labels),
  name: patternFilter<Box>((box) => [box.name]),
  kind: patternFilter<Box>((box) => [box.labels.app ?? ""]),
  up: booleanFilter<Box>((box) => box.up),
  until: untilFilter<Box>((box) => box.made, 5000),
  before: relativeFilter<Box>(
    (box) => box.made,
    (name) => BOXES.find((box) => box.name === name)?.made ?? 0,
    "before",
  ),
  since: relativeFilter<Box>(
    (box) => box.made,
    (name) => BOXES.find((box) => box.name === name)?.made ?? 0,
    "since",
  ),
};

const names = (filters: string[]) => BOXES.filter(compileFilters(filters, TABLE)).map((box) => box.name);

describe("filters", () => {
  const cases: readonly (readonly [string[], string[]])[] = [
    [[], ["web-1", "web-2", "db"]],
    [["name=web"], ["web-1", "web-2"]],
    [["name=^web-1$"], ["web-1"]],
    [["name=b"], ["web-1", "web-2", "db"]],
    [
      ["name=web-1", "name=db"],
      ["web-1", "db"],
    ],
    [["label=app=web"], ["web-1", "web-2"]],
    [["label=app"], ["web-1", "web-2", "db"]],
    [["label=app=web", "label=tier"], ["web-1"]],
    [["label=app=web", "label=app=db"], []],
    [["label!=app=web"], ["db"]],
    [["label!=tier"], ["web-2", "db"]],
    [["label=app=w*"], ["web-1", "web-2"]],
    [["label=empty="], ["db"]],
    [["up=true", "kind=web"], ["web-1"]],
    [["up=0"], ["web-2"]],
    [
      ["kind=web", "kind=db"],
      ["web-1", "web-2", "db"],
    ],
    [["before=db"], ["web-1", "web-2"]],
    [["since=web-1"], ["web-2", "db"]],
    [["until=2"], ["web-1"]],
    [["until=3s"], ["web-1"]],
  ];
  for (const [filters, wanted] of cases) {
    test(filters.join(" ") || "none", () => expect(names(filters)).toEqual(wanted));
  }

  const mistakes: readonly (readonly [string, RegExp])[] = [
    ["name", /must be in the format key=value/],
    ["colour=red", /"colour" is an invalid filter/],
    ["name=(", /^invalid filter name=\(/],
    ["up=perhaps", /not true or false/],
    ["until=yesterday", /cannot parse time/],
  ];
  for (const [filter, message] of mistakes) {
    test(`refuses ${filter}`, () => expect(() => names([filter])).toThrow(message));
  }
});

describe("tables", () => {
  test("columns are two spaces apart and lines end at their text", () => {
    expect(
      alignColumns([
        ["ID", "NAME"],
        ["1", "a"],
        ["22", ""],
      ]),
    ).toBe("ID  NAME\n1   a\n22  \n");
  });
  test("wide characters take two columns", () => {
    expect(
      alignColumns([
        ["日本", "x"],
        ["abcde", "y"],
      ]),
    ).toBe("日本   x\nabcde  y\n");
  });
  test("the widest cells give way on a narrow terminal, short IDs never", () => {
    const rows = [["0123456789ab", "a very long command line indeed"]];
    expect(alignColumns(rows, { maxWidth: 30 })).toBe("0123456789ab  a very long com…\n");
    expect(alignColumns(rows, { maxWidth: 5 })).toBe("0123456789ab  a very long…\n");
  });
  test("only what still says something when it is cut gives way", () => {
    const rows = [["a long image name", "0.0.0.0:8080->80/tcp"]];
    const elastic = [true, false];
    expect(alignColumns(rows, { maxWidth: 36, elastic })).toBe("a long image …  0.0.0.0:8080->80/tcp\n");
    expect(alignColumns(rows, { maxWidth: 10, elastic })).toBe("a long imag…  0.0.0.0:8080->80/tcp\n");
  });
  test("headings come from the field's words", () => {
    expect(["ID", "RunningFor", "CreatedAt", "MountPoint"].map(headingOf)).toEqual([
      "ID",
      "RUNNING FOR",
      "CREATED AT",
      "MOUNT POINT",
    ]);
  });
});

const ROWS = [
  { ID: "abc", Names: "web", Labels: goMap({ a: "1" }) },
  { ID: "def", Names: "database", Labels: goMap({}) },
];
const LIST = {
  name: "ps",
  type: "containers.psReporter",
  columns: ["ID", "Names"] as const,
  headings: { ID: "CONTAINER ID" },
};

async function listed(more: object): Promise<string> {
  const io = recordingIo();
  await printFormatted(io, ROWS, { ...LIST, columns: ["ID", "Names"], ...more });
  return io.stdout;
}

describe("--format", () => {
  const cases: readonly (readonly [string, object, string])[] = [
    ["default table", {}, "CONTAINER ID  NAMES\nabc           web\ndef           database\n"],
    [
      "the word table",
      { format: "table" },
      "CONTAINER ID  NAMES\nabc           web\ndef           database\n",
    ],
    ["no heading", { noHeading: true }, "abc  web\ndef  database\n"],
    ["quiet", { quiet: "ID" }, "abc\ndef\n"],
    ["a template", { format: "{{.ID}}" }, "abc\ndef\n"],
    ["escapes", { format: "{{.ID}}\\t{{.Names}}\\n" }, "abc\tweb\ndef\tdatabase\n"],
    [
      "a table of a template",
      { format: "table {{.Names}} {{.ID}}" },
      "NAMES     CONTAINER ID\nweb       abc\ndatabase  def\n",
    ],
    [
      "a table without heading",
      { format: "table {{.Names}}\\t{{.ID}}", noHeading: true },
      "web       abc\ndatabase  def\n",
    ],
    ["json of a row", { format: "{{json .Labels}}" }, '{"a":"1"}\n{}\n'],
    ["range over all", { format: "{{range .}}{{.ID}};{{end}}" }, "abc;def;\n"],
    ["range over a field", { format: "{{range $k, $v := .Labels}}{{$k}}{{$v}}{{end}}" }, "a1\n"],
    ["only a newline", { format: '{{"\\n"}}' }, "\n\n"],
  ];
  for (const [what, request, wanted] of cases)
    test(what, async () => expect(await listed(request)).toBe(wanted));

  test("json is indented by four spaces", async () => {
    expect(await listed({ format: "json", json: (row: { ID: string }) => ({ Id: row.ID }) })).toBe(
      '[\n    {\n        "Id": "abc"\n    },\n    {\n        "Id": "def"\n    }\n]\n',
    );
  });
  test("an unknown field is told in Go's words", () => {
    expect(() => renderList("{{.Foo}}", ROWS, LIST)).toThrow(
      `template: ps:1:2: executing "ps" at <.Foo>: can't evaluate field Foo in type containers.psReporter`,
    );
  });
  test("control characters of a cell do not reach the terminal", async () => {
    const io = recordingIo();
    await printFormatted(io, [{ Name: "a\u001b[2Jb" }], { name: "x", columns: ["Name"], noHeading: true });
    expect(io.stdout).toBe("a\\x1b[2Jb\n");
  });
  test("one object", async () => {
    const io = recordingIo();
    await printObject(io, { Client: { Version: "1" } }, { name: "version", format: "{{.Client.Version}}" });
    expect(io.stdout).toBe("1\n");
  });
});

test("an error of a name says what was meant, else where to look", () => {
  expect(nearHint("wbe1", ["web1", "db"], "look")).toEqual({ hint: "did you mean web1?" });
  expect(nearHint("xyzzy", ["web1", "db"], "look")).toEqual({ hint: "look" });
  expect(nearHint("xyzzy", [])).toEqual({});
});

test("the closest word is suggested, or none", () => {
  expect(closest("verson", ["version", "volume"])).toBe("version");
  expect(closest("rnu", ["run", "rm"])).toBe("run");
  expect(closest("insp", ["inspect", "info"])).toBe("inspect");
  expect(closest("xyzzy", ["run", "rm"])).toBeUndefined();
});
