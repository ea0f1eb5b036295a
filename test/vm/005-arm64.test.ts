/** The other architecture that kelp promises: its own executable, libraries, filter of system calls and tables of call numbers. */
import { beforeAll, expect } from "bun:test";
import { missing, noteMissing, requires } from "../support/index.ts";
import { arm64Image, type Outcome, runOnArm64 } from "./support/arm64.ts";
import { whyNoImage } from "./support/index.ts";

if (missing("arm64") === undefined) noteMissing("arm64", await whyNoImage(arm64Image));
const needs = requires("arm64");
let results: readonly Outcome[];

/** An image of the guest's own busybox. */
const IMAGE = `mkdir -p img/bin img/etc img/tmp; cp /bin/busybox img/bin
  for name in sh cat chown echo grep httpd id ls mkdir mount sleep stat uname unshare; do ln -s busybox img/bin/$name; done
  echo root:x:0:0::/:/bin/sh >img/etc/passwd
  tar -C img -c . | kelp import - bb`;

interface Case {
  readonly script: string;
  readonly shows: RegExp;
  readonly code?: number;
}

const CASES: Readonly<Record<string, Case>> = {
  "the embedded image runs": {
    script: "kelp run --rm hello",
    shows: /uid map +0 is 1000 outside, 1-65536[\s\S]*network +lo, eth0[\s\S]*seccomp +filter on/,
  },
  "an archive becomes an image": { script: IMAGE, shows: /^sha256:[0-9a-f]{64}$/m },
  "a container is of this machine": { script: "kelp run --rm bb uname -m", shows: /^aarch64$/m },
  "the filter refuses what it refuses elsewhere": {
    script: "kelp run --rm bb grep Seccomp: /proc/self/status; kelp run --rm bb unshare -U true",
    shows: /Seccomp:\s+2\n[\s\S]*not permitted/,
    code: 1,
  },
  "a profile of the user's is compiled for this machine": {
    script: `echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdirat"],"action":"SCMP_ACT_ERRNO"}]}' >p.json
      kelp run --rm --security-opt seccomp=p.json bb mkdir /x`,
    shows: /not permitted/,
    code: 1,
  },
  "a published port is served, and the container steered": {
    script: `kelp run -d --name w -p 8080:80 bb sh -c 'mkdir /w; echo served >/w/index.html; exec httpd -f -p 80 -h /w' >/dev/null
      until curl -sf http://127.0.0.1:8080/; do sleep 1; done
      kelp exec w uname -m; kelp pause w; kelp unpause w; kelp cp w:/w/index.html copy; cat copy; kelp stop -t 1 w; kelp rm w`,
    shows: /^served\naarch64\nw\nw\nserved\n/m,
  },
  "limits hold": {
    script: "kelp run --rm --memory 20m bb cat /sys/fs/cgroup/memory.max",
    shows: /^20971520$/m,
  },
  "owners and mappings of users": {
    script: `kelp run --rm bb sh -c 'chown 5:6 /tmp; stat -c owner:%u:%g /tmp'
      kelp run --rm --userns keep-id bb id; kelp run --rm --user 7:33 bb id`,
    shows: /owner:5:6[\s\S]*uid=1000[\s\S]*uid=7\(7\) gid=33/,
  },
  "a build runs its steps, and its image is saved and loaded": {
    script: `printf 'FROM bb\\nRUN uname -m >/x\\nCMD ["cat","/x"]\\n' >Dockerfile
      kelp build -q -t built . >/dev/null; kelp run --rm built
      kelp image inspect -f '{{.Architecture}}' built; kelp save -q -o built.tar built; kelp load -q -i built.tar`,
    shows: /^aarch64\narm64\nLoaded image: localhost\/built:latest$/m,
  },
  "another OCI runtime": { script: "kelp run --rm --runtime crun bb echo by crun", shows: /^by crun$/m },
  "health checks and restarts": {
    script: `kelp run -d --name h --restart always --health-cmd true --health-interval 1s bb sleep 1 >/dev/null
      until [ "$(kelp inspect -f '{{.RestartCount}}' h)" -ge 1 ]; do sleep 1; done; echo restarted
      kelp rm -f -t 0 h`,
    shows: /^restarted\nh$/m,
  },
  "the store is sound and nothing is left": {
    script: "kelp system check; kelp ps -aq; ls /run/user/1000/kelp/live",
    shows: /^$/,
  },
};

beforeAll(async () => {
  if (needs.missing !== undefined) return;
  results = await runOnArm64(Object.values(CASES).map(({ script }) => script));
}, 30 * 60_000);

for (const [index, [name, { shows, code = 0 }]] of Object.entries(CASES).entries())
  needs.test(`arm64: ${name}`, () => {
    const outcome = results[index];
    expect(outcome?.output).toMatch(shows);
    expect(outcome?.code).toBe(code);
  });
