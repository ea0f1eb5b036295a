import { expect, test } from "bun:test";
import { decodeMessage, encodeCall } from "../../../src/systemd/dbus/message.ts";

/** What systemd's own `busctl` would have sent for the same call, laid out by hand from the specification. */
const HELLO = Buffer.concat([
  Buffer.from([0x6c, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0x6d, 0, 0, 0]),
  field(1, "o", "/org/freedesktop/DBus"),
  field(2, "s", "org.freedesktop.DBus"),
  field(3, "s", "Hello", 8),
  field(6, "s", "org.freedesktop.DBus", 0),
]);

function field(code: number, type: string, text: string, align = 8): Buffer {
  const head = Buffer.from([code, 1, type.charCodeAt(0), 0, text.length, 0, 0, 0]);
  const all = Buffer.concat([head, Buffer.from(text), Buffer.from([0])]);
  return align === 0 ? all : Buffer.concat([all, Buffer.alloc(-all.length & 7)]);
}

test("a call is laid out as the specification says", () => {
  const bytes = encodeCall(1, {
    ...{ destination: "org.freedesktop.DBus", path: "/org/freedesktop/DBus" },
    ...{ interface: "org.freedesktop.DBus", member: "Hello", signature: "", body: [] },
  });
  const padded = Buffer.concat([HELLO, Buffer.alloc(-HELLO.length & 7)]);
  expect(Buffer.from(bytes).toString("hex")).toBe(padded.toString("hex"));
});

test("every type comes back as it was sent, and what follows stays", () => {
  const signature = "ssa(sv)a(sa(sv))aubtayux";
  const body = [
    "kelp.scope",
    "fäil",
    [
      ["PIDs", { type: "au", value: [1, 4_000_000_000] }],
      ["Delegate", { type: "b", value: true }],
    ],
    [],
    [7, 8, 9],
    false,
    0xffff_ffff_ffff_ffffn,
    [1, 2, 255],
    5,
    -1n,
  ];
  const call = encodeCall(7, { path: "/p", interface: "i.i", member: "M", signature, body });
  const decoded = decodeMessage(Buffer.concat([call, Buffer.from("more")]));
  expect(decoded).toEqual({
    size: call.length,
    message: {
      ...{ kind: "call", serial: 7, replySerial: undefined, member: "M", errorName: undefined },
      body,
    },
  });
});

test("a message that has not arrived whole is waited for", () => {
  const call = Buffer.from(
    encodeCall(1, { path: "/p", interface: "i.i", member: "M", signature: "s", body: ["x"] }),
  );
  for (let length = 0; length < call.length; length++)
    expect(decodeMessage(call.subarray(0, length))).toBeUndefined();
});

test("nonsense is refused, never read beyond its end", () => {
  const call = Buffer.from(
    encodeCall(1, { path: "/p", interface: "i.i", member: "M", signature: "s", body: ["text"] }),
  );
  const broken = (at: number, value: number) => {
    const copy = Buffer.from(call);
    copy.writeUInt32LE(value, at);
    return () => decodeMessage(copy);
  };
  expect(() => decodeMessage(Buffer.concat([Buffer.from("B"), call]))).toThrow(
    "malformed message: byte order",
  );
  expect(broken(4, 0x7fff_ffff)).toThrow("too large");
  // The length of the body's string.
  expect(broken(call.length - 9, 0x00ff_ffff)).toThrow("a value beyond the message");
});
