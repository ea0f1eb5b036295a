/** HTTP_PROXY, HTTPS_PROXY and NO_PROXY, read as Go programs read them. */
import type { Environment } from "../host/index.ts";

/** The proxy for a URL, or undefined for a direct connection. */
export function proxyFor(url: URL, env: Environment): string | undefined {
  const name = url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  // HTTP_PROXY of a CGI program is a request's header `Proxy`.
  const proxy =
    env[name.toLowerCase()] || (env.REQUEST_METHOD === undefined || name !== "HTTP_PROXY" ? env[name] : "");
  if (!proxy || isLoopback(url.hostname) || excluded(url, env.no_proxy || env.NO_PROXY || ""))
    return undefined;
  return proxy.includes("://") ? proxy : `http://${proxy}`;
}

/** This machine itself, in any spelling. */
export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, "").toLowerCase();
  return (
    host === "localhost" ||
    host.endsWith(".localhost") ||
    /^127\./.test(host) ||
    host === "::1" ||
    /^::ffff:(127\.|7f)/.test(host)
  );
}

function excluded(url: URL, list: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, "").toLowerCase();
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return list
    .split(",")
    .map((item) => item.trim().toLowerCase())
    .some((item) => item !== "" && matches(item, host, port));
}

function matches(item: string, host: string, port: string): boolean {
  if (item === "*") return true;
  if (item.includes("/")) return inNetwork(host, item);
  const [, name = "", wanted] = /^(.*?)(?::(\d+))?$/.exec(item) ?? [];
  if (wanted !== undefined && wanted !== port && !item.includes("::")) return false;
  const suffix = name.replace(/^\*?\./, "");
  if (name.startsWith(".") || name.startsWith("*.")) return host.endsWith(`.${suffix}`);
  return host === suffix || host.endsWith(`.${suffix}`);
}

/** IPv4 only; anything else is taken for no match. */
function inNetwork(host: string, network: string): boolean {
  const [base = "", bits = ""] = network.split("/");
  const [address, start] = [ipv4(host), ipv4(base)];
  const length = Number(bits);
  if (address === undefined || start === undefined || !/^\d{1,2}$/.test(bits) || length > 32) return false;
  const size = 2 ** (32 - length);
  return Math.floor(address / size) === Math.floor(start / size);
}

function ipv4(text: string): number | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (parts === undefined || parts.some((part) => part > 255)) return undefined;
  return parts.reduce((value, part) => value * 256 + part, 0);
}
