/** What a registry's failure is called, by what was wanted of it. */
import { RegistryError } from "../base/index.ts";
import { type FullReference, formatReference, repository } from "../oci/index.ts";
import { TransientError } from "../registry/index.ts";

/** The error to throw in the place of a failure. */
export type ExplainError = (reference: FullReference, wanted: string, error: unknown) => unknown;

/** podman's words, whose end says what happened. */
export function sourceError(reference: FullReference, wanted: string, error: unknown): unknown {
  const connection = error instanceof RegistryError && error.message.startsWith("pinging ");
  const reading = connection ? "" : `reading manifest ${wanted} in ${repository(reference)}: `;
  return reworded(reference, error, `initializing source docker://${formatReference(reference)}: ${reading}`);
}

/** podman's words for a manifest that is only looked at. */
export function readingError(reference: FullReference, wanted: string, error: unknown): unknown {
  const name = JSON.stringify(`docker://${formatReference(reference)}`);
  return reworded(
    reference,
    error,
    `reading image ${name}: fetching manifest ${wanted} in ${repository(reference)}: `,
  );
}

function reworded(reference: FullReference, error: unknown, prefix: string): unknown {
  if (!(error instanceof RegistryError)) return error;
  const message = prefix + error.message;
  if (error instanceof TransientError)
    return new TransientError(error.code, message, { cause: error, retryAfterMs: error.retryAfterMs });
  return new RegistryError(error.code, message, {
    cause: error,
    ...(error.hint === undefined ? loginHint(error, reference) : { hint: error.hint }),
  });
}

function loginHint(error: RegistryError, { domain }: FullReference): { hint?: string } {
  return ["unauthorized", "denied"].includes(error.code)
    ? { hint: `log in with \`kelp login ${domain}\`` }
    : {};
}
