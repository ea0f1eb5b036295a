/** Paths of /proc and /sys that are hidden or read-only, and --security-opt mask= and unmask=. */

/** Hidden, with what each is: a mask must be of the same kind, and a plan has no conditions. */
export const DEFAULT_MASKS: Readonly<Record<string, "file" | "directory">> = {
  "/proc/acpi": "directory",
  "/proc/interrupts": "file",
  "/proc/kcore": "file",
  "/proc/keys": "file",
  "/proc/latency_stats": "file",
  "/proc/sched_debug": "file",
  "/proc/scsi": "directory",
  "/proc/timer_list": "file",
  "/proc/timer_stats": "file",
  "/sys/dev/block": "directory",
  "/sys/devices/virtual/powercap": "directory",
  "/sys/firmware": "directory",
  "/sys/fs/selinux": "directory",
};

const DEFAULT_READONLY = [
  "/proc/asound",
  "/proc/bus",
  "/proc/fs",
  "/proc/irq",
  "/proc/sys",
  "/proc/sysrq-trigger",
];

export interface MaskOptions {
  readonly mask: readonly string[];
  readonly unmask: readonly string[];
  readonly privileged: boolean;
}

/** Both lists; unmask takes `ALL`, paths, and `*` within one path component. */
export function maskPaths(options: MaskOptions): { masked: string[]; readonly: string[] } {
  if (options.privileged) return { masked: [...options.mask], readonly: [] };
  const open = (path: string) =>
    options.unmask.some((word) => word.toUpperCase() === "ALL" || matches(word, path));
  return {
    masked: [...Object.keys(DEFAULT_MASKS).filter((path) => !open(path)), ...options.mask],
    readonly: DEFAULT_READONLY.filter((path) => !open(path)),
  };
}

function matches(pattern: string, path: string): boolean {
  const clean = pattern.length > 1 ? pattern.replace(/\/+$/, "") : pattern;
  const escaped = clean
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", "[^/]*")
    .replaceAll("?", "[^/]");
  return new RegExp(`^${escaped}$`).test(path);
}
