/** Which key of a configuration file sets what. Names are those of containers.conf; kelp's own file has them too, and some more. */
import type { SettingName } from "./settings.ts";

export type KeyKind = "string" | "path" | "boolean" | "integer" | "bytes" | "strings" | "lists";

export interface KeyDef {
  readonly setting: SettingName;
  readonly kind: KeyKind;
  /** Ignored in containers.conf, where it is said to podman. */
  readonly ownOnly?: boolean;
}

const key = (setting: SettingName, kind: KeyKind): KeyDef => ({ setting, kind });
const ownKey = (setting: SettingName, kind: KeyKind): KeyDef => ({ setting, kind, ownOnly: true });

/** By section (`engine.runtimes` is a table whose keys are free), then key. */
export const KEYS: Readonly<Record<string, Readonly<Record<string, KeyDef>>>> = {
  containers: {
    annotations: key("annotations", "strings"),
    base_hosts_file: key("baseHostsFile", "string"),
    cgroup_conf: key("cgroupConf", "strings"),
    cgroupns: key("cgroupNamespace", "string"),
    cgroups: key("cgroups", "string"),
    container_name_as_hostname: key("nameAsHostname", "boolean"),
    default_capabilities: key("capabilities", "strings"),
    default_sysctls: key("sysctls", "strings"),
    default_ulimits: key("ulimits", "strings"),
    devices: key("devices", "strings"),
    dns_options: key("dnsOptions", "strings"),
    dns_searches: key("dnsSearches", "strings"),
    dns_servers: key("dnsServers", "strings"),
    env: key("env", "strings"),
    env_host: key("envHost", "boolean"),
    host_containers_internal_ip: key("hostContainersInternalIp", "string"),
    http_proxy: key("httpProxy", "boolean"),
    init: key("init", "boolean"),
    ipcns: key("ipcNamespace", "string"),
    labels: key("labels", "strings"),
    log_driver: key("logDriver", "string"),
    log_path: key("logPath", "string"),
    log_size_max: key("logSizeMax", "bytes"),
    log_tag: key("logTag", "string"),
    mounts: key("mounts", "strings"),
    netns: key("network", "string"),
    no_hosts: key("noHosts", "boolean"),
    oom_score_adj: key("oomScoreAdj", "integer"),
    pidns: key("pidNamespace", "string"),
    pids_limit: key("pidsLimit", "integer"),
    privileged: key("privileged", "boolean"),
    read_only: key("readOnly", "boolean"),
    seccomp_profile: key("seccompProfile", "string"),
    shm_size: key("shmSize", "bytes"),
    tz: key("tz", "string"),
    umask: key("umask", "string"),
    userns: key("userNamespace", "string"),
    utsns: key("utsNamespace", "string"),
    volumes: key("volumes", "strings"),
  },
  engine: {
    cgroup_manager: ownKey("cgroupManager", "string"),
    detach_keys: key("detachKeys", "string"),
    env: key("engineEnv", "strings"),
    events_container_create_inspect_data: key("eventsInspectData", "boolean"),
    events_logfile_max_size: key("eventsLogMax", "bytes"),
    events_logfile_path: key("eventsLogPath", "string"),
    events_logger: key("eventsLogger", "string"),
    helper_binaries_dir: key("helperDirs", "strings"),
    image_build_format: key("buildFormat", "string"),
    image_volume_mode: key("imageVolumeMode", "string"),
    log_level: ownKey("logLevel", "string"),
    multi_image_archive: key("multiImageArchive", "boolean"),
    network_cmd_path: key("networkCmdPath", "path"),
    noout: ownKey("noout", "boolean"),
    pull_policy: key("pullPolicy", "string"),
    retry: key("retry", "integer"),
    retry_delay: key("retryDelay", "string"),
    runtime: ownKey("runtime", "string"),
    runtime_flags: ownKey("runtimeFlags", "strings"),
    runtimes: key("runtimes", "lists"),
    runtimes_flags: key("runtimesFlags", "lists"),
    stop_timeout: key("stopTimeout", "integer"),
  },
  network: {
    default_host_ips: key("defaultHostIps", "strings"),
  },
  registry: {
    token_hosts: ownKey("tokenHosts", "lists"),
  },
  storage: {
    driver: ownKey("storageDriver", "string"),
    options: ownKey("storageOpts", "strings"),
    root: ownKey("root", "path"),
    runroot: ownKey("runroot", "path"),
    volume_path: ownKey("volumePath", "path"),
  },
};
