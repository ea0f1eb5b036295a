/**
 * A service as official images are made: its entrypoint begins as root, gives the volume to a user, goes on as that user and
 * prepares the volume once; health check, stop signal and volume are the image's. What scripts beside it do to it.
 */
import { beforeAll, expect } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, busyboxArchive, KELP, requires, run, useSandbox } from "../support/index.ts";

const box = useSandbox("361-official-image");
const { test } = requires("busybox", "overlay", "subuid");

const CONTAINERFILE = `FROM ${BUSYBOX}
RUN echo store:x:999:999::/data:/bin/sh >>/etc/passwd && echo store:x:999: >>/etc/group && mkdir /data && chown store:store /data
ENV DATA=/data PATH=/usr/local/bin:/usr/bin:/bin
VOLUME /data
COPY --chmod=755 docker-entrypoint.sh /usr/local/bin/
ENTRYPOINT ["docker-entrypoint.sh"]
STOPSIGNAL SIGINT
EXPOSE 7000
HEALTHCHECK --interval=200ms CMD test -e /data/ready
CMD ["serve"]
`;

const ENTRYPOINT = `#!/bin/sh
set -e
if [ "$1" = serve ] && [ "$(id -u)" = 0 ]; then
  find "$DATA" ! -user store -exec chown store:store {} +
  exec su -s /bin/sh store -c 'exec docker-entrypoint.sh serve'
fi
[ "$1" = serve ] || exec "$@"
if [ ! -s "$DATA/version" ]; then
  [ -n "$PASSWORD" ] || { echo >&2 'no password is set'; exit 1; }
  echo 1 >"$DATA/version"; echo "$PASSWORD" >"$DATA/password"; echo prepared
fi
stop() { rm "$DATA/ready"; echo stopped; exit 0; }
trap stop INT
touch "$DATA/ready"; echo "serving as $(id -u)"
while :; do sleep 0.1; done
`;

beforeAll(async () => {
  await box.ok(["load", "-q", "-i", await busyboxArchive()]);
  const directory = join(box.directory, "image");
  mkdirSync(directory);
  writeFileSync(join(directory, "Containerfile"), CONTAINERFILE);
  writeFileSync(join(directory, "docker-entrypoint.sh"), ENTRYPOINT);
  await box.ok(["build", "-q", "-t", "store", directory]);
}, 60_000);

const healthy = (name: string) => box.ok(["wait", "--condition", "healthy", name]);

test("without its password it ends at once and says why, and a wait for its health ends with it", async () => {
  await box.ok(["run", "-d", "--name", "db", "-v", "dbdata:/data", "store"]);
  expect(await box.kelp(["wait", "--condition", "healthy", "db"])).toMatchObject({ code: 125, stdout: "" });
  expect(await box.kelp(["logs", "db"])).toEqual({ code: 0, stdout: "", stderr: "no password is set\n" });
  expect(await box.ok(["inspect", "-f", "{{.State.ExitCode}}", "db"])).toBe("1");
  await box.ok(["rm", "db"]);
});

test("its volume is its user's, is prepared once, and outlives restarts, a kill and the container", async () => {
  const start = ["run", "-d", "--name", "db", "-v", "dbdata:/data", "-e", "PASSWORD=x"];
  await box.ok([...start, "store"]);
  await healthy("db");
  expect(await box.ok(["exec", "db", "stat", "-c", "%u:%g", "/data", "/data/version"])).toBe(
    "999:999\n999:999",
  );
  expect(await box.ok(["ps", "--format", "{{.Status}} {{.Ports}}"])).toEndWith("(healthy) 7000/tcp");
  await box.ok(["restart", "db"]);
  await healthy("db");
  await box.ok(["kill", "db"]);
  await box.ok(["start", "db"]);
  await healthy("db");
  await box.ok(["stop", "db"]);
  expect(await box.ok(["inspect", "-f", "{{.State.ExitCode}}", "db"])).toBe("0");
  const lines = (await box.ok(["logs", "db"])).split("\n");
  expect(lines).toEqual([
    ...["prepared", "serving as 999", "stopped", "serving as 999", "serving as 999", "stopped"],
  ]);
  await box.ok(["rm", "db"]);
  expect(await box.ok(["run", "--rm", "-v", "dbdata:/data", "store", "cat", "/data/password"])).toBe("x");
});

test("a backup goes through exec in both directions", async () => {
  await box.ok(["run", "-d", "--name", "db", "-v", "dbdata:/data", "store"]);
  await healthy("db");
  const script = `set -e
"$KELP" exec db tar -C /data -c password >backup.tar
"$KELP" exec db rm /data/password
"$KELP" exec -i -u store db tar -C /data -x <backup.tar
"$KELP" exec db cat /data/password`;
  const done = await run("sh", ["-c", script], { env: { ...box.env, KELP }, cwd: box.directory });
  expect(done).toEqual({ code: 0, stdout: "x\n", stderr: "" });
  await box.ok(["rm", "-f", "-v", "db"]);
  expect(await box.ok(["volume", "ls", "-q"])).toBe("dbdata");
});
