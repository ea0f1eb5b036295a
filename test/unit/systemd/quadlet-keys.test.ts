/**
 * Every key of podman's quadlet reference (5.8), written down here from there: each does something that shows in the unit,
 * or is refused by its name with its line. A key that is taken and then forgotten is what this finds.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findQuadlets, generateUnits, readQuadlets } from "../../../src/systemd/index.ts";

const REFUSED = Symbol("refused");
/** `KEY=VALUE` and what must be in the unit; one word: the value itself. */
type Row = readonly [entry: string, shows?: string | typeof REFUSED];

const COMMON: readonly Row[] = [
  ["ContainersConfModule=/etc/m.conf"],
  ["GlobalArgs=--log-level=debug"],
  ["PodmanArgs=--annotation=z=1"],
  ["ServiceName=other", "other.service"],
];

const CONTAINER: readonly Row[] = [
  ["AddCapability=NET_RAW", "--cap-add NET_RAW"],
  ["AddDevice=/dev/there", "--device /dev/there"],
  ["AddHost=db:10.0.0.1", "--add-host db:10.0.0.1"],
  ["Annotation=a=b", "--annotation a=b"],
  ["AppArmor=unconfined", "apparmor=unconfined"],
  ["AutoUpdate=registry", "io.containers.autoupdate=registry"],
  ["CgroupsMode=no-conmon", "--cgroups no-conmon"],
  ["ContainerName=shop", "--name shop"],
  ["DNS=10.0.0.2", "--dns 10.0.0.2"],
  ["DNSOption=ndots:2", "--dns-option ndots:2"],
  ["DNSSearch=example.com", "--dns-search example.com"],
  ["DropCapability=CHOWN", "--cap-drop CHOWN"],
  ["Entrypoint=/bin/entry", "--entrypoint /bin/entry"],
  ["Environment=A=b", "--env A=b"],
  ["EnvironmentFile=/etc/env", "--env-file /etc/env"],
  ["EnvironmentHost=true", "--env-host=true"],
  ["Exec=serve --now", "serve --now"],
  ["ExposeHostPort=8080", "--expose 8080"],
  ["GIDMap=0:1:10", "--gidmap 0:1:10"],
  ["Group=7\nUser=6", "--user 6:7"],
  ["GroupAdd=keep-groups", "--group-add keep-groups"],
  ["HealthCmd=true", "--health-cmd true"],
  ["HealthInterval=5s", "--health-interval 5s"],
  ["HealthLogDestination=/var/log", "--health-log-destination /var/log"],
  ["HealthMaxLogCount=3", "--health-max-log-count 3"],
  ["HealthMaxLogSize=100", "--health-max-log-size 100"],
  ["HealthOnFailure=kill", "--health-on-failure kill"],
  ["HealthRetries=2", "--health-retries 2"],
  ["HealthStartPeriod=9s", "--health-start-period 9s"],
  ["HealthStartupCmd=true", "--health-startup-cmd true"],
  ["HealthStartupInterval=8s", "--health-startup-interval 8s"],
  ["HealthStartupRetries=4", "--health-startup-retries 4"],
  ["HealthStartupSuccess=5", "--health-startup-success 5"],
  ["HealthStartupTimeout=7s", "--health-startup-timeout 7s"],
  ["HealthTimeout=6s", "--health-timeout 6s"],
  ["HostName=web", "--hostname web"],
  ["HttpProxy=false", "--http-proxy=false"],
  ["IP=10.88.0.9", "--ip 10.88.0.9"],
  ["IP6=fd00::9", "--ip6 fd00::9"],
  ["Label=l=m", "--label l=m"],
  ["LogDriver=none", "--log-driver none"],
  ["LogOpt=max-size=1m", "--log-opt max-size=1m"],
  ["Mask=/proc/sys/foo", "mask=/proc/sys/foo"],
  ["Memory=64m", "--memory 64m"],
  ["Mount=type=tmpfs,destination=/t", "--mount type=tmpfs,destination=/t"],
  ["Network=host", "--network host"],
  ["NetworkAlias=alias", "--network-alias alias"],
  ["NoNewPrivileges=true", "no-new-privileges"],
  ["Notify=true", "--sdnotify container"],
  ["PidsLimit=50", "--pids-limit 50"],
  ["Pod=shop.pod", REFUSED],
  ["PublishPort=8080:80", "--publish 8080:80"],
  ["Pull=never", "--pull never"],
  ["ReadOnly=true", "--read-only=true"],
  ["ReadOnlyTmpfs=false", "--read-only-tmpfs=false"],
  ["ReloadCmd=/bin/reload", "/bin/reload"],
  ["ReloadSignal=SIGHUP", "SIGHUP"],
  ["Retry=5", "--retry 5"],
  ["RetryDelay=3s", "--retry-delay 3s"],
  ["RunInit=true", "--init=true"],
  ["SeccompProfile=/etc/s.json", "seccomp=/etc/s.json"],
  ["Secret=key,type=env", "--secret key,type=env"],
  ["SecurityLabelDisable=true", "label=disable"],
  ["SecurityLabelFileType=t", REFUSED],
  ["SecurityLabelLevel=s0", REFUSED],
  ["SecurityLabelNested=true", REFUSED],
  ["SecurityLabelType=t", REFUSED],
  ["ShmSize=10m", "--shm-size 10m"],
  ["StartWithPod=true", REFUSED],
  ["StopSignal=SIGINT", "--stop-signal SIGINT"],
  ["StopTimeout=20", "--stop-timeout 20"],
  ["SubGIDMap=g", "--subgidname g"],
  ["SubUIDMap=u", "--subuidname u"],
  ["Sysctl=net.core.somaxconn=1", "--sysctl net.core.somaxconn=1"],
  ["Timezone=local", "--tz local"],
  ["Tmpfs=/t", "--tmpfs /t"],
  ["UIDMap=0:1:10", "--uidmap 0:1:10"],
  ["Ulimit=nofile=100", "--ulimit nofile=100"],
  ["Unmask=ALL", "unmask=ALL"],
  ["User=6", "--user 6"],
  ["UserNS=keep-id", "--userns keep-id"],
  ["Volume=/data:/data", "--volume /data:/data"],
  ["WorkingDir=/srv", "--workdir /srv"],
];

const VOLUME: readonly Row[] = [
  ["Copy=false", "nocopy"],
  ["Device=tmpfs\nType=tmpfs", "device=tmpfs"],
  ["Driver=local", "--driver local"],
  ["Driver=image", REFUSED],
  ["GID=5", REFUSED],
  ["Group=5\nDevice=tmpfs\nType=tmpfs", "gid=5"],
  ["Image=busybox", REFUSED],
  ["Label=l=m", "--label l=m"],
  ["Options=size=1m\nDevice=tmpfs\nType=tmpfs", "size=1m"],
  ["Type=tmpfs\nDevice=tmpfs", "type=tmpfs"],
  ["Type=ext4\nDevice=/dev/there", REFUSED],
  ["UID=5", REFUSED],
  ["User=5\nDevice=tmpfs\nType=tmpfs", "uid=5"],
  ["VolumeName=goods", " goods"],
];

const NETWORK: readonly Row[] = [
  ["DisableDNS=true", "--disable-dns=true"],
  ["DNS=10.0.0.2", "--dns 10.0.0.2"],
  ["Driver=bridge", "--driver bridge"],
  ["Gateway=10.9.0.1\nSubnet=10.9.0.0/24", "--gateway 10.9.0.1"],
  ["InterfaceName=br9", "--interface-name br9"],
  ["Internal=true", "--internal=true"],
  ["IPAMDriver=host-local", "--ipam-driver host-local"],
  ["IPRange=10.9.0.0/25\nSubnet=10.9.0.0/24", "--ip-range 10.9.0.0/25"],
  ["IPv6=true", "--ipv6=true"],
  ["Label=l=m", "--label l=m"],
  ["NetworkDeleteOnStop=true", "network rm"],
  ["NetworkName=net9", " net9"],
  ["Options=isolate=true", "--opt isolate=true"],
  ["Subnet=10.9.0.0/24", "--subnet 10.9.0.0/24"],
];

const IMAGE: readonly Row[] = [
  ["AllTags=true", "--all-tags=true"],
  ["Arch=arm64", "--arch arm64"],
  ["AuthFile=/etc/auth.json", "--authfile /etc/auth.json"],
  ["CertDir=/etc/certs", "--cert-dir /etc/certs"],
  ["Creds=a:b", "--creds a:b"],
  ["DecryptionKey=/etc/key", REFUSED],
  ["OS=linux", "--os linux"],
  ["Policy=always", "--policy always"],
  ["Retry=5", "--retry 5"],
  ["RetryDelay=3s", "--retry-delay 3s"],
  ["TLSVerify=false", "--tls-verify=false"],
  ["Variant=v8", "--variant v8"],
];

const BUILD: readonly Row[] = [
  ["Annotation=a=b", "--annotation a=b"],
  ["Arch=arm64", "--arch arm64"],
  ["AuthFile=/etc/auth.json", "--authfile /etc/auth.json"],
  ["BuildArg=A=b", "--build-arg A=b"],
  ["DNS=10.0.0.2", "--dns 10.0.0.2"],
  ["DNSOption=ndots:2", "--dns-option ndots:2"],
  ["DNSSearch=example.com", "--dns-search example.com"],
  ["Environment=A=b", "--env A=b"],
  ["File=/srv/Containerfile", "--file /srv/Containerfile"],
  ["ForceRM=false", "--force-rm=false"],
  ["GroupAdd=keep-groups", REFUSED],
  ["IgnoreFile=/srv/ignore", "--ignorefile /srv/ignore"],
  ["ImageTag=localhost/y:1", "--tag localhost/y:1"],
  ["Label=l=m", "--label l=m"],
  ["Network=host", "--network host"],
  ["Pull=never", "--pull=never"],
  ["Retry=5", "--retry 5"],
  ["RetryDelay=3s", "--retry-delay 3s"],
  ["Secret=id=s,src=/s", "--secret id=s,src=/s"],
  ["SetWorkingDirectory=/work", "WorkingDirectory=/work"],
  ["Target=last", "--target last"],
  ["TLSVerify=false", "--tls-verify=false"],
  ["Variant=v8", "--variant v8"],
  ["Volume=/data:/data", "--volume /data:/data"],
];

/** Without which a file of that type is none, and what a key must not repeat. */
const TYPES = {
  container: {
    section: "Container",
    needs: ["Image=x"],
    rows: [...CONTAINER, ["Rootfs=/root"] as Row, ["Image=y", " y"] as Row],
  },
  volume: { section: "Volume", needs: [], rows: VOLUME },
  network: { section: "Network", needs: [], rows: NETWORK },
  image: { section: "Image", needs: ["Image=x"], rows: [...IMAGE, ["Image=y", " y"] as Row] },
  build: { section: "Build", needs: ["ImageTag=localhost/z", "SetWorkingDirectory=unit"], rows: BUILD },
} as const;

const directory = mkdtempSync(join(tmpdir(), "kelp-quadlet-keys-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
let count = 0;

/** What becomes of one file; of its unit what systemd acts on, without the quadlet's own section. */
function translate(
  type: string,
  text: string,
  others: Readonly<Record<string, string>> = {},
): { name: string; unit: string; problems: string[] } {
  const place = join(directory, String(count++));
  mkdirSync(place);
  writeFileSync(join(place, `k.${type}`), text);
  for (const [name, other] of Object.entries(others)) writeFileSync(join(place, name), other);
  const { quadlets, problems } = readQuadlets(findQuadlets([place]));
  const made = generateUnits(quadlets, { command: "/usr/bin/kelp", user: true, exists: () => true });
  const unit = made.units.find(({ text: made }) => made.includes(`SourcePath=${place}/k.${type}\n`));
  const sections = (unit?.text ?? "").split(/^(?=\[)/m).filter((section) => !section.startsWith("[X-"));
  return {
    name: unit?.name ?? "",
    unit: sections.join(""),
    problems: [...problems, ...made.problems].map(({ message }) => message.replaceAll(`${place}/`, "")),
  };
}

for (const [type, { section, needs, rows }] of Object.entries(TYPES)) {
  describe(`[${section}]`, () => {
    for (const [entry, shows = entry.slice(entry.indexOf("=") + 1)] of [...COMMON, ...rows]) {
      const key = entry.slice(0, entry.indexOf("="));
      const others = needs.filter(
        (line) => !line.startsWith(`${key}=`) && !(key === "Rootfs" && line.startsWith("Image=")),
      );
      const text = [`[${section}]`, ...others, entry, ""].join("\n");
      test(`${entry.replaceAll("\n", " ")} ${shows === REFUSED ? "is refused by name" : "is honoured"}`, () => {
        const { name, unit, problems } = translate(type, text);
        if (shows === REFUSED) {
          expect(unit).toBe("");
          expect(problems.length).toBe(1);
          expect(problems[0]).toStartWith(`cannot use k.${type}:${others.length + 2}: ${key}=`);
          expect(problems[0]).toContain("is not supported: ");
        } else {
          expect(problems).toEqual([]);
          expect(`${name}\n${unit}`).toContain(shows);
        }
      });
    }

    test("a key that there is not is refused by name with its line", () => {
      const { unit, problems } = translate(type, [`[${section}]`, ...needs, "Nonsense=1", ""].join("\n"));
      expect(unit).toBe("");
      expect(problems).toEqual([
        `cannot use k.${type}:${needs.length + 2}: unsupported key 'Nonsense' in group '${section}'`,
      ]);
    });

    test("a file that ends in the middle of a line is refused, or means what is there", () => {
      const whole = [`[${section}]`, ...needs, `Label=a=b`, ""].join("\n");
      for (let length = 0; length < whole.length; length++) {
        const { unit, problems } = translate(type, whole.slice(0, length));
        expect({ length, made: unit !== "", told: problems.length > 0 }).toEqual({
          length,
          made: unit !== "",
          told: unit === "",
        });
      }
    });
  });
}

test("[Image] ImageTag= is the name by which a container uses what an archive held", () => {
  const image = "[Image]\nImage=oci-archive:/srv/x.tar\nImageTag=localhost/x:1\n";
  const { unit, problems } = translate("container", "[Container]\nImage=i.image\n", { "i.image": image });
  expect(problems).toEqual([]);
  expect(unit).toMatch(/^ExecStart=.* localhost\/x:1$/m);
  expect(unit).toContain("After=i-image.service");
});

test("[Quadlet] DefaultDependencies=false leaves out the wait for the network", () => {
  const text = "[Container]\nImage=x\n";
  expect(translate("container", text).unit).toContain("wait-network-online");
  expect(translate("container", `${text}[Quadlet]\nDefaultDependencies=false\n`).unit).not.toContain(
    "wait-network-online",
  );
  const { problems } = translate("container", `${text}[Quadlet]\nNonsense=1\n`);
  expect(problems).toEqual(["cannot use k.container:4: unsupported key 'Nonsense' in group 'Quadlet'"]);
});

test("types that podman has and kelp has not are refused by their name", () => {
  for (const [type, reason] of [
    ["pod", "kelp has no pods"],
    ["kube", "kelp does not play Kubernetes files"],
    ["artifact", "kelp has no artifacts"],
  ] as const)
    expect(translate(type, "[X]\n").problems.join()).toContain(reason);
});
