import { expect, test } from "bun:test";
import type { EventPlan, MonitorConfig } from "../../../src/runtime/index.ts";
import { healthLines, lowerEvents, lowerRemoveEvent } from "../../../src/runtime/lower-events.ts";
import type { PlanOp } from "../../../src/runtime/plan/ops.ts";
import { PlanBuilder } from "../../../src/runtime/plan-builder.ts";
import { type LoggedEvent, parseEvent } from "../../../src/state/index.ts";
import { MONITOR } from "./fixture.ts";

const VALUES: Readonly<Record<string, string>> = {
  time: "2026-01-02T03:04:05.000000006Z",
  code: "7",
  oom: "true",
  failing: "3",
  begun: "2026-01-02T03:04:04.000000006Z",
  output: "a \\u0022quoted\\u0022 word\\u000a",
};

/** What holdfast makes of a template. */
const filled = (pieces: readonly string[]): LoggedEvent[] =>
  pieces
    .map((piece, index) => (index % 2 === 0 ? piece : VALUES[piece]!))
    .join("")
    .split("\n")
    .slice(0, -1)
    .map((line) => parseEvent(line)!);

type Args<N> = Extract<PlanOp, { readonly op: N }>["args"];

const place = (labels: Readonly<Record<string, string>>): EventPlan => ({
  path: "/log",
  maxBytes: -1,
  base: { type: "container", id: "1", name: "n", image: "<time>", attributes: labels },
});

function lower(labels: Readonly<Record<string, string>>): { events: Args<"events">; remove: Args<"event"> } {
  const plan = new PlanBuilder();
  const monitor: MonitorConfig = { ...MONITOR, events: place(labels) };
  lowerEvents(plan, monitor);
  lowerRemoveEvent(plan, monitor);
  const [events, remove] = plan.build().ops;
  return { events: events!.args as Args<"events">, remove: remove!.args as Args<"event"> };
}

test("every line is an event in which what the monitor knows has its place", () => {
  const { events, remove } = lower({ label: 'quote " and\nnewline' });
  const died = filled(events.died);
  expect(died.map(({ Status }) => Status)).toEqual(["died", "cleanup"]);
  expect(died[0]).toMatchObject({ ContainerExitCode: 7, OOMKilled: true, Time: VALUES.time!, ID: "1" });
  expect(died[0]!.Attributes).toEqual({ label: 'quote " and\nnewline' });
  expect(filled(events.start).map(({ Status }) => Status)).toEqual(["init", "start", "attach"]);
  expect(filled(events.again).map(({ Status }) => Status)).toEqual(["restart", "init", "start"]);
  expect(filled(remove.line)).toMatchObject([{ Status: "remove", Time: VALUES.time! }]);
  expect(events.maxBytes).toBe(0n);
});

test("the line after a check tells what it said only where that is asked for", () => {
  const quiet = healthLines(place({}), false).unhealthy;
  expect(filled(quiet)).toMatchObject([{ HealthStatus: "unhealthy", HealthFailingStreak: 3 }]);
  expect(quiet).not.toContain("output");
  const HealthLog = { Start: VALUES.begun, End: VALUES.time, ExitCode: 7, Output: 'a "quoted" word\n' };
  expect(filled(healthLines(place({}), true).unhealthy)).toMatchObject([{ HealthLog }]);
  const entry = healthLines({ ...place({}), isJournal: true }, true).starting;
  const text = entry.map((piece, index) => (index % 2 === 0 ? piece : VALUES[piece]!)).join("");
  expect(JSON.parse(/^PODMAN_HEALTH_LOG=(.*)$/m.exec(text)![1]!)).toEqual(HealthLog);
  expect(healthLines(undefined, true)).toEqual({ starting: [], healthy: [], unhealthy: [] });
});

test("a label that looks like a place stays what it is", () => {
  const labels = { a: "<time>", b: "<code'>", c: '"<oom>"', d: "<failing''>" };
  for (const event of filled(lower(labels).events.died)) {
    expect(event.Attributes).toEqual(labels);
    expect(event).toMatchObject({ Image: "<time>", Time: VALUES.time! });
  }
});
