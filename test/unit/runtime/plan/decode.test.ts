import { expect, test } from "bun:test";
import { decodePlan } from "../../../../src/runtime/plan/decode.ts";
import { encodePlan } from "../../../../src/runtime/plan/encode.ts";
import type { PlanOp } from "../../../../src/runtime/plan/ops.ts";

const ops: PlanOp[] = [
  { op: "onFailure", stage: "config", tolerate: 0, args: { argv: ["a", "", "äö"], env: [] } },
  { op: "joinHolder", stage: "launch", tolerate: 3, args: { pid: 7, start: 2n ** 63n, namespaces: 1n } },
  {
    op: "credentials",
    stage: "exec",
    tolerate: 0,
    args: {
      uid: 1,
      gid: 2,
      groups: Uint8Array.of(1, 2, 3),
      bounding: 1n,
      effective: 0n,
      permitted: 0n,
      inheritable: 0n,
      ambient: 0n,
    },
  },
];

test("a plan survives its way through bytes", () => {
  expect(decodePlan(encodePlan({ ops }))?.ops).toEqual(ops);
});

test("what is cut or not ours decodes to nothing", () => {
  const bytes = encodePlan({ ops });
  for (let length = 0; length < bytes.length; length += 7) {
    const short = decodePlan(bytes.slice(0, length));
    expect(short === undefined || short.ops.length === ops.length).toBe(true);
  }
  const other = bytes.slice();
  other[16]! ^= 1;
  expect(decodePlan(other)).toBeUndefined();
});
