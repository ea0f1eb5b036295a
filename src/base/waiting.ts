/** Long work that a person waits for: what there is to be said of it while it lasts. Only cli shows it. */

export interface Wait {
  /** What is being done. */
  readonly text: string;
  /** In bytes: all there is to be done, and how much of it is. */
  readonly total: number;
  readonly done: () => number;
}

/** How cli shows a wait: again and again while it lasts, and `end` once it is over. */
export interface WaitView {
  at(wait: Wait): void;
  end(): void;
}

let view: WaitView | undefined;

/** What is over sooner needs no word. */
const PATIENCE_MS = 1000;
const REDRAW_MS = 200;

export function showWaits(shown: WaitView): void {
  view = shown;
}

/** Does the work; from its first second on it is shown how far it is. */
export async function showingWait<T>(wait: Wait, work: () => Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setInterval> | undefined;
  const first = setTimeout(() => {
    view?.at(wait);
    timer = setInterval(() => view?.at(wait), REDRAW_MS);
  }, PATIENCE_MS);
  try {
    return await work();
  } finally {
    clearTimeout(first);
    clearInterval(timer);
    if (timer !== undefined) view?.end();
  }
}
