/** Instructions that change the configuration alone. */
import { posix } from "node:path";
import { parseDuration } from "../../base/index.ts";
import type { Command, HealthcheckInstruction, StageInstruction } from "../dockerfile/instruction.ts";
import { envMap, type StageState, shellOf } from "../stage-state.ts";
import type { StepContext } from "./step-context.ts";

/** The member of the union whose `kind` may be K. */
type OfKind<K, I = StageInstruction> = I extends { readonly kind: infer J }
  ? K extends J
    ? I
    : never
  : never;

type Apply<K extends StageInstruction["kind"]> = (
  instruction: OfKind<K>,
  state: StageState,
  step: StepContext,
) => string;

/** Each returns what history says of it. */
export const CONFIG_STEPS: { readonly [K in ConfigKind]: Apply<K> } = {
  env: ({ pairs }, state, step) => {
    // All values see the variables as they were before this instruction.
    const values = pairs.map(([name, value]) => [step.word(name), step.word(value)] as const);
    const env = envMap(state);
    for (const [name, value] of values) env.set(name, value);
    state.config.Env = [...env].map(([name, value]) => `${name}=${value}`);
    return `ENV ${values.map(([name, value]) => `${name}=${value}`).join(" ")}`;
  },
  label: ({ pairs }, state, step) => {
    const values = pairs.map(([name, value]) => [step.word(name), step.word(value)] as const);
    state.config.Labels = { ...state.config.Labels, ...Object.fromEntries(values) };
    return `LABEL ${values.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(" ")}`;
  },
  arg: ({ args }, state, step) => {
    const told = args.map(({ name, value }) => {
      const own = value === undefined ? undefined : step.word(value);
      const found = step.session.args.valueOf(name, own);
      if (found !== undefined) state.args.set(name, found);
      return own === undefined ? name : `${name}=${own}`;
    });
    return `ARG ${told.join(" ")}`;
  },
  cmd: ({ command }, state) => {
    state.config.Cmd = argvOf(command, state);
    return `CMD ${JSON.stringify(state.config.Cmd)}`;
  },
  entrypoint: ({ command }, state, step) => {
    state.config.Entrypoint = argvOf(command, state);
    // A command made for another entrypoint means nothing to this one.
    if (!step.ownCommand) delete state.config.Cmd;
    return `ENTRYPOINT ${JSON.stringify(state.config.Entrypoint)}`;
  },
  shell: ({ argv }, state) => {
    state.config.Shell = argv;
    return `SHELL ${JSON.stringify(argv)}`;
  },
  user: ({ value }, state, step) => {
    state.config.User = step.word(value);
    return `USER ${state.config.User}`;
  },
  stopsignal: ({ value }, state, step) => {
    const signal = step.word(value);
    if (!/^(SIG)?[A-Z0-9+-]+$/i.test(signal)) step.fail(`invalid signal: ${signal}`);
    state.config.StopSignal = signal;
    return `STOPSIGNAL ${signal}`;
  },
  maintainer: ({ value }, state) => {
    state.author = value;
    return `MAINTAINER ${value}`;
  },
  onbuild: ({ value }, state) => {
    state.config.OnBuild = [...(state.config.OnBuild ?? []), value];
    return `ONBUILD ${value}`;
  },
  expose: ({ values }, state, step) => {
    const ports = values.flatMap((value) => step.words(value)).map((word) => portOf(word, step));
    state.config.ExposedPorts = { ...state.config.ExposedPorts, ...keys(ports) };
    return `EXPOSE ${ports.join(" ")}`;
  },
  volume: ({ values }, state, step) => {
    const paths = values.map((value) => step.word(value));
    if (paths.some((path) => path === "")) step.fail("VOLUME specified can not be an empty string");
    state.config.Volumes = { ...state.config.Volumes, ...keys(paths) };
    return `VOLUME ${JSON.stringify(paths)}`;
  },
  healthcheck: (instruction, state, step) => {
    state.config.Healthcheck = healthcheck(instruction, state, step);
    return `HEALTHCHECK ${JSON.stringify(state.config.Healthcheck)}`;
  },
};

type ConfigKind = Exclude<StageInstruction["kind"], "run" | "copy" | "add" | "workdir">;

export function isConfigStep(kind: StageInstruction["kind"]): kind is ConfigKind {
  return Object.hasOwn(CONFIG_STEPS, kind);
}

/** The new working directory: relative ones continue the one before. */
export function resolveWorkdir(state: StageState, value: string): string {
  return posix.resolve("/", state.config.WorkingDir ?? "/", value);
}

function argvOf(command: Command, state: StageState): string[] {
  return command.form === "exec" ? [...command.argv] : [...shellOf(state), command.text];
}

function keys(names: readonly string[]): Record<string, object> {
  return Object.fromEntries(names.map((name) => [name, {}]));
}

const MAX_PORT = 65535;

function portOf(word: string, step: StepContext): string {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(word);
  const [, first = "", last = first, protocol = "tcp"] = match ?? [];
  if (match === null || Number(last) > MAX_PORT || Number(first) > Number(last))
    step.fail(`invalid containerPort: ${word}`);
  const range = last === first ? first : `${first}-${last}`;
  return `${range}/${protocol.toLowerCase()}`;
}

function healthcheck(
  { command, timing }: HealthcheckInstruction,
  _state: StageState,
  step: StepContext,
): Record<string, unknown> {
  if (command === undefined) return { Test: ["NONE"] };
  const test = command.form === "exec" ? ["CMD", ...command.argv] : ["CMD-SHELL", command.text];
  const names = {
    interval: "Interval",
    timeout: "Timeout",
    "start-period": "StartPeriod",
    "start-interval": "StartInterval",
  };
  const result: Record<string, unknown> = { Test: test };
  for (const [flag, field] of Object.entries(names)) {
    const text = timing[flag];
    if (text !== undefined) result[field] = duration(flag, step.word(text), step);
  }
  if (timing.retries !== undefined) {
    const retries = Number(step.word(timing.retries));
    if (!Number.isInteger(retries) || retries < 0)
      step.fail(`--retries must be a whole number, not ${timing.retries}`);
    result.Retries = retries;
  }
  return result;
}

function duration(flag: string, text: string, step: StepContext): number {
  try {
    return parseDuration(text);
  } catch {
    return step.fail(`--${flag}: invalid duration ${JSON.stringify(text)}`);
  }
}
