/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of holdfast by themselves, in TAP, under the sanitizers: what no container brings about when it is wanted.
 *
 *     test-parts DIRECTORY    an empty one, of a user without rights
 */
#include "../proto.h"
#include "../vm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int count, failures;

static void ok(bool passed, const char *name)
{
	printf("%sok %d - %s\n", passed ? "" : "not ", ++count, name);
	failures += !passed;
}

static int next_descriptor(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

/* ---- messages ---- */

static void test_descriptor_beside_nothing(void)
{
	int pair[2], before, got;
	char byte;

	socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair);
	before = next_descriptor();
	fd_send(pair[0], 1, "", 0);
	ok(fd_receive(pair[1], &byte, 1, 0, &got) == 0 && got >= 0, "a descriptor beside an empty datagram is told of");
	close_fd(&got);
	ok(next_descriptor() == before, "and none is left open that is not");
	close(pair[0]);
	close(pair[1]);
}

static int report_of(struct report said, size_t size)
{
	struct report report;
	int ends[2], error;

	if (pipe2(ends, O_CLOEXEC) < 0 || write_all(ends[1], &said, size) < 0)
		return 1;
	close(ends[1]);
	error = report_take(ends[0], &report);
	close(ends[0]);
	return error == 0 || report.error == (uint32_t)-error ? error : 1;
}

static void test_reports(void)
{
	const struct report plain = { REPORT_FAILED, STAGE_SETUP, 3, EACCES };

	ok(report_of(plain, 0) == 0, "no report: the process became its program");
	ok(report_of(plain, sizeof(plain) - 1) == 0, "half a report is none");
	ok(report_of(plain, sizeof(plain)) == -EACCES, "a report is its errno");
	ok(report_of((struct report){ .error = HELPER_ERRNO + 255 }, sizeof(plain)) == -(HELPER_ERRNO + 255),
	   "or the status of a program");
	ok(report_of((struct report){ .kind = REPORT_FAILED }, sizeof(plain)) == -EPROTO,
	   "a failure without an errno is not taken for success");
	ok(report_of((struct report){ .error = 0x80000000U }, sizeof(plain)) == -EPROTO, "nor one that no number can be");
}

/* ---- who holds the base ---- */

static pid_t holder;

int real_proc_open(pid_t pid, const char *name, int flags) __asm__("__real_proc_open");
int wrap_proc_open(pid_t pid, const char *name, int flags) __asm__("__wrap_proc_open");

/* Its namespaces are being opened: it ends, and its pid is another's by the time of the open. */
int wrap_proc_open(pid_t pid, const char *name, int flags)
{
	if (holder == 0 || pid != holder)
		return real_proc_open(pid, name, flags);
	kill(holder, SIGKILL);
	process_wait(holder);
	holder = 0;
	return real_proc_open(0, name, flags);
}

static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		pause();
		_exit(0);
	}
	return pid;
}

static void enter_holder(const char *live, pid_t pid)
{
	char path[4200];

	snprintf(path, sizeof(path), "%s/%d-%llu", live, pid, (unsigned long long)process_start(pid));
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int find(const char *lock, const char *live, struct vm *vm)
{
	union args args = { .join_base = { .lock = { lock, (uint32_t)strlen(lock) },
					   .live = { live, (uint32_t)strlen(live) },
					   .namespaces = 1ULL << 17 /* CLONE_NEWNS */ } };
	int error = op_join_base(vm, &args);

	close(FD_LOCK);
	close(FD_LIVE);
	return error;
}

static void test_holders(void)
{
	static const char *const odd[] = { "live/1-1", "live/nonsense", "live/-", "live/99999999999999999999-1", "live/0-0" };
	struct vm vm = { .base = BASE_NONE };
	pid_t pid = sleeper();

	mkdir("live", 0700);
	enter_holder("live", pid);
	ok(find("lock", "live", &vm) == 0 && vm.base == BASE_JOINED, "the base of a process that lives is joined");
	vm = (struct vm){ .base = BASE_NONE };
	holder = pid;
	ok(find("lock", "live", &vm) == 0 && vm.base == BASE_NEW && holder == 0,
	   "that of one which ends while its namespaces are opened is not: they may be anybody's");
	vm = (struct vm){ .base = BASE_NONE };
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		close(openat(AT_FDCWD, odd[i], O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	ok(find("lock", "live", &vm) == 0 && vm.base == BASE_NEW, "entries that are none are passed over");
	ok(access(odd[0], F_OK) < 0 && access(odd[1], F_OK) == 0, "those of the dead are removed, what is no entry is left");
}

/* ---- names an image chose ---- */

static bool is_directory(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void test_beneath(void)
{
	int root;

	mkdir("root", 0755);
	root = open("root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ok(beneath_make(root, "a/b//c/", S_IFDIR | 0755) == 0 && is_directory("root/a/b/c"), "missing parents are made");
	ok(symlink("/made/here", "root/absolute") == 0 && beneath_make(root, "absolute", S_IFDIR | 0755) == 0 &&
		   is_directory("root/made/here"),
	   "what an absolute link points to is made beneath the root");
	ok(symlink("../../../../up", "root/a/up") == 0 && beneath_make(root, "a/up", S_IFDIR | 0755) == 0 &&
		   is_directory("root/up") && access("up", F_OK) < 0,
	   "as is what one with many .. points to");
	ok(symlink("second/", "root/first") == 0 && symlink("third", "root/second") == 0 &&
		   beneath_make(root, "first", S_IFDIR | 0755) == 0 && is_directory("root/third") &&
		   access("root/third/third", F_OK) < 0,
	   "a link to a link with a slash at its end makes that directory and no other");
	ok(symlink("loop", "root/loop") == 0 && beneath_make(root, "loop/x", S_IFDIR | 0755) == -ELOOP, "a link to itself is an error");
	ok(symlink("/absent/file", "root/file") == 0 && beneath_make(root, "file", S_IFREG | 0644) == 0 &&
		   access("root/absent/file", F_OK) == 0,
	   "a file where a link's file is missing");
	close(root);
}

/* ---- trees of files and of processes ---- */

static mode_t mode_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 ? st.st_mode : 0;
}

/* As an operation finds its directories: in slots. */
static int copy(const char *from, const char *to)
{
	const union args args = { .copy_tree = { .from = 0, .to = 1, .looks = 1 } };
	struct vm vm = { .filled = 0 };
	int error = slot_put(&vm, 0, open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC));

	if (error == 0)
		error = slot_put(&vm, 1, open(to, O_PATH | O_DIRECTORY | O_CLOEXEC));
	if (error == 0)
		error = op_copy_tree(&vm, &args);
	close(SLOT_FIRST_FD);
	close(SLOT_FIRST_FD + 1);
	return error;
}

static void test_copy(void)
{
	char deep[400] = "deep";

	mkdir("from", 0755);
	mkdir("from/inner", 0755);
	close(open("from/inner/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0640));
	(void)!symlink("/etc/passwd", "from/link");
	mkfifo("from/fifo", 0600);
	mknod("from/socket", S_IFSOCK | 0600, 0);
	chmod("from/inner", 0750);
	chmod("from", 0711);
	mkdir("to", 0700);
	ok(copy("from", "to") == 0 && mode_of("to/inner/file") == (S_IFREG | 0640) && mode_of("to/fifo") == (S_IFIFO | 0600),
	   "files and FIFOs are copied, with their modes");
	ok(S_ISLNK(mode_of("to/link")), "a link stays one");
	ok(mode_of("to/socket") == 0, "a socket is left out");
	ok(mode_of("to") == (S_IFDIR | 0711) && mode_of("to/inner") == (S_IFDIR | 0750), "the directory itself looks the same");
	mkdir(deep, 0755);
	for (int i = 0; i < 70; i++)
		mkdir(strcat(deep, "/d"), 0755);
	mkdir("deep-copy", 0755);
	ok(copy("deep", "deep-copy") == -ELOOP, "an endless depth is an error");
}

static void test_tree_kill(void)
{
	int ends[2];
	char byte;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	pid = fork();
	if (pid == 0) {
		/* A child that leaves the session and has one itself; each holds the pipe open. */
		if (fork() == 0 && setsid() > 0 && fork() >= 0)
			write_all(ends[1], "", 1);
		for (;;)
			pause();
	}
	close(ends[1]);
	for (int i = 0; i < 2; i++)
		(void)read_some(ends[0], &byte, 1);
	tree_kill(pid);
	ok(process_wait(pid) == 128 + SIGKILL, "what was to be killed is");
	ok(read_some(ends[0], &byte, 1) == 0, "so is all that it has started, in whatever session");
	close(ends[0]);
}

/* ---- events ---- */

static void test_events(void)
{
	/* `O=`, what the check said, a newline; and once more as an entry of its own. In wire form. */
	static const uint8_t pieces[] = { 2, 0, 0, 0, 'O', '=', 0,   0,	  6,   0,   0,	 0,   'o', 'u', 't', 'p', 'u', 't', 0,	 0, 1, 0,
					  0, 0, '\n', 0, 0,   0,   4,   0,   0,	 0,   'n', 'e', 'x', 't', 0,   0,	0, 0, 2, 0,
					  0, 0, 'P', '=', 0,   0,   6,   0,   0,	 0,   'o', 'u', 't', 'p', 'u', 't', 0, 0 };
	const struct text path = { "journal", 7 };
	const struct event_place place = { .path = &path, .journal = true };
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "journal" };
	uint8_t output[1000];
	char got[4096];
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memset(output, 'x', sizeof(output));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return;
	event_append(&place, (struct texts){ pieces, 6 }, &(struct event_values){ .output = output, .output_size = sizeof(output) });
	ok(recv(fd, got, sizeof(got), 0) == 2 + (ssize_t)sizeof(output) + 1 && got[1002] == '\n', "an entry has all that a check said");
	ok(recv(fd, got, sizeof(got), 0) == 2 + (ssize_t)sizeof(output) && got[0] == 'P', "so has the next one");
	close(fd);
}

int main(int argc, char **argv)
{
	if (argc != 2 || chdir(argv[1]) < 0)
		return 64;
	alarm(60);
	test_descriptor_beside_nothing();
	test_reports();
	test_holders();
	test_beneath();
	test_copy();
	test_tree_kill();
	test_events();
	printf("1..%d\n", count);
	return failures != 0;
}
