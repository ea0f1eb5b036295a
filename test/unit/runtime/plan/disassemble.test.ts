import { expect, test } from "bun:test";
import { disassemblePlan } from "../../../../src/runtime/plan/disassemble.ts";
import { NO_SLOT, type Plan, TOLERATE } from "../../../../src/runtime/plan/ops.ts";

test("a plan reads as one line an operation with the option it comes from", () => {
  const plan: Plan = {
    ops: [
      {
        op: "openTree",
        stage: "setup",
        args: { path: "/srv/site", flags: 0x8000, into: 8 },
        origin: "--volume /srv/site:/www:ro",
      },
      {
        op: "mountAttr",
        stage: "setup",
        args: { tree: 8, set: 5n, clear: 0n, propagation: 0x40000n, recursive: 1 },
        tolerate: TOLERATE.denied | TOLERATE.unsupported,
      },
      {
        op: "execve",
        stage: "exec",
        args: { argv: ["nginx", "-g", "daemon off;"], env: [], search: ["/bin"] },
      },
    ],
  };
  expect(disassemblePlan(plan).split("\n")).toEqual([
    `${'setup   0 openTree    path="/srv/site" flags=RECURSIVE -> s8'.padEnd(84)} # --volume /srv/site:/www:ro`,
    "setup   1 mountAttr   tree=s8 set=RDONLY|NODEV clear=0 propagation=PRIVATE recursive=1 unless denied|unsupported",
    'exec    2 execve      argv=["nginx" "-g" "daemon off;"] env=[] search=["/bin"]',
    "",
  ]);
});

test("numbers are shown as people write them", () => {
  const plan: Plan = {
    ops: [
      {
        op: "joinBase",
        stage: "launch",
        args: { lock: "l", live: "d", net: "", ownNet: 0, namespaces: 0x10020000n },
      },
      {
        op: "openAt",
        stage: "setup",
        args: { root: NO_SLOT, path: "a", flags: 0x41, mode: 0o644, resolve: 0x12n, into: NO_SLOT },
      },
      { op: "unshare", stage: "exec", args: { flags: 0x20001n } },
    ],
  };
  const text = disassemblePlan(plan);
  expect(text).toContain("namespaces=NEWNS|NEWUSER\n");
  expect(text).toContain('root=none path="a" flags=WRONLY|CREAT mode=0644 resolve=NO_MAGICLINKS|IN_ROOT\n');
  expect(text).toContain("flags=NEWNS|0x1\n");
});

test("no control character of an image reaches the terminal", () => {
  const name = "\u001b[2J\u009b\u202e\u007f\n";
  const plan: Plan = { ops: [{ op: "hostname", stage: "setup", args: { name }, origin: name }] };
  expect(disassemblePlan(plan)).toMatch(/^[ -~]+\n$/);
});
