/** The user's own systemd, spoken to over the session bus or, where there is none, over its private socket. */
import { existsSync } from "node:fs";
import { HostError } from "../base/index.ts";
import type { Environment } from "../host/index.ts";
import { DbusConnection, DbusError } from "./dbus/connection.ts";
import type { DbusValue } from "./dbus/message.ts";
import { busSockets, privateSocket, sessionBus } from "./session.ts";

const SYSTEMD = "org.freedesktop.systemd1";
const OBJECT = "/org/freedesktop/systemd1";
const MANAGER = `${SYSTEMD}.Manager`;
const BUS = "org.freedesktop.DBus";

/** The answer for a unit that is there already. */
const UNIT_EXISTS = `${SYSTEMD}.UnitExists`;

export interface Scope {
  readonly name: string;
  readonly slice: string;
  readonly description: string;
  readonly pids: readonly number[];
}

export class UserManager {
  private constructor(
    readonly connection: DbusConnection,
    /** Straight to systemd: nobody in between who would have to be told whom it is for. */
    readonly direct: boolean,
  ) {}

  /** @throws {HostError} `no-user-manager` if neither way leads to it */
  static async open(env: Environment, uid = process.getuid?.() ?? 0): Promise<UserManager> {
    const own = privateSocket(env, uid);
    if (existsSync(own)) {
      try {
        return new UserManager(await DbusConnection.open(own, uid), true);
      } catch {
        // A later systemd may do without it: then the bus leads there.
      }
    }
    for (const socket of busSockets(sessionBus(env, uid))) {
      try {
        const connection = await DbusConnection.open(socket, uid);
        await connection.call({
          ...{ destination: BUS, path: "/org/freedesktop/DBus", interface: BUS },
          ...{ member: "Hello", signature: "", body: [] },
        });
        return new UserManager(connection, false);
      } catch {
        // The next address of the list may be the living one.
      }
    }
    throw new HostError("no-user-manager", "cannot reach the user's systemd: no session bus answers", {
      hint: "use --cgroup-manager=cgroupfs; see what is missing: kelp doctor user-session",
    });
  }

  /**
   * Moves processes into a new scope, whose control group below it is theirs to divide. Comes back when that is done.
   *
   * @throws {DbusError} with systemd's words
   */
  async startScope(scope: Scope): Promise<void> {
    const done = this.connection.signal((signal) => {
      if (signal.member !== "JobRemoved") return undefined;
      const [, , unit, result] = signal.body;
      return unit === scope.name ? String(result) : undefined;
    });
    if (!this.direct) await this.#listen();
    await this.#call("StartTransientUnit", "ssa(sv)a(sa(sv))", [scope.name, "fail", properties(scope), []]);
    const result = await done.arrives(`the start of ${scope.name}`);
    if (result !== "done") throw new DbusError(SYSTEMD, `cannot start ${scope.name}: ${result}`);
  }

  /** Moves processes into a group inside that of a unit with Delegate=yes. */
  async attachProcesses(unit: string, group: string, pids: readonly number[]): Promise<void> {
    await this.#call("AttachProcessesToUnit", "ssau", [unit, group, pids]);
  }

  /** Has it read the unit files again. */
  async reload(): Promise<void> {
    await this.#call("Reload", "", []);
  }

  close(): void {
    this.connection.close();
  }

  #listen(): Promise<unknown> {
    const rule = `type='signal',interface='${MANAGER}',member='JobRemoved'`;
    return this.connection.call({
      ...{ destination: BUS, path: "/org/freedesktop/DBus", interface: BUS },
      ...{ member: "AddMatch", signature: "s", body: [rule] },
    });
  }

  #call(member: string, signature: string, body: readonly DbusValue[]): Promise<readonly DbusValue[]> {
    const to = this.direct ? {} : { destination: SYSTEMD };
    return this.connection.call({ ...to, path: OBJECT, interface: MANAGER, member, signature, body });
  }
}

const ENDLESS = 0xffff_ffff_ffff_ffffn;

/** The limits are the container's own group's: those that systemd gives to every unit would only come on top. */
function properties({ slice, description, pids }: Scope): DbusValue {
  return [
    ["Description", { type: "s", value: description }],
    ["Slice", { type: "s", value: slice }],
    ["Delegate", { type: "b", value: true }],
    ["TasksMax", { type: "t", value: ENDLESS }],
    // One that has failed (a kill for want of memory) must not be in the way of the next of its name.
    ["CollectMode", { type: "s", value: "inactive-or-failed" }],
    ["PIDs", { type: "au", value: pids }],
  ];
}

/** Whether a unit of this name is there already. */
export function isUnitExists(error: unknown): boolean {
  return error instanceof DbusError && error.errorName === UNIT_EXISTS;
}
