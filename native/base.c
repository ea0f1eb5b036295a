/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The base: the user, mount and further namespaces that all containers of a user share. Whoever lives in it
 * holds it; a directory of `PID-START` entries says who that may be, and a lock lets one process at a time look
 * for a base, make one, or enter itself there.
 */
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The order matters: the user namespace gives the right to enter the others. */
static const struct {
	uint64_t flag;
	const char *name;
} kinds[NAMESPACE_KINDS] = {
	{ CLONE_NEWUSER, "ns/user" }, { CLONE_NEWNET, "ns/net" },       { CLONE_NEWIPC, "ns/ipc" },
	{ CLONE_NEWUTS, "ns/uts" },   { CLONE_NEWCGROUP, "ns/cgroup" }, { 0x80, "ns/time" },
	{ CLONE_NEWPID, "ns/pid" },   { CLONE_NEWNS, "ns/mnt" },
};

/* Opens a path at a fixed descriptor. */
static int open_fixed(const char *path, int flags, int fixed)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	return fd_place(fd < 0 ? -errno : fd, fixed);
}

/* Opens the namespaces of a process at their fixed descriptors. The caller has a pidfd and compared start times. */
static int open_namespaces(pid_t pid, uint64_t wanted)
{
	for (int i = 0; i < NAMESPACE_KINDS; i++) {
		int fd, error;

		if (!(wanted & kinds[i].flag))
			continue;
		fd = proc_open(pid, kinds[i].name, O_RDONLY);
		error = fd_place(fd < 0 ? -errno : fd, FD_NAMESPACE + i);
		if (error != 0)
			return error;
	}
	return 0;
}

/*
 * Takes the base from a process. The pidfd outlives the opening: if the process was still the same one after
 * its namespaces were opened, they are its own.
 */
static int take_base(struct vm *vm, pid_t pid, uint64_t start, uint64_t wanted)
{
	int pidfd = process_open(pid, start);
	int error;

	if (pidfd < 0)
		return pidfd;
	error = open_namespaces(pid, wanted);
	/* It may have ended meanwhile, and its pid have become another's. */
	if (process_gone(pidfd))
		error = -ESRCH;
	close(pidfd);
	if (error == 0) {
		vm->base = BASE_JOINED;
		vm->namespaces = wanted;
	}
	return error;
}

/* `PID-START` in decimal, and nothing else. */
static bool parse_entry(const char *name, pid_t *pid, uint64_t *start)
{
	uint64_t number[2] = { 0, 0 };
	int part = 0;

	for (; *name != '\0'; name++) {
		if (*name == '-' && part == 0)
			part = 1;
		else if (*name >= '0' && *name <= '9')
			number[part] = number[part] * 10 + (uint64_t)(*name - '0');
		else
			return false;
	}
	*pid = (pid_t)number[0];
	*start = number[1];
	return part == 1 && number[0] > 0 && number[0] <= INT32_MAX;
}

/* Looks through the entries of a directory for a process whose base can be joined; drops entries of the dead. */
static void find_base(struct vm *vm, int dir, uint64_t wanted)
{
	struct listing listing = { .fd = dir };
	const char *name;
	int error;

	while ((name = listing_next(&listing, &error)) != NULL) {
		uint64_t start;
		pid_t pid;

		if (!parse_entry(name, &pid, &start))
			continue;
		error = take_base(vm, pid, start, wanted);
		if (error == 0)
			return;
		if (error == -ESRCH)
			unlinkat(dir, name, 0);
	}
}

/*
 * holder_open() - a pidfd of any process that an open directory of entries names and that lives, or -ESRCH
 * Drops entries of the dead.
 */
int holder_open(int dir)
{
	struct listing listing = { .fd = dir };
	const char *name;
	int error;

	if (lseek(dir, 0, SEEK_SET) < 0)
		return -errno;
	while ((name = listing_next(&listing, &error)) != NULL) {
		uint64_t start;
		pid_t pid;
		int fd;

		if (!parse_entry(name, &pid, &start))
			continue;
		fd = process_open(pid, start);
		if (fd >= 0)
			return fd;
		if (fd == -ESRCH)
			unlinkat(dir, name, 0);
	}
	return -ESRCH;
}

/*
 * op_join_base() - find the base, or decide that a new one is to be made
 * Runs in: launch. The lock stays held, by this process and the monitor forked from it, until
 * op_register_holder(): so of many first starts one makes the base and the others find it. With @net the base includes
 * the shared network; its holders are fewer, since a process is in one network namespace only. @own_net: instead, a
 * network namespace for this container alone.
 */
int op_join_base(struct vm *vm, const union args *args)
{
	const struct args_join_base *a = &args->join_base;
	int error;

	error = open_fixed(a->lock.data, O_RDWR | O_CREAT | O_NOFOLLOW, FD_LOCK);
	if (error == 0)
		error = open_fixed(a->live.data, O_RDONLY | O_DIRECTORY, FD_LIVE);
	if (a->own_net != 0)
		vm->net = NET_OWN;
	if (error == 0 && a->net.size > 0) {
		vm->net = NET_NEW;
		error = open_fixed(a->net.data, O_RDONLY | O_DIRECTORY, FD_NET_LIVE);
	}
	if (error != 0)
		return error;
	while (flock(FD_LOCK, LOCK_EX) < 0)
		if (errno != EINTR)
			return -errno;
	vm->base_index = vm->cursor.index - 1;
	if (vm->net == NET_NEW)
		find_base(vm, FD_NET_LIVE, a->namespaces | CLONE_NEWNET);
	if (vm->base == BASE_JOINED)
		vm->net = NET_JOINED;
	else
		find_base(vm, FD_LIVE, a->namespaces);
	if (vm->base != BASE_JOINED) {
		vm->base = BASE_NEW;
		vm->namespaces = a->namespaces;
	}
	return 0;
}

/* op_join_holder() - the base is that of a certain process, or the plan fails. Runs in: launch */
int op_join_holder(struct vm *vm, const union args *args)
{
	const struct args_join_holder *a = &args->join_holder;

	vm->base_index = vm->cursor.index - 1;
	return take_base(vm, (pid_t)a->pid, a->start, a->namespaces);
}

/* base_join() - enter the namespaces that take_base() opened, but the shared network; 0 or -errno */
int base_join(const struct vm *vm)
{
	for (int i = 0; i < NAMESPACE_KINDS; i++) {
		if (!(vm->namespaces & kinds[i].flag) || (vm->net != NET_NONE && kinds[i].flag == CLONE_NEWNET))
			continue;
		if (setns(FD_NAMESPACE + i, (int)kinds[i].flag) < 0)
			return -errno;
		close(FD_NAMESPACE + i);
	}
	return 0;
}

/* base_enter_net() - enter the shared network, or make it or one of our own; 0 or -errno. Nothing in here leads back to the host's. */
int base_enter_net(const struct vm *vm)
{
	int error = 0;

	if (vm->net != NET_JOINED)
		return unshare(CLONE_NEWNET) < 0 ? -errno : 0;
	for (int i = 0; i < NAMESPACE_KINDS; i++)
		if (kinds[i].flag == CLONE_NEWNET) {
			error = setns(FD_NAMESPACE + i, CLONE_NEWNET) < 0 ? -errno : 0;
			close(FD_NAMESPACE + i);
		}
	return error;
}

/*
 * base_become_root() - uid 0 and gid 0 of the base; @hide: with no reading or tracing by others
 * The groups stay: they cannot be shed under a map of one uid, and the container's own are set by `credentials`.
 * The process of `enter` does not hide: it may register as a holder without having executed itself again.
 */
int base_become_root(bool hide)
{
	if (syscall(SYS_setresgid, 0, 0, 0) < 0 || syscall(SYS_setresuid, 0, 0, 0) < 0)
		return -errno;
	if (hide && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

static void entry_name(struct line *l, char *name, uint32_t size, pid_t pid, uint64_t start)
{
	line_init(l, name, size);
	line_number(l, (uint64_t)pid);
	line_text(l, "-");
	line_number(l, start);
}

static int make_entry(int dir, const char *name)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/*
 * op_register_holder() - let others find the base through this process, and let them look
 * Runs in: monitor, after op_reexec_read_only(): before it the process is not dumpable on behalf of the host's
 * user namespace, and nobody but the host's root could open its namespaces.
 */
int op_register_holder(struct vm *vm, const union args *args)
{
	char name[48];
	struct line l;
	int error;

	(void)args;
	if (vm->again)
		return 0;
	entry_name(&l, name, sizeof(name), getpid(), process_start(0));
	error = make_entry(FD_LIVE, name);
	if (error == 0 && (vm->net == NET_NEW || vm->net == NET_JOINED))
		error = make_entry(FD_NET_LIVE, name);
	if (error != 0)
		return error;
	if (flock(FD_LOCK, LOCK_UN) < 0)
		return -errno;
	close(FD_LOCK);
	return 0;
}

/* base_unregister() - take back what op_register_holder() of that process made; harmless if it did not */
void base_unregister(pid_t pid, uint64_t start)
{
	char name[48];
	struct line l;

	entry_name(&l, name, sizeof(name), pid, start);
	unlinkat(FD_LIVE, name, 0);
	unlinkat(FD_NET_LIVE, name, 0); /* EBADF where there is none */
}

/*
 * op_id_map() - write one of the id maps of the new base
 * Runs in: map, by the launcher, which owns the new user namespace.
 */
int op_id_map(struct vm *vm, const union args *args)
{
	static const char *const names[] = { "uid_map", "gid_map", "setgroups" };
	const struct args_id_map *a = &args->id_map;
	int fd, error;

	if (a->kind >= sizeof(names) / sizeof(names[0]))
		return -EINVAL;
	fd = proc_open(vm->subject, names[a->kind], O_WRONLY);
	if (fd < 0)
		return -errno;
	error = write_all(fd, a->text.data, a->text.size);
	close(fd);
	return error;
}
