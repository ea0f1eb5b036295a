/** libseccomp's name of an architecture whose filters we have. */
export type FilterArch = "x86_64" | "aarch64";

export const ARCH: FilterArch = process.arch === "arm64" ? "aarch64" : "x86_64";
