/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files. What lies inside a container is reached beneath its root only: an image may hold any link it likes.
 */
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { WITHIN = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS, LINKS_MAX = 8 };

/* Makes one name in a directory, with exactly that mode; S_IFMT of @mode says what. */
static int make_one(int dir, const char *name, mode_t mode)
{
	mode_t mask = umask(0);
	int fd, error = 0;

	if (S_ISDIR(mode)) {
		if (mkdirat(dir, name, mode & 07777) < 0)
			error = -errno;
	} else {
		fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode & 07777);
		error = fd < 0 ? -errno : fd;
	}
	umask(mask);
	return error;
}

static int make_beneath(int root, const char *path, mode_t mode, int links);

/*
 * An honest image has links to what only a running system has (/etc/resolv.conf, /var/run): makes what such a
 * link points to, seen from the root. @path ends with the link's @name, which is in @dir.
 */
static int make_pointed(int root, int dir, const char *path, const char *name, mode_t mode, int links)
{
	char target[PATH_MAX];
	size_t before = strlen(path);
	ssize_t length;

	while (before > 0 && path[before - 1] == '/')
		before--;
	while (before > 0 && path[before - 1] != '/')
		before--;
	if (links == 0)
		return -ELOOP;
	memcpy(target, path, before);
	length = readlinkat(dir, name, target + before, sizeof(target) - before - 1);
	if (length < 0)
		return errno == EINVAL ? 0 : -errno;
	target[before + (size_t)length] = '\0';
	return make_beneath(root, target[before] == '/' ? target + before : target, mode, links - 1);
}

/*
 * Opens the directory that a path's last name is in, making what is missing (0755). Every step is resolved from the
 * root again, so a link on the way counts as inside the container would see it; names are made in an open directory.
 * @name: gets the last name. Return: the directory's descriptor or -errno.
 */
static int open_parent(int root, const char *path, char *name, int links)
{
	size_t length = strlen(path);
	char prefix[PATH_MAX];
	int dir;

	while (length > 0 && path[length - 1] == '/')
		length--;
	if (length == 0 || length >= sizeof(prefix))
		return length == 0 ? -EEXIST : -ENAMETOOLONG;
	memcpy(prefix, path, length);
	prefix[length] = '\0';
	dir = sys_openat2(root, ".", O_PATH | O_DIRECTORY, 0, WITHIN);
	for (char *at = prefix, *end; dir >= 0; at = end) {
		int next;

		at += strspn(at, "/");
		end = at + strcspn(at, "/");
		if (*end == '\0') {
			if (end - at > NAME_MAX)
				break;
			strcpy(name, at);
			return dir;
		}
		*end = '\0';
		next = sys_openat2(root, prefix, O_PATH | O_DIRECTORY, 0, WITHIN);
		if (next == -ENOENT) {
			int error = make_one(dir, at, S_IFDIR | 0755);

			if (error == -EEXIST)
				error = make_pointed(root, dir, prefix, at, S_IFDIR | 0755, links);
			next = error < 0 ? error : sys_openat2(root, prefix, O_PATH | O_DIRECTORY, 0, WITHIN);
		}
		close(dir);
		dir = next;
		*end = '/';
	}
	if (dir < 0)
		return dir;
	close(dir);
	return -ENAMETOOLONG;
}

static int make_beneath(int root, const char *path, mode_t mode, int links)
{
	char name[NAME_MAX + 1];
	int dir = open_parent(root, path, name, links);
	int made;

	if (dir < 0)
		return dir;
	made = make_one(dir, name, mode);
	if (made == -EEXIST)
		made = make_pointed(root, dir, path, name, mode, links);
	else if (made > 0)
		close(made);
	close(dir);
	return made < 0 ? made : 0;
}

/* beneath_make() - make a directory or an empty file beneath a root, with its parents; 0 if it is there, or -errno */
int beneath_make(int root, const char *path, mode_t mode)
{
	return make_beneath(root, path, mode, LINKS_MAX);
}

/* op_make_dir() - a directory beneath a root; one that is there already is left as it is */
int op_make_dir(struct vm *vm, const union args *args)
{
	const struct args_make_dir *a = &args->make_dir;
	char name[NAME_MAX + 1];
	int dir = open_parent(slot_fd(vm, a->root), a->path.data, name, LINKS_MAX);
	int error;

	if (dir < 0)
		return dir == -EEXIST ? 0 : dir;
	error = make_one(dir, name, S_IFDIR | (a->mode & 07777));
	if (error == 0 && fchownat(dir, name, a->uid, a->gid, AT_SYMLINK_NOFOLLOW) < 0)
		error = -errno;
	close(dir);
	return error == -EEXIST ? 0 : error;
}

/* op_make_link() - a symbolic link beneath a root; whatever is there already is left as it is */
int op_make_link(struct vm *vm, const union args *args)
{
	const struct args_make_link *a = &args->make_link;
	char name[NAME_MAX + 1];
	int dir = open_parent(slot_fd(vm, a->root), a->path.data, name, LINKS_MAX);
	int error = 0;

	if (dir < 0)
		return dir == -EEXIST ? 0 : dir;
	if (symlinkat(a->target.data, dir, name) < 0 && errno != EEXIST)
		error = -errno;
	close(dir);
	return error;
}

/* op_remove_at() - take a file or link beneath a root away; a directory is EISDIR, a missing one no failure */
int op_remove_at(struct vm *vm, const union args *args)
{
	const struct args_remove_at *a = &args->remove_at;
	char name[NAME_MAX + 1];
	int dir = open_parent(slot_fd(vm, a->root), a->path.data, name, LINKS_MAX);
	int error = 0;

	if (dir < 0)
		return dir;
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		error = -errno;
	close(dir);
	return error;
}

/* op_write_at() - one write to an existing file beneath a root: a control file, never through a link at its end */
int op_write_at(struct vm *vm, const union args *args)
{
	const struct args_write_at *a = &args->write_at;
	int fd = sys_openat2(slot_fd(vm, a->root), a->path.data, O_WRONLY | O_NOFOLLOW, 0, a->resolve);
	ssize_t n;
	int error = 0;

	if (fd < 0)
		return fd;
	do
		n = write(fd, a->data.data, a->data.size);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)a->data.size)
		error = n < 0 ? -errno : -EIO;
	close(fd);
	return error;
}

/* op_cgroup_make() - a cgroup (an existing one is used), and a descriptor to be born in it or to write to its files */
int op_cgroup_make(struct vm *vm, const union args *args)
{
	const struct args_cgroup_make *a = &args->cgroup_make;
	int fd;

	if (mkdir(a->path.data, 0755) < 0 && errno != EEXIST)
		return -errno;
	fd = open(a->path.data, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return slot_put(vm, a->into, fd < 0 ? -errno : fd);
}

/* op_set_owner() - of a directory or file of kelp's own, that a container's user namespace is to see as its */
int op_set_owner(struct vm *vm, const union args *args)
{
	const struct args_set_owner *a = &args->set_owner;

	(void)vm;
	return lchown(a->path.data, a->uid, a->gid) < 0 ? -errno : 0;
}

/*
 * op_claim() - lock a directory for as long as this process lives: nobody else carries out a plan that claims it.
 * Whoever had it may be about to end, and is given @wait_ms for that. Return: -EAGAIN if somebody still has it.
 */
int op_claim(struct vm *vm, const union args *args)
{
	const struct args_claim *a = &args->claim;
	uint64_t until = now_ms() + a->wait_ms;
	int fd, error;

	if (vm->again)
		return 0;
	fd = open(a->directory.data, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	error = fd_place(fd < 0 ? -errno : fd, FD_CLAIM);
	if (error != 0)
		return error;
	while (flock(FD_CLAIM, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (now_ms() >= until)
			return -EAGAIN;
		usleep(1000);
	}
	return 0;
}

/* op_make_marker() - an empty file of kelp's own */
int op_make_marker(struct vm *vm, const union args *args)
{
	int fd = open(args->make_marker.path.data, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	(void)vm;
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* op_remove_file() - of kelp's own */
int op_remove_file(struct vm *vm, const union args *args)
{
	(void)vm;
	return unlink(args->remove_file.path.data) < 0 ? -errno : 0;
}

/*
 * op_connect_datagram() - a socket that sends to an address, which is all of sun_path: an abstract one begins with a NUL
 * Runs in launch: an abstract address means something in the caller's network namespace only.
 */
int op_connect_datagram(struct vm *vm, const union args *args)
{
	const struct text *name = &args->connect_datagram.address;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (name->size > sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, name->data, name->size);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + name->size)) < 0) {
		int error = -errno;

		close(fd);
		return error;
	}
	return slot_put(vm, args->connect_datagram.into, fd);
}
