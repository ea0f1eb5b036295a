/** What an entry in the journal says about its container, in podman's names. */
import type { ContainerRecord } from "../state/index.ts";

/** Fields by which a container's entries are found again. */
export const ID_FIELD = "CONTAINER_ID_FULL";

export function journalFields({ id, name, config }: ContainerRecord): Record<string, string> {
  const tag = config.log.tag ?? "";
  return {
    ...config.log.labels,
    [ID_FIELD]: id,
    CONTAINER_ID: id.slice(0, 12),
    CONTAINER_NAME: name,
    ...(tag === "" ? {} : { CONTAINER_TAG: tag }),
    SYSLOG_IDENTIFIER: tag === "" ? name : tag,
  };
}
