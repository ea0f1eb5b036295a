/** Scopes of the user's systemd, entered by this process. Loaded by those who need one. */
import { hostEnvironment } from "../config/index.ts";
import { isUnitExists, type Scope, UserManager } from "../systemd/index.ts";
import { MONITOR_GROUP } from "./cgroup-home.ts";

/**
 * Makes a scope with this process in it. One of that name that is there already belongs to an earlier life of the
 * container, kept by a client that has not gone yet: it is entered.
 */
export async function enterScope(scope: Omit<Scope, "pids">): Promise<void> {
  await withManager(async (manager) => {
    try {
      await manager.startScope({ ...scope, pids: [process.pid] });
    } catch (error) {
      if (!isUnitExists(error)) throw error;
      await manager.attachProcesses(scope.name, `/${MONITOR_GROUP}`, [process.pid]);
    }
  });
}

/** Moves this process into a unit whose group is divided already, beside what runs there. */
export function joinUnit(unit: string): Promise<void> {
  return withManager((manager) => manager.attachProcesses(unit, `/${MONITOR_GROUP}`, [process.pid]));
}

async function withManager<T>(work: (manager: UserManager) => Promise<T>): Promise<T> {
  const manager = await UserManager.open(hostEnvironment());
  try {
    return await work(manager);
  } finally {
    manager.close();
  }
}
