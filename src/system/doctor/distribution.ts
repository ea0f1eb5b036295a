/** The words of a distribution: who it is, what its packages are called, how they are installed. */
import type { Family } from "./facts.ts";

const FAMILIES: Readonly<Record<string, Family>> = {
  debian: "debian",
  ubuntu: "debian",
  fedora: "fedora",
  rhel: "fedora",
  centos: "fedora",
  arch: "arch",
  alpine: "alpine",
  suse: "suse",
  opensuse: "suse",
  "opensuse-leap": "suse",
  "opensuse-tumbleweed": "suse",
  sles: "suse",
};

/** From the text of os-release: its own name, else the first known one that it is like. */
export function familyOf(osRelease: string): Family {
  const field = (name: string) =>
    new RegExp(`^${name}=["']?([^"'\n]*)["']?$`, "m").exec(osRelease)?.[1]?.toLowerCase() ?? "";
  const names = [field("ID"), ...field("ID_LIKE").split(/\s+/)];
  return names.map((name) => FAMILIES[name]).find((family) => family !== undefined) ?? "other";
}

const INSTALL: Readonly<Record<Exclude<Family, "other">, string>> = {
  debian: "apt-get install",
  fedora: "dnf install",
  arch: "pacman -S",
  alpine: "apk add",
  suse: "zypper install",
};

/** Packages whose name differs; the rest is called the same everywhere. */
const PACKAGES: Readonly<Record<string, Readonly<Record<Exclude<Family, "other">, string>>>> = {
  newuidmap: {
    debian: "uidmap",
    fedora: "shadow-utils",
    arch: "shadow",
    alpine: "shadow-subids",
    suse: "shadow",
  },
  "qemu-user-static": {
    debian: "qemu-user-static",
    fedora: "qemu-user-static",
    arch: "qemu-user-static",
    alpine: "qemu-aarch64 qemu-arm qemu-x86_64",
    suse: "qemu-linux-user",
  },
  libseccomp: {
    debian: "libseccomp2",
    fedora: "libseccomp",
    arch: "libseccomp",
    alpine: "libseccomp",
    suse: "libseccomp2",
  },
};

/** The command that installs what is wanted. */
export function install(family: Family, wanted: string): string {
  if (family === "other") return `install ${wanted} with your distribution's package manager`;
  return `sudo ${INSTALL[family]} ${PACKAGES[wanted]?.[family] ?? wanted}`;
}

/** The commands that give a kernel setting another value, now and after a reboot. */
export function sysctl(name: string, value: string): string[] {
  return [`echo '${name} = ${value}' | sudo tee -a /etc/sysctl.d/60-kelp.conf`, "sudo sysctl --system"];
}
