// SPDX-License-Identifier: Apache-2.0
/*
 * The program of the embedded image `hello`: tells a stranger what a container looks like
 * from inside, and what to try next. It only reads /proc and asks the kernel; whatever it
 * cannot learn is left out, because a missing line is better than a wrong one.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#define LABEL_WIDTH 14
#define TEXT_WIDTH 76

static const char *const capability_names[] = {
	"chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid",
	"setpcap", "linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw",
	"ipc_lock", "ipc_owner", "sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct",
	"sys_admin", "sys_boot", "sys_nice", "sys_resource", "sys_time", "sys_tty_config", "mknod",
	"lease", "audit_write", "audit_control", "setfcap", "mac_override", "mac_admin", "syslog",
	"wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf", "checkpoint_restore",
};
#define CAPABILITIES (sizeof(capability_names) / sizeof(capability_names[0]))

static const struct {
	unsigned long magic;
	const char *name;
} filesystems[] = {
	{ 0x794c7630, "overlay" }, { 0x65735546, "fuse-overlayfs (fuse)" }, { 0xef53, "ext4" },
	{ 0x9123683e, "btrfs" }, { 0x58465342, "xfs" }, { 0x01021994, "tmpfs" },
	{ 0x2fc12fc1, "zfs" }, { 0xf2f52010, "f2fs" }, { 0xca451a4e, "bcachefs" },
};

static void label(const char *name)
{
	printf("  %-*s", LABEL_WIDTH, name);
}

__attribute__((format(printf, 2, 3))) static void line(const char *name, const char *format, ...)
{
	va_list args;

	label(name);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

/* Copies the value of "KEY:\tVALUE" in /proc/self/status; false if there is no such line. */
static bool status_value(const char *key, char *value, size_t size)
{
	FILE *file = fopen("/proc/self/status", "re");
	size_t key_length = strlen(key);
	bool found = false;
	char row[256];

	if (!file)
		return false;
	while (!found && fgets(row, sizeof(row), file)) {
		if (strncmp(row, key, key_length) || row[key_length] != ':')
			continue;
		snprintf(value, size, "%s", row + key_length + 1 + strspn(row + key_length + 1, " \t"));
		value[strcspn(value, "\n")] = '\0';
		found = true;
	}
	fclose(file);
	return found;
}

static void show_process(void)
{
	pid_t pid = getpid();

	if (pid == 1)
		line("process", "PID 1: the first process of its own little world");
	else
		line("process", "PID %d", (int)pid);
}

static void show_user(void)
{
	unsigned long inside, outside, count;
	FILE *file;
	const char *separator = "";

	line("user", "uid %u, gid %u", (unsigned int)geteuid(), (unsigned int)getegid());
	file = fopen("/proc/self/uid_map", "re");
	if (!file)
		return;
	label("uid map");
	while (fscanf(file, "%lu %lu %lu", &inside, &outside, &count) == 3) {
		if (count == 1)
			printf("%s%lu is %lu outside", separator, inside, outside);
		else
			printf("%s%lu-%lu are %lu-%lu", separator, inside, inside + count - 1,
			       outside, outside + count - 1);
		separator = ", ";
	}
	putchar('\n');
	fclose(file);
}

static void show_host(void)
{
	struct utsname names;

	if (uname(&names))
		return;
	line("hostname", "%s", names.nodename);
	line("kernel", "%s %s, shared with the host", names.sysname, names.release);
}

static void show_root(void)
{
	struct statfs fs;
	const char *name = NULL;

	if (statfs("/", &fs))
		return;
	for (size_t i = 0; i < sizeof(filesystems) / sizeof(filesystems[0]); i++)
		if (filesystems[i].magic == ((unsigned long)fs.f_type & 0xffffffffUL))
			name = filesystems[i].name;
	label("root files");
	if (name)
		printf("%s", name);
	else
		printf("type 0x%lx", (unsigned long)fs.f_type & 0xffffffffUL);
	printf(", %s\n", fs.f_flags & ST_RDONLY ? "read-only" : "writable, and gone with the container");
}

static void show_network(void)
{
	FILE *file = fopen("/proc/self/net/dev", "re");
	int count = 0, others = 0;
	char row[512], name[64];

	if (!file)
		return;
	label("network");
	while (fgets(row, sizeof(row), file)) {
		if (!strchr(row, ':') || sscanf(row, " %63[^:]", name) != 1)
			continue;
		printf("%s%s", count++ ? ", " : "", name);
		others += strcmp(name, "lo") != 0;
	}
	fclose(file);
	if (!count)
		printf("no interface at all");
	else if (!others)
		printf(" (loopback only)");
	putchar('\n');
}

static void show_capabilities(void)
{
	unsigned long long set;
	size_t column = 0;
	char value[64];
	int count = 0;

	if (!status_value("CapEff", value, sizeof(value)))
		return;
	set = strtoull(value, NULL, 16);
	label("capabilities");
	for (size_t i = 0; i < CAPABILITIES; i++) {
		size_t length = strlen(capability_names[i]);

		if (!(set >> i & 1))
			continue;
		if (column && LABEL_WIDTH + column + length > TEXT_WIDTH) {
			printf("\n  %-*s", LABEL_WIDTH, "");
			column = 0;
		}
		printf("%s%s", column ? " " : "", capability_names[i]);
		column += length + 1;
		count++;
	}
	if (!count)
		printf("none");
	putchar('\n');
}

static void show_restrictions(void)
{
	static const char *const modes[] = { "off", "strict", "filter on" };
	char value[64];

	if (status_value("Seccomp", value, sizeof(value)) && value[0] >= '0' && value[0] <= '2')
		line("seccomp", "%s", modes[value[0] - '0']);
	line("no_new_privs", "%s", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? "on" : "off");
}

int main(void)
{
	puts("Hello! You are looking at a container from the inside.\n");
	show_process();
	show_user();
	show_host();
	show_root();
	show_network();
	show_capabilities();
	show_restrictions();
	puts("\nOutside it is an ordinary process of yours: no daemon, no root.\n"
	     "\nTry next:\n"
	     "  kelp run --rm -it docker.io/library/alpine sh     a shell in another Linux\n"
	     "  kelp run -d --name web -p 8080:80 docker.io/library/nginx\n"
	     "  kelp ps -a      kelp logs web      kelp rm -f web\n"
	     "  kelp --help     every command, in a screenful");
	return fflush(stdout) ? 1 : 0;
}
