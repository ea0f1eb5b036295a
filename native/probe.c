/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this kernel lets this user do, found by doing it in namespaces that vanish with the process. kelp keeps the
 * answers and chooses the operations of its plans by them. One line each: a name and 0 (works) or the errno.
 */
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data);
int umount2(const char *target, int flags);
enum { RECURSIVE_PRIVATE = 1 << 14 | 1 << 18, NOT_OPEN = 1 << 20 };

static void say(const char *name, const char *text, uint64_t number)
{
	char buffer[256];
	struct line l;

	line_init(&l, buffer, sizeof(buffer));
	line_text(&l, name);
	line_text(&l, " ");
	if (text != NULL)
		line_text(&l, text);
	else
		line_number(&l, number);
	line_text(&l, "\n");
	write_all(1, buffer, l.used);
}

/* 0 or the errno of what was just called; a descriptor that it made is closed. */
static void say_result(const char *name, long result)
{
	int error = result < 0 ? errno : 0;

	if (result > 2)
		close((int)result);
	say(name, NULL, (uint64_t)error);
}

/* Calls that exist answer nonsense with another errno than ENOSYS. */
static void say_call(const char *name, long result)
{
	say(name, NULL, result < 0 && errno == ENOSYS ? ENOSYS : 0);
}

static void probe_calls(void)
{
	struct utsname name;
	uint32_t action = SECCOMP_RET_USER_NOTIF;

	uname(&name);
	say("kernel", name.release, 0);
	say_call("openat2", syscall(SYS_openat2, -1, NULL, NULL, 0));
	say_call("open_tree", syscall(SYS_open_tree, -1, NULL, ~0U));
	say_call("mount_setattr", syscall(SYS_mount_setattr, -1, NULL, ~0U, NULL, 0));
	say_call("close_range", syscall(SYS_close_range, 1, 0, 0));
	say_call("pidfd_open", syscall(SYS_pidfd_open, -1, 0));
	/* No such descriptor: a kernel that knows the flag says EBADF. */
	say("clone_into_cgroup", NULL, sys_clone(0, NULL, NOT_OPEN) == -EBADF ? 0 : EINVAL);
	say_result("seccomp_notify", syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
}

/* One number from a file of the kernel; no line where it cannot be read. */
static void probe_number(const char *name, const char *path)
{
	char text[32];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read_some(fd, text, sizeof(text) - 1);

	close_fd(&fd);
	if (n <= 0)
		return;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	say(name, text, 0);
}

/* Maps ourselves, and nobody else, to root of our new user namespace. */
static int map_self(uid_t uid, gid_t gid)
{
	static const char *const paths[] = { "/proc/self/setgroups", "/proc/self/uid_map", "/proc/self/gid_map" };
	const uint64_t ids[] = { 0, uid, gid };

	for (int i = 0; i < 3; i++) {
		char text[40];
		struct line l;
		int fd = open(paths[i], O_WRONLY | O_CLOEXEC);
		int error = 0;

		if (fd < 0)
			return -errno;
		line_init(&l, text, sizeof(text));
		line_text(&l, i == 0 ? "deny" : "0 ");
		if (i > 0) {
			line_number(&l, ids[i]);
			line_text(&l, " 1");
		}
		error = write_all(fd, text, l.used);
		close(fd);
		if (error != 0)
			return error;
	}
	return 0;
}

/* A mounted file system of a type, detached; -1 with errno. */
static int new_filesystem(const char *type)
{
	int fs = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
	int fd = -1, error;

	if (fs >= 0 && syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
	error = errno;
	close_fd(&fs);
	errno = error;
	return fd;
}

/* Overlay in the current directory, in which the directories are made and removed. */
static void probe_overlay(void)
{
	static const char *const dirs[] = { "lower", "data", "upper", "work", "merged" };
	static const char *const ways[][2] = {
		{ "overlay", "lowerdir=lower,upperdir=upper,workdir=work" },
		{ "overlay_userxattr", "lowerdir=lower,upperdir=upper,workdir=work,userxattr" },
		{ "overlay_data", "lowerdir=lower::data,upperdir=upper,workdir=work,userxattr" },
	};

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		mkdir(dirs[i], 0700);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		say_result(ways[i][0], mount("overlay", "merged", "overlay", 0, ways[i][1]));
		umount2("merged", 0);
	}
	rmdir("work/work");
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		rmdir(dirs[i]);
}

/* An id-mapped mount needs a user namespace other than the file system's: one below ours, of a process that waits. */
static void probe_idmap(void)
{
	static const char *const maps[] = { "uid_map", "gid_map" };
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };
	int tree = new_filesystem("tmpfs"), user;
	pid_t pid = sys_clone(CLONE_NEWUSER, NULL, -1);

	if (pid == 0) {
		pause();
		_exit(0);
	}
	for (int i = 0; i < 2; i++) {
		int fd = proc_open(pid, maps[i], O_WRONLY);

		write_all(fd, "0 0 1", 5);
		close_fd(&fd);
	}
	user = proc_open(pid, "ns/user", O_RDONLY);
	attr.userns_fd = (uint64_t)user;
	say_result("idmapped_tmpfs", syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)));
	close_fd(&user);
	close_fd(&tree);
	if (pid > 0) {
		kill(pid, SIGKILL);
		process_wait(pid);
	}
}

/* As root of new namespaces, PID 1 of one of them. */
static _Noreturn void probe_inside(const char *dir)
{
	static const char *const types[] = { "proc", "sysfs", "mqueue", "devpts", "cgroup2", "binfmt_misc" };
	int tmpfs;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		say_result(types[i], new_filesystem(types[i]));
	mount(NULL, "/", NULL, RECURSIVE_PRIVATE, NULL);
	tmpfs = new_filesystem("tmpfs");
	say("tmpfs", NULL, tmpfs < 0 ? (uint64_t)errno : 0);
	if (dir == NULL ? syscall(SYS_move_mount, tmpfs, "", AT_FDCWD, ".", MOVE_MOUNT_F_EMPTY_PATH) == 0 && fchdir(tmpfs) == 0
			: chdir(dir) == 0)
		probe_overlay();
	_exit(0);
}

static _Noreturn void probe_namespaces(const char *dir)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int result = unshare(CLONE_NEWUSER);
	pid_t pid;

	say("userns", NULL, result < 0 ? (uint64_t)errno : 0);
	if (result < 0)
		_exit(0);
	result = map_self(uid, gid);
	say("userns_map", NULL, (uint64_t)-result);
	result = unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP);
	if (result == 0) {
		probe_idmap();
		result = unshare(CLONE_NEWPID);
	}
	say("namespaces", NULL, result < 0 ? (uint64_t)errno : 0);
	pid = result < 0 ? -1 : sys_clone(0, NULL, -1);
	if (pid == 0)
		probe_inside(dir);
	if (pid > 0)
		process_wait(pid);
	_exit(0);
}

/*
 * probe() - print what works. @dir: a directory of the file system that the store is on, in which overlay is tried;
 * NULL: it is tried on a tmpfs. Return: the exit status
 */
int probe(const char *dir)
{
	pid_t pid;

	probe_calls();
	probe_number("max_user_namespaces", "/proc/sys/user/max_user_namespaces");
	probe_number("apparmor_restricts_userns", "/proc/sys/kernel/apparmor_restrict_unprivileged_userns");
	pid = sys_clone(0, NULL, -1);
	if (pid == 0)
		probe_namespaces(dir);
	return pid < 0 ? 125 : process_wait(pid);
}
