/**
 * systemd: the user's own systemd over D-Bus.
 *
 * Must not know: containers, images, the database.
 */
export { DbusError } from "./dbus/connection.ts";
export { isUnitExists, type Scope, UserManager } from "./manager.ts";
export { busSockets, hasUserManager } from "./session.ts";
