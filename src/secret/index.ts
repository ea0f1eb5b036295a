/**
 * secret: small pieces of data that nobody is to see by accident. Owns their encryption at rest and the key, which is
 * kept beside the configuration and never in the store.
 *
 * Must not know: containers, images, how a secret gets into a process.
 */
export { createSecret, findSecret, inspectSecret, openSecret } from "./store.ts";
