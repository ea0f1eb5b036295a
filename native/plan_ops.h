/* SPDX-License-Identifier: Apache-2.0 */
/* Generated from src/runtime/plan/ops.ts by scripts/gen-plan-ops.ts. Do not edit. */
#ifndef PLAN_OPS_H
#define PLAN_OPS_H

#define NO_SLOT 0xffffffffU
#define STAGE_NAMES { "config", "launch", "map", "base", "uplink", "netbase", "monitor", "setup", "exec", "check", "startup", "finish", "vanish" }
#define PLAN_TABLE_HASH { 0xb8, 0x56, 0xee, 0xbc, 0x5f, 0x04, 0xab, 0x3a }

enum stage {
	STAGE_CONFIG,
	STAGE_LAUNCH,
	STAGE_MAP,
	STAGE_BASE,
	STAGE_UPLINK,
	STAGE_NETBASE,
	STAGE_MONITOR,
	STAGE_SETUP,
	STAGE_EXEC,
	STAGE_CHECK,
	STAGE_STARTUP,
	STAGE_FINISH,
	STAGE_VANISH,
	STAGE_COUNT
};

enum opcode {
	OP_CONTAINER = 0x01,
	OP_MONITOR_FILES = 0x02,
	OP_LOG = 0x03,
	OP_CLIENT = 0x04,
	OP_ON_FAILURE = 0x05,
	OP_LIFE = 0x06,
	OP_HEALTH = 0x07,
	OP_STARTUP = 0x08,
	OP_EVENTS = 0x09,
	OP_NOTIFY = 0x0a,
	OP_RUNTIME = 0x0b,
	OP_HELD = 0x0c,
	OP_JOIN_BASE = 0x10,
	OP_JOIN_HOLDER = 0x11,
	OP_ID_MAP = 0x12,
	OP_RUN = 0x13,
	OP_REEXEC_READ_ONLY = 0x14,
	OP_REGISTER_HOLDER = 0x15,
	OP_BEGIN = 0x16,
	OP_AWAIT = 0x17,
	OP_CLAIM = 0x18,
	OP_OPEN_PATH = 0x20,
	OP_OPEN_AT = 0x21,
	OP_OPEN_PID = 0x22,
	OP_CLOSE_SLOT = 0x23,
	OP_EXPECT_DEVICE = 0x24,
	OP_CONNECT_DATAGRAM = 0x26,
	OP_HOLD = 0x27,
	OP_JOIN_NS = 0x28,
	OP_JOIN_PID = 0x29,
	OP_UNSHARE = 0x2a,
	OP_HOSTNAME = 0x2b,
	OP_DOMAINNAME = 0x2c,
	OP_LINK_UP = 0x2d,
	OP_OWN_USERS = 0x2e,
	OP_BECOME_ROOT = 0x2f,
	OP_PROPAGATION = 0x30,
	OP_OPEN_TREE = 0x31,
	OP_OPEN_TREE_AT = 0x32,
	OP_MOUNT_ATTR = 0x33,
	OP_NEW_MOUNT = 0x34,
	OP_MOVE_MOUNT = 0x35,
	OP_OVERLAY = 0x36,
	OP_ATTACH_ROOT = 0x37,
	OP_PIVOT_ROOT = 0x38,
	OP_UNMOUNT = 0x39,
	OP_MAKE_DIR = 0x40,
	OP_MAKE_LINK = 0x41,
	OP_WRITE_AT = 0x43,
	OP_CGROUP_MAKE = 0x44,
	OP_REMOVE_AT = 0x46,
	OP_OPEN_PTY = 0x48,
	OP_SET_OWNER = 0x4a,
	OP_COPY_TREE = 0x4b,
	OP_OWN_TREE = 0x4c,
	OP_SESSION = 0x50,
	OP_RLIMIT = 0x51,
	OP_UMASK = 0x52,
	OP_CHDIR = 0x53,
	OP_KEYRING = 0x54,
	OP_CREDENTIALS = 0x55,
	OP_NO_NEW_PRIVILEGES = 0x56,
	OP_SECCOMP = 0x57,
	OP_KEEP_FDS = 0x58,
	OP_EXECVE = 0x59,
	OP_PID_VARIABLE = 0x5a,
	OP_REMOVE_TREE = 0x60,
	OP_REMOVE_FILE = 0x61,
	OP_MAKE_MARKER = 0x62,
	OP_SPAWN = 0x63,
	OP_CGROUP_REMOVE = 0x64,
	OP_EVENT = 0x66,
	OP_KEEP = 0x70,
	OP_AWAIT_KEPT = 0x71,
	OP_OPEN_NETLINK = 0x72,
	OP_BRIDGE_ADD = 0x73,
	OP_VETH_ADD = 0x74,
	OP_LINK_SET = 0x75,
	OP_LINK_REMOVE = 0x76,
	OP_ADDRESS_ADD = 0x77,
	OP_ROUTE_ADD = 0x78,
	OP_RULE_ADD = 0x79,
	OP_NETFILTER = 0x7a,
	OP_PUBLISH = 0x7b,
	OP_TAP_ADD = 0x7c,
	OP_LIMIT
};

/* Opcodes of records are below this. */
enum { RECORD_LIMIT = 0x0d };

enum tolerate {
	TOLERATE_NONE = 0x00,
	TOLERATE_MISSING = 0x01,
	TOLERATE_DENIED = 0x02,
	TOLERATE_UNSUPPORTED = 0x04,
	TOLERATE_EXISTS = 0x08,
	TOLERATE_ANY = 0x80,
};

enum arg_kind { ARG_U32, ARG_U64, ARG_SLOT, ARG_INTO, ARG_STR, ARG_STRV, ARG_BLOB };

struct args_container {
	uint64_t clone_flags;
	uint32_t tty;
	uint32_t stdin;
	uint32_t init;
	uint32_t stop_signal;
	uint32_t stop_ms;
	uint32_t cgroup;
};

struct args_monitor_files {
	struct text run_dir;
	struct text status_name;
	struct text socket_name;
	struct text exit_file;
	struct text pid_file;
	struct text monitor_pid_file;
	struct text amend_name;
};

struct args_log {
	uint32_t driver;
	struct text path;
	struct text lost;
	uint64_t max_bytes;
	uint32_t keep;
	struct text fields;
	struct text out;
	struct text err;
	struct text part;
};

struct args_client {
	uint32_t attach;
	uint32_t streams;
	uint32_t signals;
	struct text detach_keys;
	struct text announce;
};

struct args_on_failure {
	struct texts argv;
	struct texts env;
};

struct args_life {
	uint32_t restart;
	uint32_t retries;
	uint32_t delay_ms;
	uint32_t delay_max_ms;
	uint32_t steady_ms;
	uint64_t timeout_ms;
};

struct args_health {
	uint64_t namespaces;
	struct text state;
	struct text log;
	uint32_t keep;
	uint32_t max_bytes;
	uint64_t interval_ms;
	uint64_t timeout_ms;
	uint64_t period_ms;
	uint64_t start_interval_ms;
	uint32_t retries;
	uint32_t action;
	uint32_t stop_ms;
	struct texts starting;
	struct texts healthy;
	struct texts unhealthy;
};

struct args_startup {
	uint64_t interval_ms;
	uint64_t timeout_ms;
	uint32_t retries;
	uint32_t successes;
};

struct args_events {
	struct text path;
	uint32_t journal;
	uint64_t max_bytes;
	struct texts start;
	struct texts again;
	struct texts died;
};

struct args_notify {
	uint32_t target;
	uint32_t when;
	struct text main_pid;
	struct text ready;
	struct text dir;
	struct text name;
	struct texts pass;
};

struct args_runtime {
	struct text pid_file;
	struct text console;
	struct texts start;
	struct texts kill;
	struct texts remove;
	struct texts env;
};

struct args_held {
	uint32_t none;
};

struct args_join_base {
	struct text lock;
	struct text live;
	struct text net;
	uint32_t own_net;
	uint64_t namespaces;
};

struct args_join_holder {
	uint32_t pid;
	uint64_t start;
	uint64_t namespaces;
};

struct args_id_map {
	uint32_t kind;
	struct text text;
};

struct args_run {
	struct texts argv;
	struct texts env;
	uint32_t pid_arg;
};

struct args_reexec_read_only {
	uint32_t none;
};

struct args_register_holder {
	uint32_t none;
};

struct args_begin {
	struct texts argv;
	struct texts env;
	uint32_t pid_arg;
};

struct args_await {
	uint32_t none;
};

struct args_claim {
	struct text directory;
	uint32_t wait_ms;
};

struct args_open_path {
	struct text path;
	uint32_t flags;
	uint32_t into;
};

struct args_open_at {
	uint32_t root;
	struct text path;
	uint32_t flags;
	uint32_t mode;
	uint64_t resolve;
	uint32_t into;
};

struct args_open_pid {
	uint32_t pid;
	uint64_t start;
	uint32_t into;
};

struct args_close_slot {
	uint32_t slot;
};

struct args_expect_device {
	uint32_t slot;
	uint32_t kind;
	uint32_t major;
	uint32_t minor;
};

struct args_connect_datagram {
	struct text address;
	uint32_t into;
};

struct args_hold {
	uint32_t slot;
};

struct args_join_ns {
	struct text path;
	uint32_t kind;
};

struct args_join_pid {
	uint32_t slot;
	uint64_t namespaces;
};

struct args_unshare {
	uint64_t flags;
};

struct args_hostname {
	struct text name;
};

struct args_domainname {
	struct text name;
};

struct args_link_up {
	struct text name;
};

struct args_own_users {
	uint32_t proc;
	struct text uid;
	struct text gid;
};

struct args_become_root {
	uint32_t none;
};

struct args_propagation {
	struct text path;
	uint64_t flags;
};

struct args_open_tree {
	struct text path;
	uint32_t flags;
	uint32_t into;
};

struct args_open_tree_at {
	uint32_t root;
	struct text path;
	uint32_t flags;
	uint64_t resolve;
	uint32_t into;
};

struct args_mount_attr {
	uint32_t tree;
	uint64_t set;
	uint64_t clear;
	uint64_t propagation;
	uint32_t recursive;
};

struct args_new_mount {
	struct text type;
	struct texts options;
	uint64_t attrs;
	uint32_t into;
};

struct args_move_mount {
	uint32_t tree;
	uint32_t root;
	struct text target;
	uint32_t create;
	uint64_t resolve;
};

struct args_overlay {
	struct text cwd;
	struct text data;
	uint64_t flags;
	struct text target;
	uint32_t into;
};

struct args_attach_root {
	uint32_t tree;
	struct text target;
	uint32_t into;
};

struct args_pivot_root {
	uint32_t root;
};

struct args_unmount {
	struct text path;
	uint32_t flags;
};

struct args_make_dir {
	uint32_t root;
	struct text path;
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
};

struct args_make_link {
	uint32_t root;
	struct text target;
	struct text path;
};

struct args_write_at {
	uint32_t root;
	struct text path;
	uint64_t resolve;
	struct text data;
};

struct args_cgroup_make {
	struct text path;
	uint32_t into;
};

struct args_remove_at {
	uint32_t root;
	struct text path;
};

struct args_open_pty {
	uint32_t root;
	struct text path;
	uint32_t rows;
	uint32_t columns;
	uint32_t uid;
	uint32_t into;
};

struct args_set_owner {
	struct text path;
	uint32_t uid;
	uint32_t gid;
};

struct args_copy_tree {
	uint32_t from;
	uint32_t to;
	uint32_t looks;
};

struct args_own_tree {
	struct text path;
	uint32_t uid;
	uint32_t gid;
};

struct args_session {
	uint32_t none;
};

struct args_rlimit {
	uint32_t resource;
	uint64_t soft;
	uint64_t hard;
};

struct args_umask {
	uint32_t mask;
};

struct args_chdir {
	struct text path;
};

struct args_keyring {
	struct text name;
};

struct args_credentials {
	uint32_t uid;
	uint32_t gid;
	struct text groups;
	uint64_t bounding;
	uint64_t effective;
	uint64_t permitted;
	uint64_t inheritable;
	uint64_t ambient;
};

struct args_no_new_privileges {
	uint32_t none;
};

struct args_seccomp {
	uint32_t flags;
	struct text filter;
};

struct args_keep_fds {
	uint32_t count;
};

struct args_execve {
	struct texts argv;
	struct texts env;
	struct texts search;
};

struct args_pid_variable {
	struct text name;
};

struct args_remove_tree {
	struct text path;
};

struct args_remove_file {
	struct text path;
};

struct args_make_marker {
	struct text path;
};

struct args_spawn {
	struct texts argv;
	struct texts env;
};

struct args_cgroup_remove {
	struct text path;
};

struct args_event {
	struct text path;
	uint32_t journal;
	uint64_t max_bytes;
	struct texts line;
};

struct args_keep {
	struct text lock;
	struct texts argv;
	struct texts env;
	uint64_t capabilities;
	uint32_t outside;
	uint32_t on_demand;
	struct text failed;
	struct text directory;
	struct text leftover;
	uint32_t pause_ms;
	uint32_t pause_max_ms;
	uint32_t stable_ms;
	uint32_t cgroup;
};

struct args_await_kept {
	uint32_t timeout_ms;
};

struct args_open_netlink {
	uint32_t into;
};

struct args_bridge_add {
	uint32_t socket;
	struct text name;
	struct text mac;
	uint32_t mtu;
};

struct args_veth_add {
	uint32_t socket;
	struct text name;
	struct text mac;
	uint32_t mtu;
	uint32_t peer_ns;
	struct text peer_name;
};

struct args_link_set {
	uint32_t socket;
	struct text name;
	struct text master;
};

struct args_link_remove {
	uint32_t socket;
	struct text name;
};

struct args_address_add {
	uint32_t socket;
	struct text link;
	struct text address;
	uint32_t prefix;
	struct text broadcast;
};

struct args_route_add {
	uint32_t socket;
	struct text link;
	uint32_t family;
	struct text destination;
	uint32_t prefix;
	struct text gateway;
	uint32_t metric;
	uint32_t table;
	uint32_t type;
};

struct args_rule_add {
	uint32_t socket;
	uint32_t family;
	uint32_t mark;
	uint32_t table;
	uint32_t priority;
};

struct args_netfilter {
	struct text batch;
	struct text otherwise;
};

struct args_publish {
	uint32_t protocol;
	struct text address;
	uint32_t port;
	uint32_t count;
	struct text target;
	uint32_t target_port;
	uint32_t prefix;
};

struct args_tap_add {
	uint32_t socket;
	struct text device;
	struct text name;
	uint32_t mtu;
};

union args {
	struct args_container container;
	struct args_monitor_files monitor_files;
	struct args_log log;
	struct args_client client;
	struct args_on_failure on_failure;
	struct args_life life;
	struct args_health health;
	struct args_startup startup;
	struct args_events events;
	struct args_notify notify;
	struct args_runtime runtime;
	struct args_held held;
	struct args_join_base join_base;
	struct args_join_holder join_holder;
	struct args_id_map id_map;
	struct args_run run;
	struct args_reexec_read_only reexec_read_only;
	struct args_register_holder register_holder;
	struct args_begin begin;
	struct args_await await;
	struct args_claim claim;
	struct args_open_path open_path;
	struct args_open_at open_at;
	struct args_open_pid open_pid;
	struct args_close_slot close_slot;
	struct args_expect_device expect_device;
	struct args_connect_datagram connect_datagram;
	struct args_hold hold;
	struct args_join_ns join_ns;
	struct args_join_pid join_pid;
	struct args_unshare unshare;
	struct args_hostname hostname;
	struct args_domainname domainname;
	struct args_link_up link_up;
	struct args_own_users own_users;
	struct args_become_root become_root;
	struct args_propagation propagation;
	struct args_open_tree open_tree;
	struct args_open_tree_at open_tree_at;
	struct args_mount_attr mount_attr;
	struct args_new_mount new_mount;
	struct args_move_mount move_mount;
	struct args_overlay overlay;
	struct args_attach_root attach_root;
	struct args_pivot_root pivot_root;
	struct args_unmount unmount;
	struct args_make_dir make_dir;
	struct args_make_link make_link;
	struct args_write_at write_at;
	struct args_cgroup_make cgroup_make;
	struct args_remove_at remove_at;
	struct args_open_pty open_pty;
	struct args_set_owner set_owner;
	struct args_copy_tree copy_tree;
	struct args_own_tree own_tree;
	struct args_session session;
	struct args_rlimit rlimit;
	struct args_umask umask;
	struct args_chdir chdir;
	struct args_keyring keyring;
	struct args_credentials credentials;
	struct args_no_new_privileges no_new_privileges;
	struct args_seccomp seccomp;
	struct args_keep_fds keep_fds;
	struct args_execve execve;
	struct args_pid_variable pid_variable;
	struct args_remove_tree remove_tree;
	struct args_remove_file remove_file;
	struct args_make_marker make_marker;
	struct args_spawn spawn;
	struct args_cgroup_remove cgroup_remove;
	struct args_event event;
	struct args_keep keep;
	struct args_await_kept await_kept;
	struct args_open_netlink open_netlink;
	struct args_bridge_add bridge_add;
	struct args_veth_add veth_add;
	struct args_link_set link_set;
	struct args_link_remove link_remove;
	struct args_address_add address_add;
	struct args_route_add route_add;
	struct args_rule_add rule_add;
	struct args_netfilter netfilter;
	struct args_publish publish;
	struct args_tap_add tap_add;
};

/* X(opcode, function) for every operation; config records have no function. */
#define PLAN_OPS(X) \
	X(OP_JOIN_BASE, op_join_base) \
	X(OP_JOIN_HOLDER, op_join_holder) \
	X(OP_ID_MAP, op_id_map) \
	X(OP_RUN, op_run) \
	X(OP_REEXEC_READ_ONLY, op_reexec_read_only) \
	X(OP_REGISTER_HOLDER, op_register_holder) \
	X(OP_BEGIN, op_begin) \
	X(OP_AWAIT, op_await) \
	X(OP_CLAIM, op_claim) \
	X(OP_OPEN_PATH, op_open_path) \
	X(OP_OPEN_AT, op_open_at) \
	X(OP_OPEN_PID, op_open_pid) \
	X(OP_CLOSE_SLOT, op_close_slot) \
	X(OP_EXPECT_DEVICE, op_expect_device) \
	X(OP_CONNECT_DATAGRAM, op_connect_datagram) \
	X(OP_HOLD, op_hold) \
	X(OP_JOIN_NS, op_join_ns) \
	X(OP_JOIN_PID, op_join_pid) \
	X(OP_UNSHARE, op_unshare) \
	X(OP_HOSTNAME, op_hostname) \
	X(OP_DOMAINNAME, op_domainname) \
	X(OP_LINK_UP, op_link_up) \
	X(OP_OWN_USERS, op_own_users) \
	X(OP_BECOME_ROOT, op_become_root) \
	X(OP_PROPAGATION, op_propagation) \
	X(OP_OPEN_TREE, op_open_tree) \
	X(OP_OPEN_TREE_AT, op_open_tree_at) \
	X(OP_MOUNT_ATTR, op_mount_attr) \
	X(OP_NEW_MOUNT, op_new_mount) \
	X(OP_MOVE_MOUNT, op_move_mount) \
	X(OP_OVERLAY, op_overlay) \
	X(OP_ATTACH_ROOT, op_attach_root) \
	X(OP_PIVOT_ROOT, op_pivot_root) \
	X(OP_UNMOUNT, op_unmount) \
	X(OP_MAKE_DIR, op_make_dir) \
	X(OP_MAKE_LINK, op_make_link) \
	X(OP_WRITE_AT, op_write_at) \
	X(OP_CGROUP_MAKE, op_cgroup_make) \
	X(OP_REMOVE_AT, op_remove_at) \
	X(OP_OPEN_PTY, op_open_pty) \
	X(OP_SET_OWNER, op_set_owner) \
	X(OP_COPY_TREE, op_copy_tree) \
	X(OP_OWN_TREE, op_own_tree) \
	X(OP_SESSION, op_session) \
	X(OP_RLIMIT, op_rlimit) \
	X(OP_UMASK, op_umask) \
	X(OP_CHDIR, op_chdir) \
	X(OP_KEYRING, op_keyring) \
	X(OP_CREDENTIALS, op_credentials) \
	X(OP_NO_NEW_PRIVILEGES, op_no_new_privileges) \
	X(OP_SECCOMP, op_seccomp) \
	X(OP_KEEP_FDS, op_keep_fds) \
	X(OP_EXECVE, op_execve) \
	X(OP_PID_VARIABLE, op_pid_variable) \
	X(OP_REMOVE_TREE, op_remove_tree) \
	X(OP_REMOVE_FILE, op_remove_file) \
	X(OP_MAKE_MARKER, op_make_marker) \
	X(OP_SPAWN, op_spawn) \
	X(OP_CGROUP_REMOVE, op_cgroup_remove) \
	X(OP_EVENT, op_event) \
	X(OP_KEEP, op_keep) \
	X(OP_AWAIT_KEPT, op_await_kept) \
	X(OP_OPEN_NETLINK, op_open_netlink) \
	X(OP_BRIDGE_ADD, op_bridge_add) \
	X(OP_VETH_ADD, op_veth_add) \
	X(OP_LINK_SET, op_link_set) \
	X(OP_LINK_REMOVE, op_link_remove) \
	X(OP_ADDRESS_ADD, op_address_add) \
	X(OP_ROUTE_ADD, op_route_add) \
	X(OP_RULE_ADD, op_rule_add) \
	X(OP_NETFILTER, op_netfilter) \
	X(OP_PUBLISH, op_publish) \
	X(OP_TAP_ADD, op_tap_add)

/* How an opcode's arguments lie in its struct; `stages` has a bit per legal stage. */
struct op_def {
	uint16_t stages;
	uint8_t argc;
	struct {
		uint8_t kind;
		uint8_t offset;
	} arg[15];
};

#ifdef PLAN_OPS_TABLE
static const struct op_def op_defs[OP_LIMIT] = {
	[OP_CONTAINER] = { 1 << STAGE_CONFIG, 7, {
		{ ARG_U64, offsetof(struct args_container, clone_flags) },
		{ ARG_U32, offsetof(struct args_container, tty) },
		{ ARG_U32, offsetof(struct args_container, stdin) },
		{ ARG_U32, offsetof(struct args_container, init) },
		{ ARG_U32, offsetof(struct args_container, stop_signal) },
		{ ARG_U32, offsetof(struct args_container, stop_ms) },
		{ ARG_SLOT, offsetof(struct args_container, cgroup) } } },
	[OP_MONITOR_FILES] = { 1 << STAGE_CONFIG, 7, {
		{ ARG_STR, offsetof(struct args_monitor_files, run_dir) },
		{ ARG_STR, offsetof(struct args_monitor_files, status_name) },
		{ ARG_STR, offsetof(struct args_monitor_files, socket_name) },
		{ ARG_STR, offsetof(struct args_monitor_files, exit_file) },
		{ ARG_STR, offsetof(struct args_monitor_files, pid_file) },
		{ ARG_STR, offsetof(struct args_monitor_files, monitor_pid_file) },
		{ ARG_STR, offsetof(struct args_monitor_files, amend_name) } } },
	[OP_LOG] = { 1 << STAGE_CONFIG, 9, {
		{ ARG_U32, offsetof(struct args_log, driver) },
		{ ARG_STR, offsetof(struct args_log, path) },
		{ ARG_STR, offsetof(struct args_log, lost) },
		{ ARG_U64, offsetof(struct args_log, max_bytes) },
		{ ARG_U32, offsetof(struct args_log, keep) },
		{ ARG_BLOB, offsetof(struct args_log, fields) },
		{ ARG_STR, offsetof(struct args_log, out) },
		{ ARG_STR, offsetof(struct args_log, err) },
		{ ARG_STR, offsetof(struct args_log, part) } } },
	[OP_CLIENT] = { 1 << STAGE_CONFIG, 5, {
		{ ARG_U32, offsetof(struct args_client, attach) },
		{ ARG_U32, offsetof(struct args_client, streams) },
		{ ARG_U32, offsetof(struct args_client, signals) },
		{ ARG_BLOB, offsetof(struct args_client, detach_keys) },
		{ ARG_STR, offsetof(struct args_client, announce) } } },
	[OP_ON_FAILURE] = { 1 << STAGE_CONFIG, 2, {
		{ ARG_STRV, offsetof(struct args_on_failure, argv) },
		{ ARG_STRV, offsetof(struct args_on_failure, env) } } },
	[OP_LIFE] = { 1 << STAGE_CONFIG, 6, {
		{ ARG_U32, offsetof(struct args_life, restart) },
		{ ARG_U32, offsetof(struct args_life, retries) },
		{ ARG_U32, offsetof(struct args_life, delay_ms) },
		{ ARG_U32, offsetof(struct args_life, delay_max_ms) },
		{ ARG_U32, offsetof(struct args_life, steady_ms) },
		{ ARG_U64, offsetof(struct args_life, timeout_ms) } } },
	[OP_HEALTH] = { 1 << STAGE_CONFIG, 15, {
		{ ARG_U64, offsetof(struct args_health, namespaces) },
		{ ARG_STR, offsetof(struct args_health, state) },
		{ ARG_STR, offsetof(struct args_health, log) },
		{ ARG_U32, offsetof(struct args_health, keep) },
		{ ARG_U32, offsetof(struct args_health, max_bytes) },
		{ ARG_U64, offsetof(struct args_health, interval_ms) },
		{ ARG_U64, offsetof(struct args_health, timeout_ms) },
		{ ARG_U64, offsetof(struct args_health, period_ms) },
		{ ARG_U64, offsetof(struct args_health, start_interval_ms) },
		{ ARG_U32, offsetof(struct args_health, retries) },
		{ ARG_U32, offsetof(struct args_health, action) },
		{ ARG_U32, offsetof(struct args_health, stop_ms) },
		{ ARG_STRV, offsetof(struct args_health, starting) },
		{ ARG_STRV, offsetof(struct args_health, healthy) },
		{ ARG_STRV, offsetof(struct args_health, unhealthy) } } },
	[OP_STARTUP] = { 1 << STAGE_CONFIG, 4, {
		{ ARG_U64, offsetof(struct args_startup, interval_ms) },
		{ ARG_U64, offsetof(struct args_startup, timeout_ms) },
		{ ARG_U32, offsetof(struct args_startup, retries) },
		{ ARG_U32, offsetof(struct args_startup, successes) } } },
	[OP_EVENTS] = { 1 << STAGE_CONFIG, 6, {
		{ ARG_STR, offsetof(struct args_events, path) },
		{ ARG_U32, offsetof(struct args_events, journal) },
		{ ARG_U64, offsetof(struct args_events, max_bytes) },
		{ ARG_STRV, offsetof(struct args_events, start) },
		{ ARG_STRV, offsetof(struct args_events, again) },
		{ ARG_STRV, offsetof(struct args_events, died) } } },
	[OP_NOTIFY] = { 1 << STAGE_CONFIG, 7, {
		{ ARG_SLOT, offsetof(struct args_notify, target) },
		{ ARG_U32, offsetof(struct args_notify, when) },
		{ ARG_STR, offsetof(struct args_notify, main_pid) },
		{ ARG_STR, offsetof(struct args_notify, ready) },
		{ ARG_STR, offsetof(struct args_notify, dir) },
		{ ARG_STR, offsetof(struct args_notify, name) },
		{ ARG_STRV, offsetof(struct args_notify, pass) } } },
	[OP_RUNTIME] = { 1 << STAGE_CONFIG, 6, {
		{ ARG_STR, offsetof(struct args_runtime, pid_file) },
		{ ARG_STR, offsetof(struct args_runtime, console) },
		{ ARG_STRV, offsetof(struct args_runtime, start) },
		{ ARG_STRV, offsetof(struct args_runtime, kill) },
		{ ARG_STRV, offsetof(struct args_runtime, remove) },
		{ ARG_STRV, offsetof(struct args_runtime, env) } } },
	[OP_HELD] = { 1 << STAGE_CONFIG, 0, {
		{ 0, 0 } } },
	[OP_JOIN_BASE] = { 1 << STAGE_LAUNCH, 5, {
		{ ARG_STR, offsetof(struct args_join_base, lock) },
		{ ARG_STR, offsetof(struct args_join_base, live) },
		{ ARG_STR, offsetof(struct args_join_base, net) },
		{ ARG_U32, offsetof(struct args_join_base, own_net) },
		{ ARG_U64, offsetof(struct args_join_base, namespaces) } } },
	[OP_JOIN_HOLDER] = { 1 << STAGE_LAUNCH, 3, {
		{ ARG_U32, offsetof(struct args_join_holder, pid) },
		{ ARG_U64, offsetof(struct args_join_holder, start) },
		{ ARG_U64, offsetof(struct args_join_holder, namespaces) } } },
	[OP_ID_MAP] = { 1 << STAGE_MAP, 2, {
		{ ARG_U32, offsetof(struct args_id_map, kind) },
		{ ARG_STR, offsetof(struct args_id_map, text) } } },
	[OP_RUN] = { 1 << STAGE_MAP | 1 << STAGE_MONITOR | 1 << STAGE_FINISH, 3, {
		{ ARG_STRV, offsetof(struct args_run, argv) },
		{ ARG_STRV, offsetof(struct args_run, env) },
		{ ARG_U32, offsetof(struct args_run, pid_arg) } } },
	[OP_REEXEC_READ_ONLY] = { 1 << STAGE_MONITOR, 0, {
		{ 0, 0 } } },
	[OP_REGISTER_HOLDER] = { 1 << STAGE_MONITOR, 0, {
		{ 0, 0 } } },
	[OP_BEGIN] = { 1 << STAGE_MAP, 3, {
		{ ARG_STRV, offsetof(struct args_begin, argv) },
		{ ARG_STRV, offsetof(struct args_begin, env) },
		{ ARG_U32, offsetof(struct args_begin, pid_arg) } } },
	[OP_AWAIT] = { 1 << STAGE_MAP, 0, {
		{ 0, 0 } } },
	[OP_CLAIM] = { 1 << STAGE_MONITOR, 2, {
		{ ARG_STR, offsetof(struct args_claim, directory) },
		{ ARG_U32, offsetof(struct args_claim, wait_ms) } } },
	[OP_OPEN_PATH] = { 1 << STAGE_LAUNCH | 1 << STAGE_NETBASE | 1 << STAGE_MONITOR | 1 << STAGE_SETUP | 1 << STAGE_EXEC, 3, {
		{ ARG_STR, offsetof(struct args_open_path, path) },
		{ ARG_U32, offsetof(struct args_open_path, flags) },
		{ ARG_INTO, offsetof(struct args_open_path, into) } } },
	[OP_OPEN_AT] = { 1 << STAGE_MONITOR | 1 << STAGE_SETUP | 1 << STAGE_EXEC, 6, {
		{ ARG_SLOT, offsetof(struct args_open_at, root) },
		{ ARG_STR, offsetof(struct args_open_at, path) },
		{ ARG_U32, offsetof(struct args_open_at, flags) },
		{ ARG_U32, offsetof(struct args_open_at, mode) },
		{ ARG_U64, offsetof(struct args_open_at, resolve) },
		{ ARG_INTO, offsetof(struct args_open_at, into) } } },
	[OP_OPEN_PID] = { 1 << STAGE_MONITOR | 1 << STAGE_SETUP | 1 << STAGE_EXEC, 3, {
		{ ARG_U32, offsetof(struct args_open_pid, pid) },
		{ ARG_U64, offsetof(struct args_open_pid, start) },
		{ ARG_INTO, offsetof(struct args_open_pid, into) } } },
	[OP_CLOSE_SLOT] = { 1 << STAGE_MONITOR | 1 << STAGE_SETUP | 1 << STAGE_EXEC, 1, {
		{ ARG_SLOT, offsetof(struct args_close_slot, slot) } } },
	[OP_EXPECT_DEVICE] = { 1 << STAGE_MONITOR | 1 << STAGE_SETUP | 1 << STAGE_EXEC, 4, {
		{ ARG_SLOT, offsetof(struct args_expect_device, slot) },
		{ ARG_U32, offsetof(struct args_expect_device, kind) },
		{ ARG_U32, offsetof(struct args_expect_device, major) },
		{ ARG_U32, offsetof(struct args_expect_device, minor) } } },
	[OP_CONNECT_DATAGRAM] = { 1 << STAGE_LAUNCH, 2, {
		{ ARG_BLOB, offsetof(struct args_connect_datagram, address) },
		{ ARG_INTO, offsetof(struct args_connect_datagram, into) } } },
	[OP_HOLD] = { 1 << STAGE_MONITOR, 1, {
		{ ARG_SLOT, offsetof(struct args_hold, slot) } } },
	[OP_JOIN_NS] = { 1 << STAGE_MONITOR | 1 << STAGE_SETUP | 1 << STAGE_EXEC, 2, {
		{ ARG_STR, offsetof(struct args_join_ns, path) },
		{ ARG_U32, offsetof(struct args_join_ns, kind) } } },
	[OP_JOIN_PID] = { 1 << STAGE_MONITOR | 1 << STAGE_SETUP | 1 << STAGE_EXEC, 2, {
		{ ARG_SLOT, offsetof(struct args_join_pid, slot) },
		{ ARG_U64, offsetof(struct args_join_pid, namespaces) } } },
	[OP_UNSHARE] = { 1 << STAGE_BASE | 1 << STAGE_MONITOR | 1 << STAGE_SETUP | 1 << STAGE_EXEC, 1, {
		{ ARG_U64, offsetof(struct args_unshare, flags) } } },
	[OP_HOSTNAME] = { 1 << STAGE_SETUP, 1, {
		{ ARG_STR, offsetof(struct args_hostname, name) } } },
	[OP_DOMAINNAME] = { 1 << STAGE_SETUP, 1, {
		{ ARG_STR, offsetof(struct args_domainname, name) } } },
	[OP_LINK_UP] = { 1 << STAGE_BASE | 1 << STAGE_NETBASE | 1 << STAGE_SETUP, 1, {
		{ ARG_STR, offsetof(struct args_link_up, name) } } },
	[OP_OWN_USERS] = { 1 << STAGE_SETUP, 3, {
		{ ARG_SLOT, offsetof(struct args_own_users, proc) },
		{ ARG_STR, offsetof(struct args_own_users, uid) },
		{ ARG_STR, offsetof(struct args_own_users, gid) } } },
	[OP_BECOME_ROOT] = { 1 << STAGE_SETUP, 0, {
		{ 0, 0 } } },
	[OP_PROPAGATION] = { 1 << STAGE_BASE | 1 << STAGE_MONITOR | 1 << STAGE_SETUP, 2, {
		{ ARG_STR, offsetof(struct args_propagation, path) },
		{ ARG_U64, offsetof(struct args_propagation, flags) } } },
	[OP_OPEN_TREE] = { 1 << STAGE_MONITOR | 1 << STAGE_SETUP, 3, {
		{ ARG_STR, offsetof(struct args_open_tree, path) },
		{ ARG_U32, offsetof(struct args_open_tree, flags) },
		{ ARG_INTO, offsetof(struct args_open_tree, into) } } },
	[OP_OPEN_TREE_AT] = { 1 << STAGE_MONITOR | 1 << STAGE_SETUP, 5, {
		{ ARG_SLOT, offsetof(struct args_open_tree_at, root) },
		{ ARG_STR, offsetof(struct args_open_tree_at, path) },
		{ ARG_U32, offsetof(struct args_open_tree_at, flags) },
		{ ARG_U64, offsetof(struct args_open_tree_at, resolve) },
		{ ARG_INTO, offsetof(struct args_open_tree_at, into) } } },
	[OP_MOUNT_ATTR] = { 1 << STAGE_MONITOR | 1 << STAGE_SETUP, 5, {
		{ ARG_SLOT, offsetof(struct args_mount_attr, tree) },
		{ ARG_U64, offsetof(struct args_mount_attr, set) },
		{ ARG_U64, offsetof(struct args_mount_attr, clear) },
		{ ARG_U64, offsetof(struct args_mount_attr, propagation) },
		{ ARG_U32, offsetof(struct args_mount_attr, recursive) } } },
	[OP_NEW_MOUNT] = { 1 << STAGE_MONITOR | 1 << STAGE_SETUP, 4, {
		{ ARG_STR, offsetof(struct args_new_mount, type) },
		{ ARG_STRV, offsetof(struct args_new_mount, options) },
		{ ARG_U64, offsetof(struct args_new_mount, attrs) },
		{ ARG_INTO, offsetof(struct args_new_mount, into) } } },
	[OP_MOVE_MOUNT] = { 1 << STAGE_MONITOR | 1 << STAGE_SETUP, 5, {
		{ ARG_SLOT, offsetof(struct args_move_mount, tree) },
		{ ARG_SLOT, offsetof(struct args_move_mount, root) },
		{ ARG_STR, offsetof(struct args_move_mount, target) },
		{ ARG_U32, offsetof(struct args_move_mount, create) },
		{ ARG_U64, offsetof(struct args_move_mount, resolve) } } },
	[OP_OVERLAY] = { 1 << STAGE_MONITOR | 1 << STAGE_SETUP, 5, {
		{ ARG_STR, offsetof(struct args_overlay, cwd) },
		{ ARG_STR, offsetof(struct args_overlay, data) },
		{ ARG_U64, offsetof(struct args_overlay, flags) },
		{ ARG_STR, offsetof(struct args_overlay, target) },
		{ ARG_INTO, offsetof(struct args_overlay, into) } } },
	[OP_ATTACH_ROOT] = { 1 << STAGE_MONITOR | 1 << STAGE_SETUP, 3, {
		{ ARG_SLOT, offsetof(struct args_attach_root, tree) },
		{ ARG_STR, offsetof(struct args_attach_root, target) },
		{ ARG_INTO, offsetof(struct args_attach_root, into) } } },
	[OP_PIVOT_ROOT] = { 1 << STAGE_SETUP, 1, {
		{ ARG_SLOT, offsetof(struct args_pivot_root, root) } } },
	[OP_UNMOUNT] = { 1 << STAGE_MONITOR | 1 << STAGE_SETUP | 1 << STAGE_FINISH, 2, {
		{ ARG_STR, offsetof(struct args_unmount, path) },
		{ ARG_U32, offsetof(struct args_unmount, flags) } } },
	[OP_MAKE_DIR] = { 1 << STAGE_SETUP | 1 << STAGE_EXEC, 5, {
		{ ARG_SLOT, offsetof(struct args_make_dir, root) },
		{ ARG_STR, offsetof(struct args_make_dir, path) },
		{ ARG_U32, offsetof(struct args_make_dir, mode) },
		{ ARG_U32, offsetof(struct args_make_dir, uid) },
		{ ARG_U32, offsetof(struct args_make_dir, gid) } } },
	[OP_MAKE_LINK] = { 1 << STAGE_SETUP, 3, {
		{ ARG_SLOT, offsetof(struct args_make_link, root) },
		{ ARG_STR, offsetof(struct args_make_link, target) },
		{ ARG_STR, offsetof(struct args_make_link, path) } } },
	[OP_WRITE_AT] = { 1 << STAGE_NETBASE | 1 << STAGE_MONITOR | 1 << STAGE_SETUP | 1 << STAGE_EXEC, 4, {
		{ ARG_SLOT, offsetof(struct args_write_at, root) },
		{ ARG_STR, offsetof(struct args_write_at, path) },
		{ ARG_U64, offsetof(struct args_write_at, resolve) },
		{ ARG_STR, offsetof(struct args_write_at, data) } } },
	[OP_CGROUP_MAKE] = { 1 << STAGE_LAUNCH | 1 << STAGE_MONITOR, 2, {
		{ ARG_STR, offsetof(struct args_cgroup_make, path) },
		{ ARG_INTO, offsetof(struct args_cgroup_make, into) } } },
	[OP_REMOVE_AT] = { 1 << STAGE_SETUP, 2, {
		{ ARG_SLOT, offsetof(struct args_remove_at, root) },
		{ ARG_STR, offsetof(struct args_remove_at, path) } } },
	[OP_OPEN_PTY] = { 1 << STAGE_SETUP, 6, {
		{ ARG_SLOT, offsetof(struct args_open_pty, root) },
		{ ARG_STR, offsetof(struct args_open_pty, path) },
		{ ARG_U32, offsetof(struct args_open_pty, rows) },
		{ ARG_U32, offsetof(struct args_open_pty, columns) },
		{ ARG_U32, offsetof(struct args_open_pty, uid) },
		{ ARG_INTO, offsetof(struct args_open_pty, into) } } },
	[OP_SET_OWNER] = { 1 << STAGE_MONITOR, 3, {
		{ ARG_STR, offsetof(struct args_set_owner, path) },
		{ ARG_U32, offsetof(struct args_set_owner, uid) },
		{ ARG_U32, offsetof(struct args_set_owner, gid) } } },
	[OP_COPY_TREE] = { 1 << STAGE_SETUP, 3, {
		{ ARG_SLOT, offsetof(struct args_copy_tree, from) },
		{ ARG_SLOT, offsetof(struct args_copy_tree, to) },
		{ ARG_U32, offsetof(struct args_copy_tree, looks) } } },
	[OP_OWN_TREE] = { 1 << STAGE_MONITOR, 3, {
		{ ARG_STR, offsetof(struct args_own_tree, path) },
		{ ARG_U32, offsetof(struct args_own_tree, uid) },
		{ ARG_U32, offsetof(struct args_own_tree, gid) } } },
	[OP_SESSION] = { 1 << STAGE_EXEC | 1 << STAGE_CHECK | 1 << STAGE_STARTUP, 0, {
		{ 0, 0 } } },
	[OP_RLIMIT] = { 1 << STAGE_SETUP | 1 << STAGE_EXEC | 1 << STAGE_CHECK | 1 << STAGE_STARTUP, 3, {
		{ ARG_U32, offsetof(struct args_rlimit, resource) },
		{ ARG_U64, offsetof(struct args_rlimit, soft) },
		{ ARG_U64, offsetof(struct args_rlimit, hard) } } },
	[OP_UMASK] = { 1 << STAGE_EXEC | 1 << STAGE_CHECK | 1 << STAGE_STARTUP, 1, {
		{ ARG_U32, offsetof(struct args_umask, mask) } } },
	[OP_CHDIR] = { 1 << STAGE_EXEC | 1 << STAGE_CHECK | 1 << STAGE_STARTUP, 1, {
		{ ARG_STR, offsetof(struct args_chdir, path) } } },
	[OP_KEYRING] = { 1 << STAGE_EXEC | 1 << STAGE_CHECK | 1 << STAGE_STARTUP, 1, {
		{ ARG_STR, offsetof(struct args_keyring, name) } } },
	[OP_CREDENTIALS] = { 1 << STAGE_EXEC | 1 << STAGE_CHECK | 1 << STAGE_STARTUP, 8, {
		{ ARG_U32, offsetof(struct args_credentials, uid) },
		{ ARG_U32, offsetof(struct args_credentials, gid) },
		{ ARG_BLOB, offsetof(struct args_credentials, groups) },
		{ ARG_U64, offsetof(struct args_credentials, bounding) },
		{ ARG_U64, offsetof(struct args_credentials, effective) },
		{ ARG_U64, offsetof(struct args_credentials, permitted) },
		{ ARG_U64, offsetof(struct args_credentials, inheritable) },
		{ ARG_U64, offsetof(struct args_credentials, ambient) } } },
	[OP_NO_NEW_PRIVILEGES] = { 1 << STAGE_EXEC | 1 << STAGE_CHECK | 1 << STAGE_STARTUP, 0, {
		{ 0, 0 } } },
	[OP_SECCOMP] = { 1 << STAGE_EXEC | 1 << STAGE_CHECK | 1 << STAGE_STARTUP, 2, {
		{ ARG_U32, offsetof(struct args_seccomp, flags) },
		{ ARG_BLOB, offsetof(struct args_seccomp, filter) } } },
	[OP_KEEP_FDS] = { 1 << STAGE_EXEC, 1, {
		{ ARG_U32, offsetof(struct args_keep_fds, count) } } },
	[OP_EXECVE] = { 1 << STAGE_EXEC | 1 << STAGE_CHECK | 1 << STAGE_STARTUP, 3, {
		{ ARG_STRV, offsetof(struct args_execve, argv) },
		{ ARG_STRV, offsetof(struct args_execve, env) },
		{ ARG_STRV, offsetof(struct args_execve, search) } } },
	[OP_PID_VARIABLE] = { 1 << STAGE_EXEC, 1, {
		{ ARG_STR, offsetof(struct args_pid_variable, name) } } },
	[OP_REMOVE_TREE] = { 1 << STAGE_FINISH | 1 << STAGE_VANISH, 1, {
		{ ARG_STR, offsetof(struct args_remove_tree, path) } } },
	[OP_REMOVE_FILE] = { 1 << STAGE_FINISH | 1 << STAGE_VANISH, 1, {
		{ ARG_STR, offsetof(struct args_remove_file, path) } } },
	[OP_MAKE_MARKER] = { 1 << STAGE_FINISH | 1 << STAGE_VANISH, 1, {
		{ ARG_STR, offsetof(struct args_make_marker, path) } } },
	[OP_SPAWN] = { 1 << STAGE_FINISH | 1 << STAGE_VANISH, 2, {
		{ ARG_STRV, offsetof(struct args_spawn, argv) },
		{ ARG_STRV, offsetof(struct args_spawn, env) } } },
	[OP_CGROUP_REMOVE] = { 1 << STAGE_FINISH, 1, {
		{ ARG_STR, offsetof(struct args_cgroup_remove, path) } } },
	[OP_EVENT] = { 1 << STAGE_FINISH | 1 << STAGE_VANISH, 4, {
		{ ARG_STR, offsetof(struct args_event, path) },
		{ ARG_U32, offsetof(struct args_event, journal) },
		{ ARG_U64, offsetof(struct args_event, max_bytes) },
		{ ARG_STRV, offsetof(struct args_event, line) } } },
	[OP_KEEP] = { 1 << STAGE_UPLINK | 1 << STAGE_MONITOR, 13, {
		{ ARG_STR, offsetof(struct args_keep, lock) },
		{ ARG_STRV, offsetof(struct args_keep, argv) },
		{ ARG_STRV, offsetof(struct args_keep, env) },
		{ ARG_U64, offsetof(struct args_keep, capabilities) },
		{ ARG_U32, offsetof(struct args_keep, outside) },
		{ ARG_U32, offsetof(struct args_keep, on_demand) },
		{ ARG_STR, offsetof(struct args_keep, failed) },
		{ ARG_STR, offsetof(struct args_keep, directory) },
		{ ARG_STR, offsetof(struct args_keep, leftover) },
		{ ARG_U32, offsetof(struct args_keep, pause_ms) },
		{ ARG_U32, offsetof(struct args_keep, pause_max_ms) },
		{ ARG_U32, offsetof(struct args_keep, stable_ms) },
		{ ARG_SLOT, offsetof(struct args_keep, cgroup) } } },
	[OP_AWAIT_KEPT] = { 1 << STAGE_MONITOR, 1, {
		{ ARG_U32, offsetof(struct args_await_kept, timeout_ms) } } },
	[OP_OPEN_NETLINK] = { 1 << STAGE_NETBASE | 1 << STAGE_MONITOR | 1 << STAGE_SETUP, 1, {
		{ ARG_INTO, offsetof(struct args_open_netlink, into) } } },
	[OP_BRIDGE_ADD] = { 1 << STAGE_NETBASE | 1 << STAGE_MONITOR | 1 << STAGE_SETUP, 4, {
		{ ARG_SLOT, offsetof(struct args_bridge_add, socket) },
		{ ARG_STR, offsetof(struct args_bridge_add, name) },
		{ ARG_BLOB, offsetof(struct args_bridge_add, mac) },
		{ ARG_U32, offsetof(struct args_bridge_add, mtu) } } },
	[OP_VETH_ADD] = { 1 << STAGE_NETBASE | 1 << STAGE_MONITOR | 1 << STAGE_SETUP, 6, {
		{ ARG_SLOT, offsetof(struct args_veth_add, socket) },
		{ ARG_STR, offsetof(struct args_veth_add, name) },
		{ ARG_BLOB, offsetof(struct args_veth_add, mac) },
		{ ARG_U32, offsetof(struct args_veth_add, mtu) },
		{ ARG_SLOT, offsetof(struct args_veth_add, peer_ns) },
		{ ARG_STR, offsetof(struct args_veth_add, peer_name) } } },
	[OP_LINK_SET] = { 1 << STAGE_NETBASE | 1 << STAGE_MONITOR | 1 << STAGE_SETUP, 3, {
		{ ARG_SLOT, offsetof(struct args_link_set, socket) },
		{ ARG_STR, offsetof(struct args_link_set, name) },
		{ ARG_STR, offsetof(struct args_link_set, master) } } },
	[OP_LINK_REMOVE] = { 1 << STAGE_NETBASE | 1 << STAGE_MONITOR | 1 << STAGE_SETUP, 2, {
		{ ARG_SLOT, offsetof(struct args_link_remove, socket) },
		{ ARG_STR, offsetof(struct args_link_remove, name) } } },
	[OP_ADDRESS_ADD] = { 1 << STAGE_NETBASE | 1 << STAGE_MONITOR | 1 << STAGE_SETUP, 5, {
		{ ARG_SLOT, offsetof(struct args_address_add, socket) },
		{ ARG_STR, offsetof(struct args_address_add, link) },
		{ ARG_BLOB, offsetof(struct args_address_add, address) },
		{ ARG_U32, offsetof(struct args_address_add, prefix) },
		{ ARG_BLOB, offsetof(struct args_address_add, broadcast) } } },
	[OP_ROUTE_ADD] = { 1 << STAGE_NETBASE | 1 << STAGE_MONITOR | 1 << STAGE_SETUP, 9, {
		{ ARG_SLOT, offsetof(struct args_route_add, socket) },
		{ ARG_STR, offsetof(struct args_route_add, link) },
		{ ARG_U32, offsetof(struct args_route_add, family) },
		{ ARG_BLOB, offsetof(struct args_route_add, destination) },
		{ ARG_U32, offsetof(struct args_route_add, prefix) },
		{ ARG_BLOB, offsetof(struct args_route_add, gateway) },
		{ ARG_U32, offsetof(struct args_route_add, metric) },
		{ ARG_U32, offsetof(struct args_route_add, table) },
		{ ARG_U32, offsetof(struct args_route_add, type) } } },
	[OP_RULE_ADD] = { 1 << STAGE_NETBASE | 1 << STAGE_MONITOR | 1 << STAGE_SETUP, 5, {
		{ ARG_SLOT, offsetof(struct args_rule_add, socket) },
		{ ARG_U32, offsetof(struct args_rule_add, family) },
		{ ARG_U32, offsetof(struct args_rule_add, mark) },
		{ ARG_U32, offsetof(struct args_rule_add, table) },
		{ ARG_U32, offsetof(struct args_rule_add, priority) } } },
	[OP_NETFILTER] = { 1 << STAGE_NETBASE | 1 << STAGE_MONITOR, 2, {
		{ ARG_BLOB, offsetof(struct args_netfilter, batch) },
		{ ARG_BLOB, offsetof(struct args_netfilter, otherwise) } } },
	[OP_PUBLISH] = { 1 << STAGE_LAUNCH, 7, {
		{ ARG_U32, offsetof(struct args_publish, protocol) },
		{ ARG_BLOB, offsetof(struct args_publish, address) },
		{ ARG_U32, offsetof(struct args_publish, port) },
		{ ARG_U32, offsetof(struct args_publish, count) },
		{ ARG_BLOB, offsetof(struct args_publish, target) },
		{ ARG_U32, offsetof(struct args_publish, target_port) },
		{ ARG_U32, offsetof(struct args_publish, prefix) } } },
	[OP_TAP_ADD] = { 1 << STAGE_NETBASE | 1 << STAGE_MONITOR, 4, {
		{ ARG_SLOT, offsetof(struct args_tap_add, socket) },
		{ ARG_STR, offsetof(struct args_tap_add, device) },
		{ ARG_STR, offsetof(struct args_tap_add, name) },
		{ ARG_U32, offsetof(struct args_tap_add, mtu) } } },
};
#endif

#endif
