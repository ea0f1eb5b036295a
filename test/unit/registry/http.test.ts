import { expect, test } from "bun:test";
import { bodyPieces } from "../../../src/registry/http.ts";

const URL_ = new URL("https://registry.example/v2/");
const PACE = { ms: 300, bytes: 1000 };

/** A body of `count` pieces of `size` bytes, one every `ms`. */
function slowBody(size: number, count: number, ms: number): Response {
  let sent = 0;
  return new Response(
    new ReadableStream<Uint8Array>({
      async pull(controller) {
        if (sent++ === count) return controller.close();
        await Bun.sleep(ms);
        controller.enqueue(new Uint8Array(size));
      },
    }),
  );
}

async function read(response: Response, eachTakes = 0): Promise<number> {
  let total = 0;
  for await (const piece of bodyPieces(response, URL_, undefined, PACE)) {
    total += piece.length;
    if (eachTakes > 0) await Bun.sleep(eachTakes);
  }
  return total;
}

test("a server that sends a byte now and then is given up like one that sends nothing", async () => {
  await expect(read(slowBody(1, 1000, 20))).rejects.toThrow(/registry\.example/);
  await read(slowBody(1, 1000, 20)).catch((error) => expect(error.constructor.name).toBe("TransientError"));
});

test("a body that comes at its pace is read for as long as it takes", async () => {
  expect(await read(slowBody(600, 20, 30))).toBe(12_000);
});

test("the time that the reader takes is not the server's", async () => {
  expect(await read(slowBody(10, 10, 1), 60)).toBe(100);
});
