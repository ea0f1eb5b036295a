/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last steps before somebody else's program runs: terminal, limits, credentials, filter, execve.
 */
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Readies the other side of a terminal and makes it this process's 0, 1 and 2. Return: its descriptor or -errno */
static int open_slave(int master, const struct args_open_pty *a)
{
	struct winsize size = { .ws_row = (unsigned short)a->rows, .ws_col = (unsigned short)a->columns };
	int unlocked = 0, slave;

	if (ioctl(master, TIOCSPTLCK, &unlocked) < 0)
		return -errno;
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return -errno;
	if (((size.ws_row | size.ws_col) != 0 && ioctl(slave, TIOCSWINSZ, &size) < 0) ||
	    fchown(slave, a->uid, (gid_t)-1) < 0 || dup2(slave, 0) < 0 || dup2(slave, 1) < 0 || dup2(slave, 2) < 0) {
		int error = -errno;

		close(slave);
		return error;
	}
	return slave;
}

/*
 * op_open_pty() - a terminal of the container's own devpts
 * TIOCGPTPEER and not a path: the name under /dev/pts is the container's to fake. The master goes to the monitor.
 */
int op_open_pty(struct vm *vm, const union args *args)
{
	const struct args_open_pty *a = &args->open_pty;
	int master = sys_openat2(slot_fd(vm, a->root), a->path.data, O_RDWR | O_NOCTTY, 0,
				 RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	int slave, error;

	if (master < 0)
		return master;
	slave = open_slave(master, a);
	error = slave < 0 ? slave : fd_send(vm->pty, master, "", 1);
	close(master);
	if (error == 0)
		error = slot_put(vm, a->into, slave);
	return error;
}

/* op_session() - a session of its own, and its terminal if there is one */
int op_session(struct vm *vm, const union args *args)
{
	(void)args;
	if (setsid() < 0)
		return -errno;
	return vm->tty && ioctl(0, TIOCSCTTY, 0) < 0 ? -errno : 0;
}

/* op_rlimit() */
int op_rlimit(struct vm *vm, const union args *args)
{
	const struct args_rlimit *a = &args->rlimit;
	const uint64_t limit[2] = { a->soft, a->hard };

	(void)vm;
	return syscall(SYS_prlimit64, 0, a->resource, limit, NULL) < 0 ? -errno : 0;
}

/* op_umask() */
int op_umask(struct vm *vm, const union args *args)
{
	(void)vm;
	umask(args->umask.mask);
	return 0;
}

/*
 * op_chdir() - the working directory, which must lie inside the root
 * A directory reached through a leaked descriptor of the host (/proc/self/fd/N) has no path here: getcwd then says
 * "(unreachable)/…", and the plan fails.
 */
int op_chdir(struct vm *vm, const union args *args)
{
	char path[PATH_MAX];

	(void)vm;
	if (chdir(args->chdir.path.data) < 0)
		return -errno;
	if (syscall(SYS_getcwd, path, sizeof(path)) < 0)
		return -errno;
	return path[0] == '/' ? 0 : -ENOENT;
}

/* op_keyring() - a session keyring of its own */
int op_keyring(struct vm *vm, const union args *args)
{
	(void)vm;
	return syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, args->keyring.name.data) < 0 ? -errno : 0;
}

/* bounding_drop() - take everything but @keep out of the bounding set */
int bounding_drop(uint64_t keep)
{
	for (unsigned long number = 0; number < 64; number++) {
		int set = prctl(PR_CAPBSET_READ, number, 0, 0, 0);

		if (set < 0)
			break;
		if (set == 1 && !(keep & UINT64_C(1) << number) && prctl(PR_CAPBSET_DROP, number, 0, 0, 0) < 0)
			return -errno;
	}
	return 0;
}

static int set_ambient(uint64_t wanted)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	for (unsigned long number = 0; number < 64; number++)
		if (wanted & UINT64_C(1) << number &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) < 0)
			return -errno;
	return 0;
}

/*
 * op_credentials() - user, groups and capabilities, in the one order in which each step still has the right to act
 * Groups are u32 each; the single value 0xffffffff leaves them alone, because a namespace with a map of one uid
 * does not let anybody change them.
 */
int op_credentials(struct vm *vm, const union args *args)
{
	const struct args_credentials *a = &args->credentials;
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2];
	uint32_t first = 0;
	int error = bounding_drop(a->bounding);

	(void)vm;
	if (error != 0)
		return error;
	if (a->groups.size % sizeof(gid_t) != 0)
		return -EINVAL;
	if (a->groups.size == sizeof(first))
		memcpy(&first, a->groups.data, sizeof(first));
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return -errno;
	if (first != NO_SLOT && syscall(SYS_setgroups, a->groups.size / sizeof(gid_t), a->groups.data) < 0)
		return -errno;
	if (syscall(SYS_setresgid, a->gid, a->gid, a->gid) < 0 || syscall(SYS_setresuid, a->uid, a->uid, a->uid) < 0)
		return -errno;
	for (int i = 0; i < 2; i++)
		caps[i] = (struct __user_cap_data_struct){ .effective = (uint32_t)(a->effective >> 32 * i),
							   .permitted = (uint32_t)(a->permitted >> 32 * i),
							   .inheritable = (uint32_t)(a->inheritable >> 32 * i) };
	if (syscall(SYS_capset, &head, caps) < 0)
		return -errno;
	return set_ambient(a->ambient);
}

/* op_no_new_privileges() */
int op_no_new_privileges(struct vm *vm, const union args *args)
{
	(void)vm;
	(void)args;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

/* op_seccomp() - install a filter that kelp compiled */
int op_seccomp(struct vm *vm, const union args *args)
{
	const struct text *filter = &args->seccomp.filter;
	struct sock_fprog program = { .len = (unsigned short)(filter->size / sizeof(struct sock_filter)),
				      .filter = (struct sock_filter *)(uintptr_t)filter->data };

	(void)vm;
	if (filter->size % sizeof(struct sock_filter) != 0 || filter->size / sizeof(struct sock_filter) > BPF_MAXINSNS)
		return -EINVAL;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, args->seccomp.flags, &program) < 0 ? -errno : 0;
}

/* op_keep_fds() - how many descriptors after 2 the program gets; launch.c read it before anything was opened */
int op_keep_fds(struct vm *vm, const union args *args)
{
	vm->keep_fds = args->keep_fds.count;
	return 0;
}

/* op_pid_variable() - tell the program its own pid in the environment; only a first process has what that is said about */
int op_pid_variable(struct vm *vm, const union args *args)
{
	vm->pid_variable = vm->again ? (struct text){ 0 } : args->pid_variable.name;
	return 0;
}

/* The environment, with NAME=PID at its end if the plan wants that. NULL: no memory. */
static char **environment(const struct vm *vm, struct texts list)
{
	static char variable[PIPE_BUF];
	char **env = argv_make(list, 1);
	struct line l;

	if (env == NULL || vm->pid_variable.size == 0)
		return env;
	line_init(&l, variable, sizeof(variable));
	line_bytes(&l, vm->pid_variable.data, vm->pid_variable.size);
	line_text(&l, "=");
	line_number(&l, (uint64_t)getpid());
	env[list.count] = variable;
	return env;
}

/* Tries one directory of the search; only a program that is not there lets the search go on. */
static int try_directory(const struct text *dir, const struct text *name, char **argv, char **env)
{
	char path[PATH_MAX];
	struct line l;

	line_init(&l, path, sizeof(path));
	line_bytes(&l, dir->data, dir->size);
	line_text(&l, "/");
	line_bytes(&l, name->data, name->size);
	if (l.full)
		return -ENAMETOOLONG;
	execve(path, argv, env);
	return -errno;
}

/*
 * op_execve() - become the program
 * The signal of the parent's death is set again, since a change of user took it back; descriptors above those to
 * keep close here, and the process is dumpable again only as the new program.
 */
int op_execve(struct vm *vm, const union args *args)
{
	const struct args_execve *a = &args->execve;
	struct texts argv_list = a->argv, search = a->search;
	char **argv = argv_make(a->argv, 0), **env = environment(vm, a->env);
	struct text name, dir;
	int denied = 0;

	if (argv == NULL || env == NULL)
		return -ENOMEM;
	if (!texts_next(&argv_list, &name))
		return -EINVAL;
	if (vm->death_signal != 0 && prctl(PR_SET_PDEATHSIG, vm->death_signal, 0, 0, 0) < 0)
		return -errno;
	if (syscall(SYS_close_range, 3 + vm->keep_fds, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return -errno;
	if (memchr(name.data, '/', name.size) != NULL || search.count == 0) {
		execve(argv[0], argv, env);
		return -errno;
	}
	while (texts_next(&search, &dir)) {
		int error = try_directory(&dir, &name, argv, env);

		if (error == -EACCES)
			denied = error;
		else if (error != -ENOENT && error != -ENOTDIR)
			return error;
	}
	return denied != 0 ? denied : -ENOENT;
}
