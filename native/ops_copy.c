/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying a directory of an image into a mount that is about to cover it. Its content is anybody's: no name is resolved
 * but in an open directory, and no link is followed.
 */
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 64, PIECE = 1 << 20 };

static int copy_directory(int from, int to, int depth);

static int copy_bytes(int from, int to)
{
	ssize_t n;

	while ((n = sendfile(to, from, NULL, PIECE)) > 0)
		;
	return n < 0 ? -errno : 0;
}

static int copy_file(int from, int to, const char *name)
{
	int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int out, error;

	if (in < 0)
		return -errno;
	out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	error = out < 0 ? -errno : copy_bytes(in, out);
	close(in);
	close_fd(&out);
	return error;
}

static int copy_link(int from, int to, const char *name)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	return symlinkat(target, to, name) < 0 ? -errno : 0;
}

static int copy_inner(int from, int to, const char *name, int depth)
{
	int in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int out = -1, error = in < 0 ? -errno : 0;

	if (error == 0 && mkdirat(to, name, 0700) < 0)
		error = -errno;
	if (error == 0 && (out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0)
		error = -errno;
	if (error == 0)
		error = copy_directory(in, out, depth - 1);
	close_fd(&in);
	close_fd(&out);
	return error;
}

/* One name, with its owner and mode. Sockets and devices are left out: nobody listens there, and a user can make none. */
static int copy_entry(int from, int to, const char *name, int depth)
{
	struct stat st;
	int error;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		error = copy_inner(from, to, name, depth);
	else if (S_ISREG(st.st_mode))
		error = copy_file(from, to, name);
	else if (S_ISLNK(st.st_mode))
		error = copy_link(from, to, name);
	else if (S_ISFIFO(st.st_mode))
		error = mkfifoat(to, name, 0600) < 0 ? -errno : 0;
	else
		return 0;
	if (error == 0 && fchownat(to, name, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		error = -errno;
	/* The name is ours: nobody else has seen this mount yet. */
	if (error == 0 && !S_ISLNK(st.st_mode) && fchmodat(to, name, st.st_mode & 07777, 0) < 0)
		error = -errno;
	return error;
}

static int copy_directory(int from, int to, int depth)
{
	struct listing listing = { .fd = from };
	const char *name;
	int error = 0;

	if (depth == 0)
		return -ELOOP;
	while (error == 0 && (name = listing_next(&listing, &error)) != NULL)
		error = copy_entry(from, to, name, depth);
	return error;
}

/* op_copy_tree() - the content of a directory into another; with @looks the directory's owner and mode too */
int op_copy_tree(struct vm *vm, const union args *args)
{
	const struct args_copy_tree *a = &args->copy_tree;
	int to = openat(slot_fd(vm, a->to), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	int error;

	if (to < 0)
		return -errno;
	error = copy_directory(slot_fd(vm, a->from), to, DEPTH_MAX);
	if (error == 0 && a->looks != 0 &&
	    (fstat(slot_fd(vm, a->from), &st) < 0 || fchown(to, st.st_uid, st.st_gid) < 0 || fchmod(to, st.st_mode & 07777) < 0))
		error = -errno;
	close(to);
	return error;
}

static int own_directory(int dir, uint32_t uid, uint32_t gid, int depth);

static int own_entry(int dir, const char *name, uint32_t uid, uint32_t gid, int depth)
{
	int inner, error = 0;

	if (fchownat(dir, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	inner = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (inner >= 0)
		error = own_directory(inner, uid, gid, depth - 1);
	close_fd(&inner);
	return error;
}

static int own_directory(int dir, uint32_t uid, uint32_t gid, int depth)
{
	struct listing listing = { .fd = dir };
	const char *name;
	int error = 0;

	if (depth == 0)
		return -ELOOP;
	while (error == 0 && (name = listing_next(&listing, &error)) != NULL)
		error = own_entry(dir, name, uid, gid, depth);
	return error;
}

/*
 * op_own_tree() - give a directory or file and everything in it to somebody, unless it is theirs already
 * Other containers may be changing it meanwhile.
 */
int op_own_tree(struct vm *vm, const union args *args)
{
	const struct args_own_tree *a = &args->own_tree;
	struct stat st;
	int dir, error = 0;

	(void)vm;
	if (lstat(a->path.data, &st) == 0 && st.st_uid == a->uid && st.st_gid == a->gid)
		return 0;
	if (lchown(a->path.data, a->uid, a->gid) < 0)
		return -errno;
	dir = open(a->path.data, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir >= 0)
		error = own_directory(dir, a->uid, a->gid, DEPTH_MAX);
	close_fd(&dir);
	return error;
}
