/** What kelp says about itself, under podman's field names. */
import { BUILD } from "../base/index.ts";

/** The version of podman whose command line and output kelp follows. */
const PODMAN_VERSION = "5.8.0";

export interface VersionReport {
  readonly APIVersion: string;
  readonly Version: string;
  readonly GoVersion: string;
  readonly GitCommit: string;
  readonly BuiltTime: string;
  readonly Built: number;
  readonly OsArch: string;
  readonly Os: string;
}

export function versionReport(): VersionReport {
  return {
    APIVersion: PODMAN_VERSION,
    Version: BUILD.version,
    GoVersion: `none (Bun ${process.versions.bun ?? "?"})`,
    GitCommit: BUILD.commit === "unknown" ? "" : BUILD.commit,
    BuiltTime: goDate(BUILD.time),
    Built: BUILD.time,
    OsArch: `linux/${goArch()}`,
    Os: "linux",
  };
}

/** Go's name for this machine's architecture. */
export function goArch(): string {
  return process.arch === "x64" ? "amd64" : process.arch;
}

/** `Thu Jan  1 00:00:00 1970`, in UTC: asking Bun for the local zone costs 4 ms. */
function goDate(seconds: number): string {
  const [weekday = "", day, month, year, clock] = new Date(seconds * 1000).toUTCString().split(" ");
  return `${weekday.replace(",", "")} ${month} ${String(Number(day)).padStart(2)} ${clock} ${year}`;
}
