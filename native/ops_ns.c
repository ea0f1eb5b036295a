/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations on descriptors of the host and on namespaces.
 */
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* op_open_path() - open a path of this process's own root: kelp's or the user's, never one of a container */
int op_open_path(struct vm *vm, const union args *args)
{
	const struct args_open_path *a = &args->open_path;
	int fd = open(a->path.data, (int)a->flags | O_CLOEXEC, 0600);

	return slot_put(vm, a->into, fd < 0 ? -errno : fd);
}

/* op_open_at() - open beneath a root, however the path's links point */
int op_open_at(struct vm *vm, const union args *args)
{
	const struct args_open_at *a = &args->open_at;
	uint64_t mode = a->flags & (O_CREAT | __O_TMPFILE) ? a->mode : 0;

	return slot_put(vm, a->into, sys_openat2(slot_fd(vm, a->root), a->path.data, a->flags, mode, a->resolve));
}

/* op_open_pid() - a pidfd of exactly that process */
int op_open_pid(struct vm *vm, const union args *args)
{
	const struct args_open_pid *a = &args->open_pid;

	return slot_put(vm, a->into, process_open((pid_t)a->pid, a->start));
}

/* op_close_slot() - close a slot's descriptor; later operations on it do nothing */
int op_close_slot(struct vm *vm, const union args *args)
{
	close(slot_fd(vm, args->close_slot.slot));
	vm->filled &= ~(UINT64_C(1) << args->close_slot.slot);
	return 0;
}

/* op_hold() - the monitor keeps what is in the slot until it ends; for a further first process it has it already */
int op_hold(struct vm *vm, const union args *args)
{
	if (vm->again)
		return 0;
	return fcntl(slot_fd(vm, args->hold.slot), F_DUPFD_CLOEXEC, 3 + (int)vm->keep_fds) < 0 ? -errno : 0;
}

/*
 * op_expect_device() - is this really that device, directory or file?
 * Whatever stands at a path of an image is the image's choice; before it is mounted over or written to as
 * /dev/null or the like, it is compared.
 */
int op_expect_device(struct vm *vm, const union args *args)
{
	static const mode_t types[] = { S_IFCHR, S_IFBLK, S_IFDIR, S_IFREG };
	const struct args_expect_device *a = &args->expect_device;
	struct stat st;

	if (a->kind >= sizeof(types) / sizeof(types[0]))
		return -EINVAL;
	if (fstat(slot_fd(vm, a->slot), &st) < 0)
		return -errno;
	if ((st.st_mode & S_IFMT) != types[a->kind])
		return -EBADF;
	if (a->kind <= 1 && (major(st.st_rdev) != a->major || minor(st.st_rdev) != a->minor))
		return -EBADF;
	return 0;
}

/* op_join_ns() - enter one namespace given by path; kind 0 takes whatever it is */
int op_join_ns(struct vm *vm, const union args *args)
{
	int fd = open(args->join_ns.path.data, O_RDONLY | O_CLOEXEC);
	int error = 0;

	(void)vm;
	if (fd < 0)
		return -errno;
	if (setns(fd, (int)args->join_ns.kind) < 0)
		error = -errno;
	close(fd);
	return error;
}

/* op_join_pid() - enter namespaces of a process, all at once */
int op_join_pid(struct vm *vm, const union args *args)
{
	return setns(slot_fd(vm, args->join_pid.slot), (int)args->join_pid.namespaces) < 0 ? -errno : 0;
}

/* op_unshare() - new namespaces for this process */
int op_unshare(struct vm *vm, const union args *args)
{
	(void)vm;
	return unshare((int)args->unshare.flags) < 0 ? -errno : 0;
}

/* op_hostname() */
int op_hostname(struct vm *vm, const union args *args)
{
	(void)vm;
	return sethostname(args->hostname.name.data, args->hostname.name.size) < 0 ? -errno : 0;
}

/* op_domainname() */
int op_domainname(struct vm *vm, const union args *args)
{
	(void)vm;
	return setdomainname(args->domainname.name.data, args->domainname.name.size) < 0 ? -errno : 0;
}

/* Writes one map of a process, as root of the namespace that it was in before. */
static int write_map(int proc, pid_t pid, const char *name, const struct text *map)
{
	char path[48];
	struct line l;
	int fd, error;

	line_init(&l, path, sizeof(path));
	line_number(&l, (uint64_t)pid);
	line_text(&l, name);
	fd = sys_openat2(proc, path, O_WRONLY | O_NOFOLLOW, 0, RESOLVE_BENEATH | RESOLVE_NO_XDEV);
	if (fd < 0)
		return fd;
	error = write_all(fd, map->data, map->size);
	close(fd);
	return error;
}

/* The child that stays behind: waits for the word that its parent has gone ahead. Exits with an errno. */
static _Noreturn void write_maps(const struct args_own_users *a, int proc, const int pipe[2])
{
	pid_t parent = getppid();
	char word;
	int error;

	close(pipe[1]);
	if (read_some(pipe[0], &word, 1) != 1)
		_exit(0);
	error = write_map(proc, parent, "/uid_map", &a->uid);
	if (error == 0)
		error = write_map(proc, parent, "/gid_map", &a->gid);
	_exit(-error);
}

/* op_own_users() - a user namespace of the container's own, in which it has other ids than in the base */
int op_own_users(struct vm *vm, const union args *args)
{
	const struct args_own_users *a = &args->own_users;
	int ends[2], error = 0, status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	pid = sys_clone(0, NULL, -1);
	if (pid == 0)
		write_maps(a, slot_fd(vm, a->proc), ends);
	close(ends[0]);
	if (pid < 0)
		error = pid;
	else if (unshare(CLONE_NEWUSER) < 0)
		error = -errno;
	else
		error = write_all(ends[1], "", 1);
	close(ends[1]);
	status = pid < 0 ? 0 : process_wait(pid);
	return error != 0 ? error : -status;
}

/*
 * op_become_root() - uid and gid 0 of the container's own user namespace
 * Only so do files that are made in its mounts have an owner in there. It takes back the signal of the parent's death.
 */
int op_become_root(struct vm *vm, const union args *args)
{
	(void)args;
	if (syscall(SYS_setresgid, 0, 0, 0) < 0 || syscall(SYS_setresuid, 0, 0, 0) < 0)
		return -errno;
	if (vm->death_signal != 0 && prctl(PR_SET_PDEATHSIG, vm->death_signal, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

/* op_link_up() - switch a network interface on */
int op_link_up(struct vm *vm, const union args *args)
{
	const struct text *name = &args->link_up.name;
	struct ifreq request = { .ifr_flags = 0 };
	int fd, error = 0;

	(void)vm;
	if (name->size >= sizeof(request.ifr_name))
		return -EINVAL;
	memcpy(request.ifr_name, name->data, name->size);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (ioctl(fd, SIOCGIFFLAGS, &request) < 0) {
		error = -errno;
	} else {
		request.ifr_flags |= IFF_UP;
		if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
			error = -errno;
	}
	close(fd);
	return error;
}
