const SPOKEN = ["kelp", "podman", "docker"];

/** Words of a command as the user types them: a symbolic link called podman or docker is spoken of by that name. */
export function spokenCommand(path: readonly string[]): string {
  const called = process.argv0.slice(process.argv0.lastIndexOf("/") + 1);
  return [SPOKEN.includes(called) ? called : "kelp", ...path].join(" ");
}
