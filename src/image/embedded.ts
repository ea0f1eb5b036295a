import { assetPath } from "../base/index.ts";

/** The name under which the embedded image is known, once it has been loaded. */
export const HELLO_REFERENCE = "localhost/hello:latest";

/** An oci-archive (tar) holding HELLO_REFERENCE. Readable by this process only (see `assetPath`). */
export function embeddedHello(): string {
  return assetPath("hello.tar");
}
