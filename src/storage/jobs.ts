/**
 * Work that must be done as root of the user namespace: files owned by subordinate ids, chroot,
 * device nodes. Who starts a job (runtime's `runInside`) is passed in as a `RunInside`, since storage
 * and runtime do not know each other.
 */
import type { ArchiveInput } from "./archive-job.ts";
import type { AssembleInput } from "./assemble-job.ts";
import type { AssembleTarInput } from "./assemble-tar-job.ts";
import type { CompareInput } from "./compare-job.ts";
import type { CopyInput } from "./copy-job.ts";
import type { CopyLayerInput } from "./copy-layer-job.ts";
import type { HashedLayer } from "./layer-hasher.ts";
import type { TreeSize } from "./measure-job.ts";
import type { NamesInput } from "./names-job.ts";
import type { AdoptInput } from "./parents-job.ts";
import type { SealInput } from "./seal-job.ts";
import type { TransferInput } from "./transfer-job.ts";
import type { ChangesInput, TreeChange } from "./tree/changes.ts";
import type { UnpackedLayer, UnpackInput } from "./unpack-job.ts";

/** What each job takes and gives. Paths are absolute and as seen in the namespaces' own root. */
export interface StorageJobs {
  "unpack-layers": { input: UnpackInput; output: UnpackedLayer[] };
  "adopt-parents": { input: AdoptInput; output: null };
  "assemble-layers": { input: AssembleInput; output: null };
  "assemble-tar": { input: AssembleTarInput; output: null };
  "copy-rootfs": { input: CopyInput; output: null };
  "seal-layer": { input: SealInput; output: HashedLayer };
  "copy-layer": { input: CopyLayerInput; output: HashedLayer };
  "remove-trees": { input: { readonly paths: readonly string[] }; output: null };
  "archive-tree": { input: ArchiveInput; output: { readonly bytes: number } };
  "list-changes": { input: ChangesInput; output: TreeChange[] };
  "compare-trees": { input: CompareInput; output: string | null };
  "measure-trees": { input: { readonly paths: readonly string[] }; output: TreeSize[] };
  transfer: { input: TransferInput; output: null };
  "complete-path": { input: NamesInput; output: string[] };
}

export type StorageJobName = keyof StorageJobs;

/** Runs a job in the base namespaces, with descriptors it gets as 3, 4, …; rejects with the error the job ended with. */
export type RunInside = <N extends StorageJobName>(
  job: N,
  input: StorageJobs[N]["input"],
  options?: { readonly fds?: readonly number[] },
) => Promise<StorageJobs[N]["output"]>;

type Run = (request: { readonly input: never }) => Promise<unknown>;

/** For the table of jobs in main.ts: each is loaded when it is run. */
export const STORAGE_JOBS: { readonly [N in StorageJobName]: () => Promise<Run> } = {
  "unpack-layers": async () => {
    const { unpackLayers } = await import("./unpack-job.ts");
    return ({ input }) => unpackLayers(input);
  },
  "adopt-parents": async () => {
    const { adoptParents } = await import("./parents-job.ts");
    return ({ input }) => adoptParents(input);
  },
  "assemble-layers": async () => {
    const { assembleLayers } = await import("./assemble-job.ts");
    return ({ input }) => assembleLayers(input);
  },
  "assemble-tar": async () => {
    const { assembleTar } = await import("./assemble-tar-job.ts");
    return ({ input }) => assembleTar(input);
  },
  "copy-rootfs": async () => {
    const { copyRootfs } = await import("./copy-job.ts");
    return ({ input }) => copyRootfs(input);
  },
  "seal-layer": async () => {
    const { sealLayer } = await import("./seal-job.ts");
    return ({ input }) => sealLayer(input);
  },
  "copy-layer": async () => {
    const { copyLayer } = await import("./copy-layer-job.ts");
    return ({ input }) => copyLayer(input);
  },
  "remove-trees": async () => {
    const { removeTrees } = await import("./remove-job.ts");
    return ({ input }) => removeTrees(input);
  },
  "archive-tree": async () => {
    const { archiveTree } = await import("./archive-job.ts");
    return ({ input }) => archiveTree(input);
  },
  "list-changes": async () => {
    const { listChanges } = await import("./diff-job.ts");
    return ({ input }) => listChanges(input);
  },
  "compare-trees": async () => {
    const { compareTrees } = await import("./compare-job.ts");
    return ({ input }) => compareTrees(input);
  },
  "measure-trees": async () => {
    const { measureTrees } = await import("./measure-job.ts");
    return ({ input }) => measureTrees(input);
  },
  transfer: async () => {
    const { transfer } = await import("./transfer-job.ts");
    return ({ input }) => transfer(input);
  },
  "complete-path": async () => {
    const { completePath } = await import("./names-job.ts");
    return ({ input }) => completePath(input);
  },
};
