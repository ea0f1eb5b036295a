/**
 * registry: talking to OCI and Docker registries: names and places (registries.conf), credentials, trust,
 * retries, the protocol itself.
 *
 * Must not know: the store, what is done with what it fetches. Loaded only by commands that use a network.
 */
export { type AccessOptions, RegistryAccess } from "./access.ts";
export {
  type AuthOptions,
  type Credentials,
  findCredentials,
  removeAllCredentials,
  removeCredentials,
  saveCredentials,
} from "./credentials.ts";
export { TransientError } from "./errors.ts";
export { loginKey, verifyLogin } from "./login.ts";
export { checkPolicy } from "./policy.ts";
export { loadRegistriesConf, type PullPlace, searchRegistries } from "./registries-conf.ts";
export type { RemoteManifest, Repository, UploadSource } from "./repository.ts";
export { backOff, type RetryPolicy, sleep, withRetry } from "./retry.ts";
export { type SearchResult, searchRegistry } from "./search.ts";
