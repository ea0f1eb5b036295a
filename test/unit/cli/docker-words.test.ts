import { expect, test } from "bun:test";
import { withDockerInfo, withServer } from "../../../src/cli/docker-words.ts";
import { renderTemplate } from "../../../src/cli/template.ts";
import { versionReport } from "../../../src/cli/version.ts";

const version = versionReport();

test("a template for docker's version finds its server, and JSON has none", () => {
  const report = withServer({ Client: version });
  expect(renderTemplate("version", "{{.Server.Version}} {{.Server.Os}}/{{.Server.Arch}}", report)).toBe(
    `${version.Version} ${version.OsArch}`,
  );
  expect(JSON.parse(JSON.stringify(report))).toEqual({ Client: { ...version } });
});

test("a template for docker's info finds docker's names, and JSON has podman's alone", () => {
  const plain = {
    host: { arch: "amd64", cgroupManager: "systemd", cgroupVersion: "v2", cpus: 4, os: "linux" },
    store: {
      containerStore: { number: 3, paused: 0, running: 1, stopped: 2 },
      graphDriverName: "overlay",
      graphRoot: "/data",
      imageStore: { number: 5 },
    },
    version,
  };
  const report = withDockerInfo(structuredClone(plain));
  const text =
    "{{.ServerVersion}} {{.Driver}} {{.OSType}}/{{.Architecture}} {{.NCPU}} {{.DockerRootDir}} {{.CgroupDriver}}{{.CgroupVersion}} {{.ContainersRunning}}/{{.Containers}} {{.Images}} {{.Swarm.LocalNodeState}}";
  expect(renderTemplate("info", text, report)).toBe(
    `${version.Version} overlay linux/x86_64 4 /data systemd2 1/3 5 inactive`,
  );
  expect(JSON.parse(JSON.stringify(report))).toEqual(JSON.parse(JSON.stringify(plain)));
});
