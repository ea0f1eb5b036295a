import { UsageError } from "../../base/index.ts";
import { openContext } from "../../state/index.ts";
import { type Diagnosis, DOCTOR_CHECKS, examine, isWell } from "../../system/index.ts";
import { defineCommand } from "../command.ts";

export default defineCommand({
  paths: [["doctor"]],
  summary: "Look at what this machine lets kelp do, and say how to mend what it does not",
  description: `Nothing is changed. Every finding says what it costs and which commands mend it on this distribution.
  A problem keeps containers from running as they should; advice is about what could be better. The exit status is 1 if
  there is a problem, else 0.`,
  usage: "[options] [CHECK...]",
  examples: [
    ["kelp doctor", "What is there to mend"],
    ["kelp doctor cgroup-controllers", "One check, by the name that an error has told"],
    ["kelp doctor --all", "What has been looked at, and is well"],
  ],
  options: {
    all: { kind: "boolean", short: "a", text: "List the checks that found nothing as well" },
    json: { kind: "boolean", text: "Print every check as JSON" },
  },
  args: { min: 0 },
  async run({ args, options, io, globals }) {
    const ctx = await openContext(globals);
    const diagnoses = chosen(examine(ctx), args);
    if (options.json) io.out(`${JSON.stringify(diagnoses.map(jsonRow), null, 2)}\n`);
    else io.out(report(diagnoses, options.all || args.length > 0));
    return isWell(diagnoses) ? 0 : 1;
  },
});

function chosen(diagnoses: readonly Diagnosis[], names: readonly string[]): readonly Diagnosis[] {
  const known = DOCTOR_CHECKS.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new UsageError(
      "unknown-check",
      `unknown check ${JSON.stringify(unknown)}: there are ${known.join(", ")}`,
    );
  const wanted = diagnoses.filter(({ check }) => names.includes(check));
  // One that could not be made has another's reason.
  return wanted.length === 0 ? diagnoses : wanted;
}

function jsonRow({ check, about, finding }: Diagnosis): object {
  const { severity: status = "ok", what = "", costs = "", fix = [] } = finding ?? {};
  return { check, about, status, what, costs, fix };
}

function report(diagnoses: readonly Diagnosis[], withWell: boolean): string {
  const shown = diagnoses.filter(({ finding }) => withWell || finding !== undefined);
  const parts = shown.map(({ check, about, finding }) =>
    finding === undefined
      ? `ok: ${check}: ${about}\n`
      : [
          `${finding.severity}: ${check}: ${finding.what}`,
          `  costs: ${finding.costs}`,
          ...finding.fix.map((line, index) => `  ${index === 0 ? "mend:  " : "       "}${line}`),
          "",
        ].join("\n"),
  );
  const counted = (severity: string, one: string, several: string) => {
    const count = diagnoses.filter(({ finding }) => finding?.severity === severity).length;
    return `${count} ${count === 1 ? one : several}`;
  };
  const counts = `${diagnoses.length} checks: ${counted("problem", "problem", "problems")}, ${counted("advice", "piece of advice", "pieces of advice")}\n`;
  return `${parts.join("")}${counts}`;
}
