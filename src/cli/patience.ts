/** A pull inside of a unit that is starting: systemd is asked for more time while it lasts. */
import { log } from "../base/index.ts";
import { hostEnvironment } from "../config/index.ts";
import { loadLibc, notifyAddress } from "../host/index.ts";
import type { Progress } from "../image/index.ts";

/** podman's: a little more often than the time it asks for, and five minutes in all. */
const EVERY_MS = 25_000;
const MORE_USEC = 30_000_000;
const TIMES = 10;

type Shown = Progress & { close(): void };

/** The same progress; from its first pull to its close it asks for time, where somebody is there to be asked. */
export function patient(progress: Shown): Shown {
  const address = notifyAddress(hostEnvironment().NOTIFY_SOCKET);
  if (address === undefined) return progress;
  let timer: ReturnType<typeof setInterval> | undefined;
  const begin = (image: string) => {
    if (timer !== undefined) return;
    progress.line(`Pulling image //${image} inside systemd: setting pull timeout to 5m0s`);
    let left = TIMES;
    const ask = () => {
      if (left-- > 0) askForTime(address);
      else clearInterval(timer);
    };
    timer = setInterval(ask, EVERY_MS);
    ask();
  };
  return {
    warn: (text) => progress.warn(text),
    blob: (digest, size) => progress.blob(digest, size),
    line(text) {
      progress.line(text);
      const image = /^Trying to pull (.*)\.\.\.$/.exec(text)?.[1];
      if (image !== undefined) begin(image);
    },
    close() {
      clearInterval(timer);
      progress.close();
    },
  };
}

function askForTime(address: Uint8Array): void {
  try {
    loadLibc().sendDatagram(address, Buffer.from(`EXTEND_TIMEOUT_USEC=${MORE_USEC}`));
  } catch (error) {
    log.debug(`cannot ask systemd for more time: ${(error as Error).message}`);
  }
}
