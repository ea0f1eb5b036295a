const SPOKEN = ["kelp", "podman", "docker"];

/** `docker` or `podman` if a link of that name was called, else `kelp`. */
export function calledAs(): string {
  const called = process.argv0.slice(process.argv0.lastIndexOf("/") + 1);
  return SPOKEN.includes(called) ? called : "kelp";
}

/** Words of a command as the user types them: a symbolic link called podman or docker is spoken of by that name. */
export function spokenCommand(path: readonly string[]): string {
  return [calledAs(), ...path].join(" ");
}
