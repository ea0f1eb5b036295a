import { expect, test } from "bun:test";
import { proxyFor } from "../../../src/registry/proxy.ts";

const env = {
  HTTPS_PROXY: "http://p.example:3128",
  http_proxy: "q.example",
  NO_PROXY: "inner.example,.dot.example,10.0.0.0/8,port.example:5000",
};
const proxy = (url: string) => proxyFor(new URL(url), env);

test("each scheme has its proxy, in either spelling", () => {
  expect(proxy("https://r.example/")).toBe("http://p.example:3128");
  expect(proxy("http://r.example/")).toBe("http://q.example");
  expect(proxyFor(new URL("https://r.example/"), {})).toBeUndefined();
});

test("this machine, excluded names, networks and ports are reached directly", () => {
  for (const url of [
    "https://localhost:5000/",
    "https://127.0.0.1/",
    "https://[::1]/",
    "https://inner.example/",
    "https://a.inner.example/",
    "https://a.dot.example/",
    "https://10.1.2.3/",
    "https://port.example:5000/",
  ]) {
    expect(proxy(url)).toBeUndefined();
  }
});

test("names that only look alike go through the proxy", () => {
  for (const url of [
    "https://notinner.example/",
    "https://dot.example/",
    "https://11.0.0.1/",
    "https://port.example/",
  ]) {
    expect(proxy(url)).toBe("http://p.example:3128");
  }
});

test("a CGI program's Proxy header is no proxy", () => {
  expect(
    proxyFor(new URL("http://r.example/"), { HTTP_PROXY: "evil.example", REQUEST_METHOD: "GET" }),
  ).toBeUndefined();
});
