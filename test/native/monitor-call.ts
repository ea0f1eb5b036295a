/** Calls one function of kelp's monitor client, for tests that have to do it as another user: prints its result as JSON. */
import { MonitorClient, sendSignal, signalAndWait, waitForExit } from "../../src/runtime/monitor-client.ts";

/** @param stays 1: the client that keeps the container is there when it ends */
async function keepAndEnd(path: string, stays: number): Promise<unknown> {
  const keeper = await MonitorClient.connect(path);
  const kept = await keeper?.keep();
  if (stays === 0) keeper?.close();
  const { kind } = await signalAndWait(path, 9, 5_000);
  keeper?.close();
  return [kept, kind];
}

const functions = { keepAndEnd, sendSignal, signalAndWait, waitForExit };
const [name, path, ...numbers] = process.argv.slice(2);
const call = functions[name as keyof typeof functions] as (
  path: string,
  ...numbers: number[]
) => Promise<unknown>;
console.log(JSON.stringify(await call(path!, ...numbers.map(Number))));
