import type { Topic } from "./topic.ts";

export const DESIGN: Topic = {
  name: "design",
  summary: "How kelp works, and what that means for those who use it",
  page: { name: "kelp-design", section: 7 },
  sections: [
    {
      title: "Two programs",
      body: [
        "kelp decides and holdfast does. kelp reads the command line, the configuration and the image, writes down a plan, a flat list of steps without a condition, and gets out of the way: it becomes holdfast. holdfast, a small static program that kelp carries inside itself, makes the namespaces, mounts what the plan says, starts the command, and stays as the container's monitor. It reads no image, no configuration and no database.",
      ],
    },
    {
      title: "No root",
      body: [
        "Everything is done with the caller's own rights in a user namespace. Its user 0 is the caller; the other users of an image are the caller's subordinate ids of /etc/subuid and /etc/subgid, which newuidmap and newgidmap of the package uidmap put in place. Without them an image has one user only: the caller.",
        "Who breaks out of a container is the caller, or one of those ids, and nobody else.",
      ],
    },
    {
      title: "No daemon",
      body: [
        "Each container has one resident process, its monitor: tens of kilobytes that reap its processes, write its log, serve attach and exec, forward its ports, check its health and restart it. When the last container ends nothing of kelp is running.",
        "All containers of a user share one user namespace and, where they have a network, one network namespace with one uplink. The first start makes them, whoever lives holds them, the last end takes them away.",
      ],
    },
    {
      title: "Where things are",
      body: [
        [
          "~/.local/share/kelp",
          "Images, containers, volumes, networks and secrets: the database kelp.db, and files that appear whole or not at all. Layers belong to subordinate ids; `kelp unshare` is the way to look at them, and to remove them by hand.",
        ],
        ["$XDG_RUNTIME_DIR/kelp", "What is true until the next boot: status files, sockets, locks."],
        ["~/.cache/kelp", "What can be made again: the unpacked holdfast, compiled filters."],
        ["~/.config/kelp", "config.toml, see kelp.toml(5), and secrets.key, the key of all secrets."],
        "--root and --runroot, KELP_ROOT and KELP_RUNROOT, or root and runroot of kelp.toml(5) move the first two.",
      ],
    },
    {
      title: "State",
      body: [
        "The database says what a container is, small files that its monitor replaces say how it lives. A container whose monitor was killed counts as exited with 137, one that a power cut took as exited with 255. Readers never wait for writers.",
        "The database carries the version of its schema. A newer kelp brings it up to date in one transaction and keeps the file as it was beside it, kelp.db.vN.backup; an older kelp refuses to touch it and says so.",
      ],
    },
    {
      title: "Compared with podman",
      body: [
        "Commands, flags, output and exit codes are podman's, and the files of the ecosystem are read where they are: registries.conf, auth.json, policy.json, certs.d, containers.conf. What podman has and kelp has not is refused by name, with the reason. Images of a user's podman store can be taken over with `kelp import-from podman`.",
        "There are no pods, no API service and no virtual machine.",
      ],
    },
  ],
};
