/** Limits that a container can be given another value of later. */
import { LIMIT_OPTIONS } from "./create-limits.ts";

const {
  cgroups: _cgroups,
  "cgroup-conf": _conf,
  "cgroup-parent": _parent,
  "oom-kill-disable": _oom,
  "oom-score-adj": _score,
  "rdt-class": _rdt,
  ...CHANGEABLE_LIMITS
} = LIMIT_OPTIONS;

export { CHANGEABLE_LIMITS };
