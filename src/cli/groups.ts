/** The nouns that hold commands, and what they are about. */
export const GROUPS: Readonly<Record<string, string>> = {
  builder: "Build images; podman's word",
  buildx: "Build images; docker's word",
  container: "Manage containers",
  generate: "Generate structured data from containers",
  healthcheck: "Manage health checks on containers",
  image: "Manage images",
  manifest: "Manage indexes of images for several platforms",
  network: "Manage networks",
  quadlet: "Manage quadlet files, which describe services",
  secret: "Manage secrets",
  system: "Manage kelp",
  volume: "Manage volumes",
};

export const ROOT_SUMMARY = "Manage pods, containers and images";
