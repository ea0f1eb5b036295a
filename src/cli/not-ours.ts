/** Commands that podman has and kelp does not, for a reason that is worth more than "unrecognized command". */
export const NOT_OURS: Readonly<Record<string, string>> = {
  "container checkpoint": "freezing processes to disk needs root",
  "container restore": "freezing processes to disk needs root",
  farm: "builds run on this machine only",
  machine: "kelp runs on Linux itself and needs no virtual machine",
  "system connection": "kelp has no service to connect to",
  "system migrate": "containers run on across an update of kelp",
  "system renumber": "kelp has no numbered locks",
};
