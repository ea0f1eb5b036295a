import type { Topic } from "./topic.ts";

export const PLATFORMS: Topic = {
  name: "platforms",
  summary: "Images for other architectures",
  sections: [
    {
      title: "To fetch and to build them",
      body: [
        "An image's name often stands for several images, one for each platform. kelp takes this machine's; another is asked for by its name:",
        {
          lines: [
            "kelp pull --platform linux/arm64 debian",
            "kelp run --platform linux/arm64 --rm debian uname -m",
            "kelp build --platform linux/amd64,linux/arm64 -t app .",
          ],
        },
        "--arch and --variant say the same in parts. Several platforms in one build make an image each, and an index that has the tag. A stage that begins with FROM --platform=$BUILDPLATFORM runs on this machine's own architecture: what it compiles for the other costs no emulation.",
      ],
    },
    {
      title: "To run them",
      body: [
        "Programs of another architecture need an emulator: QEMU's, as one static file (package qemu-user-static, or qemu-user where that is static). kelp looks for qemu-ARCH-static and qemu-ARCH in the directories of helper programs and in PATH, so that a file in your own ~/.local/bin is enough.",
        "From Linux 6.7 on nothing has to be registered by root: as long as a container of another architecture lives, and during its build, the emulators that are found are known to the kernel for your containers only. What the administrator has registered (binfmt_misc) is used as it is, and kelp then adds nothing; older kernels need it. `kelp doctor emulators` says what is missing, and `kelp info` lists what can be run.",
        "Emulated programs are slower: measured, sha256sum takes three times as long, and a loop of a shell eight times. Set-uid programs run as their caller, and so sudo and su change no user: QEMU reads its caller's variables, which must not decide what such a program does.",
        "While containers with emulators of kelp's live, others of yours do not see those that the administrator has registered, unless kelp finds the same ones.",
      ],
    },
  ],
};
