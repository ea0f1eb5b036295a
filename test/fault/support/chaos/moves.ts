/** The commands that chaos is made of: few names, so that the workers are in one another's way. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, type Sandbox } from "../../../support/index.ts";
import type { Fact, Ledger } from "./ledger.ts";

export interface Move {
  readonly args: readonly string[];
  readonly stdin?: string;
  /** Objects that it may end or change: when it succeeds, or is cut off. */
  readonly ends?: readonly string[];
  /** It ends some of them even if it fails. */
  readonly partly?: boolean;
  /** What holds once it has succeeded. */
  readonly gives?: (output: string, begun: number) => readonly Fact[];
}

export interface World {
  readonly box: Sandbox;
  readonly data: string;
  readonly ledger: Ledger;
  /** A directory with a Containerfile, and the tar of a root file system. */
  readonly context: string;
  readonly archive: string;
  random(): number;
}

type Maker = (world: World) => Move;

const pick = <T>({ random }: World, list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
const container = (world: World) => pick(world, ["c0", "c1", "c2", "c3", "c4"]);
const volume = (world: World) => pick(world, ["v0", "v1", "v2"]);
const network = (world: World) => pick(world, ["n0", "n1", "n2"]);
const image = (world: World) => pick(world, ["localhost/i0:1", "localhost/i1:1", "localhost/i2:1"]);
const secret = (world: World) => pick(world, ["s0", "s1"]);
const source = (world: World) => (world.random() < 0.7 ? BUSYBOX : image(world));
const token = ({ random }: World) => `t${Math.floor(random() * 1e12).toString(36)}`;

/** Succeeds as long as the object is there. */
function exists({ box }: World, kind: string, name: string): Fact {
  const check = async () => {
    const { code, stderr } = await box.kelp([kind, "exists", name]);
    return code === 0 ? undefined : `does not exist (${code}) ${stderr}`;
  };
  return { object: `${kind} ${name}`, what: "was acknowledged", check };
}

function hasId({ box }: World, name: string, id: string): Fact {
  const check = async () => {
    const { stdout, stderr } = await box.kelp(["container", "inspect", "-f", "{{.Id}}", name]);
    return stdout.trim() === id ? undefined : `is not ${id}: ${stdout}${stderr}`;
  };
  return { object: `container ${name}`, what: "its ID was printed", check };
}

function holdsFile({ box }: World, name: string, path: string, content: string): Fact {
  const check = async () => {
    let { code, stdout, stderr } = await box.kelp(["cp", `${name}:${path}`, "-"]);
    // Its health check starts it anew now and then.
    for (let again = 0; stderr.includes("it has just ended") && again < 10; again++)
      ({ code, stdout, stderr } = await box.kelp(["cp", `${name}:${path}`, "-"]));
    return code === 0 && stdout.includes(content) ? undefined : `lacks ${path} (${code}): ${stderr}`;
  };
  return { object: `container ${name}`, what: `${path} was written`, check };
}

function volumeHolds({ data }: World, name: string, file: string): Fact {
  const check = async () => {
    try {
      const text = readFileSync(join(data, "volumes", name, "_data", file), "utf8");
      return text === `${file}\n` ? undefined : `${file} is ${JSON.stringify(text)}`;
    } catch (error) {
      return String(error);
    }
  };
  return { object: `volume ${name}`, what: `${file} was written`, check };
}

function imageHolds({ box }: World, name: string, file: string): Fact {
  const check = async () => {
    const { code, stdout, stderr } = await box.kelp([
      "run",
      "--rm",
      "--network=none",
      name,
      "cat",
      `/${file}`,
    ]);
    return code === 0 && stdout === `${file}\n` ? undefined : `lacks ${file} (${code}): ${stderr}`;
  };
  return { object: `image ${name}`, what: `/${file} was committed`, check };
}

function options(world: World): string[] {
  const chosen = ["--pull", "never"];
  const maybe = (chance: number, ...words: string[]) => {
    if (world.random() < chance) chosen.push(...words);
  };
  maybe(0.35, "-v", `${volume(world)}:/d`);
  maybe(0.15, "-v", "/anonymous");
  maybe(0.35, "--network", network(world));
  maybe(0.2, "--network", "none");
  maybe(0.15, "--restart", "always");
  maybe(0.1, "--secret", secret(world));
  maybe(0.15, "--health-cmd", "true", "--health-interval", "1s");
  maybe(
    0.1,
    "--health-cmd",
    "false",
    "--health-interval",
    "1s",
    "--health-retries",
    "1",
    "--health-on-failure",
    "restart",
  );
  return chosen;
}

const LASTS = ["sh", "-c", "trap exit TERM; echo begun; sleep 300 & wait"];

const make: Maker = (world) => {
  const name = container(world);
  const args = ["create", "--name", name, ...options(world), source(world), ...LASTS];
  return { args, gives: (output) => [hasId(world, name, output.trim())] };
};

const replace: Maker = (world) => {
  const name = container(world);
  const args = ["create", "--replace", "--name", name, ...options(world), source(world), ...LASTS];
  return {
    args,
    ends: [`container ${name}`],
    partly: true,
    gives: (output) => [hasId(world, name, output.trim())],
  };
};

const runDetached: Maker = (world) => {
  const name = container(world);
  const args = ["run", "-d", "--name", name, ...options(world), source(world), ...LASTS];
  return { args, gives: (output) => [hasId(world, name, output.trim())] };
};

const runBriefly: Maker = (world) => ({
  args: ["run", "--rm", ...options(world), source(world), "echo", "hi"],
});

const writeVolume: Maker = (world) => {
  const [name, file] = [volume(world), token(world)];
  const script = `echo ${file} >/d/${file}`;
  return {
    args: ["run", "--rm", "--network", "none", "-v", `${name}:/d`, BUSYBOX, "sh", "-c", script],
    gives: () => [volumeHolds(world, name, file)],
  };
};

const writeContainer: Maker = (world) => {
  const [name, file] = [container(world), token(world)];
  return {
    args: ["exec", name, "sh", "-c", `echo ${file} >/${file}`],
    gives: () => [holdsFile(world, name, `/${file}`, file)],
  };
};

const copyIn: Maker = (world) => {
  const name = container(world);
  return {
    args: ["cp", join(world.context, "file"), `${name}:/copied`],
    gives: () => [holdsFile(world, name, "/copied", "from the host")],
  };
};

const removeContainer: Maker = (world) => {
  const name = container(world);
  const flags = pick(world, [[], ["-f", "-t", "0"], ["-f", "-v", "-t", "0"], ["--ignore"]]);
  return { args: ["rm", ...flags, name], ends: [`container ${name}`] };
};

const rename: Maker = (world) => {
  const [from, to] = [container(world), container(world)];
  return {
    args: ["rename", from, to],
    ends: [`container ${from}`, `container ${to}`],
    gives: () => [exists(world, "container", to)],
  };
};

const commit: Maker = (world) => {
  const [from, to] = [container(world), image(world)];
  return {
    args: ["commit", "-q", from, to],
    ends: [`image ${to}`],
    gives: (_output, begun) => [
      exists(world, "image", to),
      ...world.ledger
        .about(`container ${from}`, begun)
        .flatMap(({ what }) => /^\/(t\w+) was written/.exec(what)?.[1] ?? [])
        .slice(-1)
        .map((file) => imageHolds(world, to, file)),
    ],
  };
};

const names = (world: World, args: readonly string[], to: string): Move => ({
  args,
  ends: [`image ${to}`],
  gives: () => [exists(world, "image", to)],
});

const tag: Maker = (world) => {
  const to = image(world);
  return names(world, ["tag", source(world), to], to);
};

const build: Maker = (world) => {
  const to = image(world);
  const value = Math.floor(world.random() * 3);
  return names(world, ["build", "-q", "--build-arg", `N=${value}`, "-t", to, world.context], to);
};

const importTar: Maker = (world) => {
  const to = image(world);
  return names(world, ["import", "-q", world.archive, to], to);
};

const removeImage: Maker = (world) => {
  const name = image(world);
  const force = world.random() < 0.3;
  const also = force ? ["container *"] : [];
  return { args: ["rmi", ...(force ? ["-f"] : []), name], ends: [`image ${name}`, ...also], partly: force };
};

const untag: Maker = (world) => {
  const name = image(world);
  return { args: ["untag", name, name], ends: [`image ${name}`] };
};

const createVolume: Maker = (world) => {
  const name = volume(world);
  return { args: ["volume", "create", name], gives: () => [exists(world, "volume", name)] };
};

/** With --force the containers that use it go too. */
const removeShared =
  (kind: "volume" | "network", choose: (world: World) => string): Maker =>
  (world) => {
    const name = choose(world);
    const force = world.random() < 0.3;
    const args = [kind, "rm", ...(force ? ["-f", "-t", "0"] : []), name];
    return { args, ends: [`${kind} ${name}`, ...(force ? ["container *"] : [])], partly: force };
  };

const createNetwork: Maker = (world) => {
  const name = network(world);
  return { args: ["network", "create", name], gives: () => [exists(world, "network", name)] };
};

const createSecret: Maker = (world) => {
  const name = secret(world);
  const replaces = world.random() < 0.5 ? ["--replace"] : [];
  return {
    args: ["secret", "create", ...replaces, name, "-"],
    stdin: "word",
    gives: () => [exists(world, "secret", name)],
  };
};

const removeSecret: Maker = (world) => {
  const name = secret(world);
  return { args: ["secret", "rm", name], ends: [`secret ${name}`] };
};

const prune: Maker = (world) =>
  pick(world, [
    { args: ["container", "prune", "-f"], ends: ["container *"], partly: true },
    { args: ["volume", "prune", "-a", "-f"], ends: ["volume *"], partly: true },
    { args: ["network", "prune", "-f"], ends: ["network *"], partly: true },
    { args: ["image", "prune", "-f"] },
    { args: ["builder", "prune", "-a", "-f"] },
    {
      args: ["system", "prune", "-a", "-f", "--volumes"],
      ends: ["container *", "volume *", "network *", "image *"],
      partly: true,
    },
  ]);

/** One that ends nothing and promises nothing but to end well. */
const plain =
  (...words: ((world: World) => string)[]): Maker =>
  (world) => ({ args: words.flatMap((word) => word(world).split(" ")) });

const word = (text: string) => () => text;

const MAKERS: readonly (readonly [weight: number, Maker])[] = [
  [10, make],
  [2, replace],
  [12, runDetached],
  [6, runBriefly],
  [8, writeVolume],
  [8, writeContainer],
  [4, copyIn],
  [10, removeContainer],
  [3, rename],
  [5, commit],
  [5, tag],
  [3, build],
  [2, importTar],
  [5, removeImage],
  [2, untag],
  [3, createVolume],
  [3, removeShared("volume", volume)],
  [4, createNetwork],
  [3, removeShared("network", network)],
  [2, createSecret],
  [1, removeSecret],
  [3, prune],
  [8, plain(word("start"), container)],
  [2, plain(word("init"), container)],
  [4, plain(word("stop -t 0"), container)],
  [3, plain(word("kill"), container)],
  [4, plain(word("restart -t 0"), container)],
  [2, plain(word("pause"), container)],
  [3, plain(word("unpause"), container)],
  [4, plain(word("exec"), container, word("true"))],
  [2, plain(word("exec -d"), container, word("sleep 1"))],
  [2, plain(word("update --restart no"), container)],
  [1, plain(word("update --restart always"), container)],
  [2, plain(word("logs"), container)],
  [2, plain(word("healthcheck run"), container)],
  [4, plain(word("network connect"), network, container)],
  [3, plain(word("network disconnect"), network, container)],
  [1, plain(word("network reload"), container)],
  [2, plain(word("inspect"), container)],
  [2, plain(word("ps -a"))],
  [1, plain(word("ps -a --size"))],
  [1, plain(word("images -a"))],
  [1, plain(word("system df -v"))],
  [1, plain(word("volume ls"))],
  [1, plain(word("stats --no-stream"))],
  [1, plain(word("diff"), container)],
  [1, plain(word("top"), container)],
  [1, plain(word("export -o /dev/null"), container)],
  [1, plain(word("save -q -o /dev/null"), image)],
  [1, plain(word("events --stream=false --since 1m"))],
];

const TOTAL = MAKERS.reduce((sum, [weight]) => sum + weight, 0);

/** The next command of a worker. */
export function nextMove(world: World): Move {
  let left = world.random() * TOTAL;
  const found = MAKERS.find(([weight]) => {
    left -= weight;
    return left < 0;
  });
  return (found ?? MAKERS[0]!)[1](world);
}
