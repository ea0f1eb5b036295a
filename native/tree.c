/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process and all that it has started, found through /proc/PID/task/TID/children.
 *
 * A process group is not enough: `timeout`, shells with job control and setsid leave theirs. What has let go of its
 * parent (a daemon) is not found, and no longer belongs to it.
 */
#include "holdfast.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { TREE_MAX = 512 };

struct tree {
	unsigned count;
	pid_t pids[TREE_MAX];
};

/* Numbers with blanks between them; one may be cut in two by the reading. */
static void add_children(struct tree *t, int task, const char *thread)
{
	char path[64], data[512];
	struct line l;
	pid_t pid = 0;
	ssize_t n;

	line_init(&l, path, sizeof(path));
	line_text(&l, thread);
	line_text(&l, "/children");
	int fd = openat(task, path, O_RDONLY | O_CLOEXEC);

	while (fd >= 0 && (n = read_some(fd, data, sizeof(data))) > 0)
		for (ssize_t i = 0; i < n; i++) {
			if (isdigit((unsigned char)data[i])) {
				pid = pid * 10 + (data[i] - '0');
			} else if (pid > 0) {
				if (t->count < TREE_MAX)
					t->pids[t->count++] = pid;
				pid = 0;
			}
		}
	close_fd(&fd);
}

static void add_children_of(struct tree *t, pid_t pid)
{
	struct listing l = { 0 };
	const char *thread;
	int error;

	l.fd = proc_open(pid, "task", O_RDONLY | O_DIRECTORY);
	while (l.fd >= 0 && (thread = listing_next(&l, &error)) != NULL)
		add_children(t, l.fd, thread);
	close_fd(&l.fd);
}

/*
 * tree_kill() - SIGKILL for @pid and its descendants
 * @pid must be a child of the caller that it has not waited for.
 *
 * From the top down each is stopped before its children are looked for, so that it can start no more of them and cannot
 * take their status; from the bottom up each is killed, so that until its turn its number is nobody else's.
 */
void tree_kill(pid_t pid)
{
	static struct tree tree;

	tree.count = 1;
	tree.pids[0] = pid;
	for (unsigned i = 0; i < tree.count; i++) {
		(void)kill(tree.pids[i], SIGSTOP);
		add_children_of(&tree, tree.pids[i]);
	}
	for (unsigned i = tree.count; i-- > 0;)
		(void)kill(tree.pids[i], SIGKILL);
}
