/** Control groups, the user's systemd, lingering, and what lasts when nobody is logged in. */
import type { DoctorFacts } from "./facts.ts";
import { advice, type Check, problem } from "./finding.ts";

/** What limits of containers are made of. */
const CONTROLLERS = ["cpu", "cpuset", "io", "memory", "pids"];
const DROP_IN = "/etc/systemd/system/user@.service.d/delegate.conf";

/** An administrator's commands that let users' systemds hand on every controller. */
const DELEGATE = [
  `sudo mkdir -p ${DROP_IN.slice(0, DROP_IN.lastIndexOf("/"))}`,
  `printf '[Service]\\nDelegate=${CONTROLLERS.join(" ")}\\n' | sudo tee ${DROP_IN}`,
  "sudo systemctl daemon-reload",
  "log out and in again (or: sudo systemctl restart user@UID)",
];

function cgroup({ cgroup: { unified, manager }, session }: DoctorFacts) {
  const costs = "containers have no limits, and cannot be paused; stats count by /proc";
  if (!unified)
    return advice(
      "control groups version 2 are not mounted as the one hierarchy",
      manager === undefined ? costs : "containers have no limits: version 1 has the controllers",
      "boot with systemd.unified_cgroup_hierarchy=1 on the kernel's command line",
    );
  if (manager !== undefined) return undefined;
  const fix = session.systemd
    ? ["log in through systemd-logind (ssh, login), not with su or sudo"]
    : ["have an administrator give you a group: chown it, with its cgroup.procs and cgroup.subtree_control"];
  return advice("no control group was delegated to this user", costs, ...fix);
}

function controllers({ cgroup: { unified, manager, controllers: given }, uid }: DoctorFacts) {
  if (manager === undefined || !unified) return undefined;
  const missing = CONTROLLERS.filter((name) => !given.includes(name));
  if (missing.length === 0) return undefined;
  const fix =
    manager === "systemd"
      ? DELEGATE.map((line) => line.replace("UID", String(uid)))
      : ["have an administrator enable them in the cgroup.subtree_control of the groups above yours"];
  return advice(
    `not delegated to this user: ${missing.join(", ")}`,
    `limits that need ${missing.length === 1 ? "it" : "one of them"} are refused`,
    ...fix,
  );
}

function lingering({ session, userName, uid }: DoctorFacts) {
  if (!session.systemd || session.lingers || uid === 0) return undefined;
  return advice(
    `${userName || uid} does not linger`,
    "containers end with the user's last session, and none starts at boot",
    session.lingerCommand,
  );
}

function runtimeDirectory({ session: { runtimeDirectory, systemd, lingerCommand }, uid }: DoctorFacts) {
  const { path, isUsual } = runtimeDirectory;
  if (isUsual || uid === 0) return undefined;
  return advice(
    `/run/user/${uid} is not there: ${path} is used`,
    "shells with another TMPDIR do not see the containers that run, and cleaners of /tmp may take their files",
    systemd
      ? `log in through systemd-logind (ssh, login), or: ${lingerCommand}`
      : `sudo install -d -m 0700 -o ${uid} /run/user/${uid}, and set XDG_RUNTIME_DIR to it`,
  );
}

export const SESSION_CHECKS: readonly Check[] = [
  { name: "cgroup", about: "containers can have control groups", look: cgroup },
  { name: "cgroup-controllers", about: "every kind of limit can be set", look: controllers },
  {
    name: "user-session",
    about: "the user's own systemd runs",
    look: ({ session, uid }) =>
      !session.systemd || session.manager || uid === 0
        ? undefined
        : advice(
            "this user's systemd cannot be reached",
            "containers get no scopes, hence mostly no limits; units and quadlets cannot be started",
            "log in through systemd-logind (ssh, login), not with su or sudo",
            `or: sudo systemctl start user@${uid} and export XDG_RUNTIME_DIR=/run/user/${uid}`,
          ),
  },
  { name: "lingering", about: "containers outlive the user's sessions", look: lingering },
  { name: "runtime-directory", about: "/run/user/UID is there", look: runtimeDirectory },
  {
    name: "clock",
    about: "the clock can be right",
    look: ({ clock }) =>
      clock.now >= clock.built
        ? undefined
        : problem(
            "the clock is behind the day on which this kelp was made",
            "certificates of registries are not valid yet; times of containers, logs and events are wrong",
            "sudo timedatectl set-ntp true",
          ),
  },
];
