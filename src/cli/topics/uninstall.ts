import type { Topic } from "./topic.ts";

export const UNINSTALL: Topic = {
  name: "uninstall",
  summary: "How kelp is installed, updated and removed",
  sections: [
    {
      title: "Install",
      body: [
        "kelp is one file. Each of these is enough:",
        {
          lines: [
            "cp kelp ~/.local/bin/                   the file alone",
            "make install PREFIX=~/.local            with man pages and completions",
            "npm install --global ./kelp-0.1.0.tgz   from the packed tarball",
          ],
        },
        "newuidmap and newgidmap (package uidmap) and a line for you in /etc/subuid and /etc/subgid give containers more than one user; slirp4netns connects them to the outside. `kelp system check` and `kelp info` say what is there.",
      ],
    },
    {
      title: "Update",
      body: [
        "Put the new file in the place of the old one. Running containers go on under the monitor they were started with. The first command of the new kelp that writes brings the database up to date and keeps the old one beside it as kelp.db.vN.backup. To go back, put that file in the place of kelp.db.",
      ],
    },
    {
      title: "Remove",
      body: [
        "The first of these removes all containers, images, volumes, networks and secrets, and the second every other file that kelp has made:",
        {
          lines: [
            "kelp system reset --force",
            'rm -rf ~/.local/share/kelp ~/.config/kelp ~/.cache/kelp "$XDG_RUNTIME_DIR/kelp"',
          ],
        },
        "`make uninstall PREFIX=~/.local`, `npm uninstall --global kelp` or rm of the one file removes kelp itself.",
      ],
    },
  ],
};
