/** Why a flag podman has is declared and refused: the end of `--flag is not supported: …`. */
export const NO_PODS = "kelp has no pods";
export const NO_LINK_LOCAL = "addresses come from a network's subnets";
