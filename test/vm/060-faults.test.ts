import { afterAll, describe, expect } from "bun:test";
import { BUSYBOX } from "../support/index.ts";
import { useGuest } from "./support/index.ts";

const guest = await useGuest();
const { test, kelp } = guest;

/** Ends once the health of `ticks` has been checked another time. */
const CHECKED_AGAIN = `
  checks() { kelp inspect -f '{{json .State.Health.Log}}' ticks; }
  before=$(checks); until [ "$before" != "$(checks)" ]; do sleep 0.3; done; echo checks go on`;

describe("a clock that is set back by an hour", () => {
  test("stops no timer: health checks, restarts, the patience of stop", async () => {
    await kelp(`
      kelp run -d --name ticks --health-cmd 'cat /proc/uptime' --health-interval 1s ${BUSYBOX} \\
        sh -c 'while :; do cat /proc/uptime; sleep 1; done' >/dev/null
      kelp run -d --name short --restart on-failure:3 ${BUSYBOX} sh -c 'sleep 2; exit 1' >/dev/null
      kelp wait --condition healthy ticks`);
    await guest.root('date -s "@$(($(date +%s) - 3600))"');
    const out = await kelp(`
      kelp ps --format '{{.Names}} {{.Status}}' | grep ticks
      ${CHECKED_AGAIN}
      until [ "$(kelp inspect -f '{{.State.Status}}' short)" = exited ]; do sleep 0.3; done
      kelp inspect -f '{{.State.ExitCode}} {{.RestartCount}}' short
      kelp stop -t 2 ticks 2>/dev/null`);
    expect(out.split("\n")).toEqual([
      expect.stringMatching(/^ticks Up [^-]*\(healthy\)$/),
      "checks go on",
      "1 3",
      "ticks",
    ]);
  });

  test("hides nothing that is written from then on from logs and events", async () => {
    const out = await kelp(`
      kelp start ticks >/dev/null; up=$(cut -d. -f1 /proc/uptime); now=$(date +%s)
      until kelp logs --since 5m ticks | awk -v up=$up '$1 > up' | grep -q .; do sleep 0.3; done; echo logged
      kelp logs -f --since 0s ticks | while read at _; do [ \${at%.*} -gt $up ] && echo followed && break; done
      kelp events --stream=false --since 5m --filter container=ticks --filter event=start --format '{{.TimeNano}}' |
        awk -v now=$now '$1 / 1e9 < now + 300' | wc -l`);
    expect(out).toBe("logged\nfollowed\n1");
  });

  test("and forward again: checks go on, and nothing is taken for old", async () => {
    await guest.root('date -s "@$(($(date +%s) + 3600))"');
    const out = await kelp(`
      ${CHECKED_AGAIN}
      kelp ps --format '{{.Names}} {{.Status}}' | grep -o 'ticks Up.*(healthy)' | grep -c .
      kelp rm -f -t 0 ticks short >/dev/null; kelp system check && echo clean`);
    expect(out).toBe("checks go on\n1\nclean");
  });
});

describe("on a disk without a free block", () => {
  afterAll(() => guest.root("rm -f /home/fill /home/rest").catch(() => undefined));

  test("what runs goes on, is seen and can be stopped; what needs room says so", async () => {
    await kelp(`
      kelp run -d --name keeps --restart always --health-cmd true --health-interval 1s ${BUSYBOX} \\
        sh -c 'while :; do echo line; sleep 1; done' >/dev/null
      kelp run -d --name sleeps ${BUSYBOX} sleep 1000 >/dev/null
      kelp wait --condition healthy keeps`);
    await guest.root(`
      fallocate -l $(($(df --output=avail -B1 /home | tail -1) - 2000000)) /home/fill
      dd if=/dev/zero of=/home/rest bs=4k 2>/dev/null; sync; dd if=/dev/zero of=/home/rest bs=4k 2>/dev/null; true`);
    const out = await kelp(`
      kelp run --name never ${BUSYBOX} true 2>&1 | grep -o 'no space left on device'
      kelp volume create never 2>&1 | grep -o 'no space left on device'
      kelp exec keeps echo inside
      kelp kill --signal USR1 sleeps >/dev/null 2>&1; kelp logs --tail 1 keeps
      kelp ps --format '{{.Names}} {{.Status}}' | grep -o 'keeps Up.*(healthy)' | grep -c .
      kelp stop -t 1 keeps 2>/dev/null; kelp kill sleeps
      kelp inspect -f '{{.Name}} {{.State.Status}} {{.State.ExitCode}}' keeps sleeps
      kelp events --stream=false >/dev/null && echo events`);
    expect(out.split("\n")).toEqual([
      "no space left on device",
      "no space left on device",
      "inside",
      "line",
      "1",
      "keeps",
      "sleeps",
      "keeps exited 137",
      "sleeps exited 137",
      "events",
    ]);
  });

  test("and once there is room again nothing is broken or left over", async () => {
    await guest.root("rm /home/fill /home/rest");
    const out = await kelp(`
      kelp ps -a --format '{{.Names}}' | sort; kelp volume ls -q
      kelp start keeps; kelp logs --tail 1 keeps
      kelp rm -f -t 0 keeps sleeps; kelp system check && echo clean; ls ~/.local/share/kelp/tmp`);
    expect(out.split("\n")).toEqual(["keeps", "sleeps", "keeps", "line", "keeps", "sleeps", "clean"]);
  });
});
