/**
 * systemd: the text of units, quadlet files, which become such text, and the user's own systemd over D-Bus. Owns what a
 * unit says and the files of a user's units.
 *
 * Must not know: the database, containers, images, the command line's options.
 */

export { type ContainerUnit, type ContainerUnitOptions, containerUnit } from "./container-unit.ts";
export { DbusError } from "./dbus/connection.ts";
export { isUnitExists, type Scope, UserManager } from "./manager.ts";
export { findQuadlets, quadletDirectories, readQuadlets } from "./quadlet/find.ts";
export { type GeneratedUnit, type Generation, generateUnits } from "./quadlet/generate.ts";
export { readNewFiles } from "./quadlet/install-files.ts";
export {
  generateHome,
  installedNames,
  installQuadlets,
  listQuadlets,
  quadletHome,
  quadletPath,
  removeQuadlet,
  syncHome,
  unitStates,
} from "./quadlet/manage.ts";
export { quadletType } from "./quadlet/names.ts";
export { writeGenerated } from "./quadlet/sync-units.ts";
export { busSockets, hasUserManager } from "./session.ts";
export { systemctl, systemctlIsThere, unitProperties } from "./systemctl.ts";
export { literalUnitWord, unitCommand } from "./unit-words.ts";
