/** Calls one function of kelp's monitor client, for tests that have to do it as another user: prints its result as JSON. */
import { sendSignal, signalAndWait, waitForExit } from "../../src/runtime/monitor-client.ts";

const functions = { sendSignal, signalAndWait, waitForExit };
const [name, path, ...numbers] = process.argv.slice(2);
const call = functions[name as keyof typeof functions] as (
  path: string,
  ...numbers: number[]
) => Promise<unknown>;
console.log(JSON.stringify(await call(path!, ...numbers.map(Number))));
