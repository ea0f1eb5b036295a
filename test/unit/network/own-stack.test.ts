import { describe, expect, test } from "bun:test";
import { checkOwnStack } from "../../../src/network/own-stack.ts";
import { parsePastaOptions } from "../../../src/network/pasta.ts";
import { parseSlirpOptions, slirpAddresses } from "../../../src/network/slirp4netns.ts";

describe("--network slirp4netns:OPTIONS", () => {
  test("are read, with everything closed and IPv6 on by default", () => {
    expect(parseSlirpOptions("")).toEqual({
      allowHostLoopback: false,
      ipv6: true,
      mtu: 65520,
      cidr: "10.0.2.0/24",
      outbound: {},
    });
    const text =
      "allow_host_loopback=true,enable_ipv6=false,mtu=1500,cidr=10.5.0.7/16,outbound_addr=eth0,outbound_addr6=::1,port_handler=rootlesskit";
    expect(parseSlirpOptions(text)).toEqual({
      allowHostLoopback: true,
      ipv6: false,
      mtu: 1500,
      cidr: "10.5.0.0/16",
      outbound: { outbound_addr: "eth0", outbound_addr6: "::1" },
    });
  });

  test("say where the program puts whom", () => {
    expect(slirpAddresses(parseSlirpOptions("cidr=10.5.0.0/16"))).toEqual({
      address: "10.5.0.100",
      router: "10.5.0.2",
      dns: "10.5.0.3",
    });
  });

  for (const [option, message] of [
    ["foo=1", 'unknown option for slirp4netns: "foo=1"'],
    ["mtu", 'unknown option for slirp4netns: "mtu"'],
    ["mtu=12", 'invalid value of mtu for slirp4netns: "12"'],
    ["cidr=fd00::/64", 'invalid value of cidr for slirp4netns: "fd00::/64"'],
    ["cidr=10.0.0.0/30", 'invalid value of cidr for slirp4netns: "10.0.0.0/30"'],
    ["enable_ipv6=yes", 'invalid value of enable_ipv6 for slirp4netns: "yes"'],
    ["outbound_addr=a b", 'invalid value of outbound_addr for slirp4netns: "a b"'],
    [
      "port_handler=slirp4netns",
      "cannot use port_handler=slirp4netns: kelp's own forwarder serves the ports of containers",
    ],
  ] as const) {
    test(`refuse ${option}`, () => {
      expect(() => checkOwnStack(`slirp4netns:${option}`)).toThrow(message);
    });
  }
});

describe("--network pasta:OPTIONS", () => {
  test("are pasta's own, but for those by which kelp holds it", () => {
    expect(parsePastaOptions("-I,tap3,--ipv4-only")).toEqual(["-I", "tap3", "--ipv4-only"]);
    for (const word of ["--netns", "--pid=/etc/passwd", "-P", "--log-file=/x", "--runas"])
      expect(() => checkOwnStack(`pasta:${word},x`)).toThrow("it is kelp's to give");
  });
});
