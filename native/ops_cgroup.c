/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a container's cgroup.
 */
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

enum { DEPTH_MAX = 16, TRIES = 200 };

/* Removes the groups inside a group, deepest first; those that cannot go yet stay. Its files are no directories. */
static void remove_inner(int dir, int depth)
{
	struct listing listing = { .fd = dir };
	const char *name;
	int error;

	while (depth > 0 && (name = listing_next(&listing, &error)) != NULL) {
		int inner = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (inner < 0)
			continue;
		remove_inner(inner, depth - 1);
		close(inner);
		unlinkat(dir, name, AT_REMOVEDIR);
	}
}

/*
 * op_cgroup_remove() - kill whatever is left in a cgroup, remove it and the groups inside
 * The kernel lets a group go when its last process has been reaped, which it does in its own time: two seconds at most.
 */
int op_cgroup_remove(struct vm *vm, const union args *args)
{
	static const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
	const char *path = args->cgroup_remove.path.data;
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int error = 0, kill_fd;

	(void)vm;
	if (dir < 0)
		return errno == ENOENT ? 0 : -errno;
	kill_fd = openat(dir, "cgroup.kill", O_WRONLY | O_CLOEXEC);
	if (kill_fd >= 0)
		(void)write_all(kill_fd, "1", 1);
	close_fd(&kill_fd);
	for (int i = 0; i < TRIES; i++) {
		error = rmdir(path) < 0 && errno != ENOENT ? -errno : 0;
		if (error != -EBUSY)
			break;
		lseek(dir, 0, SEEK_SET);
		remove_inner(dir, DEPTH_MAX);
		if (rmdir(path) == 0 || errno == ENOENT) {
			error = 0;
			break;
		}
		nanosleep(&pause, NULL);
	}
	close(dir);
	return error;
}
