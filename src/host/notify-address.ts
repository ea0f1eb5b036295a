/** The address of a service manager's socket, as NOTIFY_SOCKET says it. */

/**
 * All bytes of `sun_path`: a path with a NUL at its end, or a NUL and an abstract name. Undefined: none, or none of a
 * kind that a user's service has.
 */
export function notifyAddress(socket: string | undefined): Uint8Array | undefined {
  if (socket?.startsWith("/")) return Buffer.from(`${socket}\0`);
  if (socket?.startsWith("@")) return Buffer.from(`\0${socket.slice(1)}`);
  return undefined;
}
