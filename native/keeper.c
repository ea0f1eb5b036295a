/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A keeper: starts its program, starts it again when it ends, and ends with it when nobody needs it any more.
 *
 * Who needs it is who holds the network. The keeper watches one holder after the other: first the monitor that started it,
 * by a socket between the two, then any that the directory of holders names. It looks for the next under the base's lock,
 * so that a start which has found the namespace is not missed, and ends under it.
 */
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { END_TIMEOUT_MS = 1000, ASIDE = 32 };

static struct {
	const struct args_keep *args;
	int holder; /* readable once whom we watch has let go */
	int changes; /* in the program's directory; -1: it has none */
	int ready; /* where the program says that it works; -1: it has, or says nothing */
	int program; /* pidfd of its init; -1: it does not run */
	bool awaited; /* the monitor waits for word of the first life */
} keeper;

/* ---- who needs it ---- */

/* Waits until nobody looks for the network or enters it. */
static void lock_base(void)
{
	while (flock(KEEPER_LOCK, LOCK_EX) < 0)
		if (errno != EINTR)
			_exit(1);
}

/* Whether the file that says we are there is there, and not one of another network's keeper. */
static bool is_ours(void)
{
	struct stat own, there;

	return fstat(KEEPER_OWN, &own) == 0 && stat(keeper.args->lock.data, &there) == 0 && own.st_ino == there.st_ino;
}

/* Ends under the lock, which stays held until we are gone. */
static _Noreturn void leave(void)
{
	struct pollfd ended = { .fd = keeper.program, .events = POLLIN };

	if (keeper.program >= 0) {
		syscall(SYS_pidfd_send_signal, keeper.program, SIGKILL, NULL, 0);
		(void)poll(&ended, 1, END_TIMEOUT_MS);
	}
	if (keeper.args->leftover.size > 0 && is_ours())
		(void)unlink(keeper.args->leftover.data);
	_exit(0);
}

/* Somebody else who holds the network; does not return if there is nobody, or another network. */
static void next_holder(void)
{
	/* The monitor may wait for our end, and takes the end of the socket between us for it. */
	if (keeper.holder != KEEPER_MONITOR)
		close(keeper.holder);
	keeper.awaited = false;
	lock_base();
	keeper.holder = is_ours() ? holder_open(KEEPER_HOLDERS) : -1;
	if (keeper.holder < 0)
		leave();
	flock(KEEPER_LOCK, LOCK_UN);
}

/* ---- what the program says ---- */

/* Tells the monitor, if it waits. Return: whether anybody was told */
static bool report(uint32_t error)
{
	const bool told = keeper.awaited;

	keeper.awaited = false;
	return told && send(KEEPER_MONITOR, &error, sizeof(error), MSG_NOSIGNAL) >= 0;
}

/* Leaves word for whoever looks, as a file: the program ended before it worked. */
static void note_failure(bool failed)
{
	const char *path = keeper.args->failed.data;
	int fd = -1;

	if (keeper.args->failed.size == 0)
		return;
	if (failed)
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	else
		(void)unlink(path);
	close_fd(&fd);
}

/* Nothing at a number that is ours: so no other descriptor ever lands there. */
static void vacate(int fd)
{
	dup3(STDIN_FILENO, fd, O_CLOEXEC);
}

static void take_ready(void)
{
	char byte;

	if (read_some(KEEPER_READY, &byte, 1) == 1) {
		note_failure(false);
		report(0);
	}
	keeper.ready = -1;
	vacate(KEEPER_READY);
	vacate(PROGRAM_READY);
}

/* However many changes there were, the program is told once. */
static void pass_changes(void)
{
	char events[4096] __attribute__((aligned(8)));

	while (read(KEEPER_CHANGES, events, sizeof(events)) > 0)
		;
	if (keeper.program >= 0)
		syscall(SYS_pidfd_send_signal, keeper.program, SIGHUP, NULL, 0);
}

/* ---- one life after the other ---- */

/* Does what comes up until @fd is readable, true, or the time is over (-1: it never is), false. */
static bool serve(int fd, int timeout)
{
	const uint64_t end = now_ms() + (uint64_t)timeout;

	for (;;) {
		struct pollfd set[] = { { .fd = keeper.holder, .events = POLLIN },
					{ .fd = keeper.changes, .events = POLLIN },
					{ .fd = keeper.ready, .events = POLLIN },
					{ .fd = fd, .events = POLLIN } };
		const uint64_t now = now_ms();

		if (timeout >= 0 && now >= end)
			return false;
		if (poll(set, 4, timeout < 0 ? -1 : (int)(end - now)) < 0)
			continue;
		if (set[0].revents)
			next_holder();
		if (set[1].revents)
			pass_changes();
		if (set[2].revents)
			take_ready();
		if (set[3].revents)
			return true;
	}
}

static pid_t start_program(void)
{
	int ends[2];

	if (keeper.args->outside) {
		if (pipe2(ends, O_CLOEXEC) < 0)
			return -errno;
		fd_place(ends[0], KEEPER_READY);
		fd_place(ends[1], PROGRAM_READY); /* stays open: the program may open it by way of us */
		keeper.ready = KEEPER_READY;
	}
	return kept_start(keeper.args, &keeper.program);
}

/* A program that ended well, and has nothing to read any more, had reason to: nobody starts it again. */
static void rest_in_peace(void)
{
	struct listing listing = { .fd = open(keeper.args->directory.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	int error;

	lock_base();
	if (listing.fd < 0 || listing_next(&listing, &error) == NULL)
		leave();
	close(listing.fd);
	flock(KEEPER_LOCK, LOCK_UN);
}

static void live(void)
{
	pid_t pid = start_program();
	int status;

	if (pid < 0) {
		report((uint32_t)-pid);
		return;
	}
	serve(keeper.program, -1);
	close_fd(&keeper.program);
	status = process_wait(pid);
	if (keeper.ready >= 0)
		note_failure(true);
	if (report(HELPER_ERRNO + (uint32_t)status))
		_exit(1);
	if (status == 0 && keeper.changes >= 0)
		rest_in_peace();
}

/* ---- the beginning ---- */

/*
 * Our descriptors at their numbers, and none of the monitor's. The base's lock is opened anew: what we inherited is the
 * monitor's hold on it.
 */
static int settle(const struct vm *vm, int own, int monitor)
{
	const struct text *directory = &keeper.args->directory;
	const int from[] = { own, open("/proc/self/fd/98", O_RDWR | O_CLOEXEC), vm->net == NET_OWN ? FD_NULL : FD_NET_LIVE,
			     inotify_init1(IN_CLOEXEC | IN_NONBLOCK), monitor };
	enum { COUNT = sizeof(from) / sizeof(from[0]) };
	int aside[COUNT];

	_Static_assert(FD_LOCK == 98, "the path above names FD_LOCK");
	_Static_assert(KEEPER_OWN + COUNT == KEEPER_MONITOR + 1, "from that one to this");
	for (int i = 0; i < COUNT; i++) {
		aside[i] = fcntl(from[i], F_DUPFD_CLOEXEC, ASIDE);
		if (aside[i] < 0)
			return -errno;
	}
	for (int fd = 0; fd < KEEPER_FREE_FD; fd++)
		dup3(FD_NULL, fd, fd < PROGRAM_HANGUP ? 0 : O_CLOEXEC);
	for (int i = 0; i < COUNT; i++)
		dup3(aside[i], KEEPER_OWN + i, O_CLOEXEC);
	syscall(SYS_close_range, KEEPER_FREE_FD, ~0U, 0);
	keeper.holder = KEEPER_MONITOR;
	if (directory->size == 0)
		return 0;
	keeper.changes = KEEPER_CHANGES;
	return inotify_add_watch(KEEPER_CHANGES, directory->data, IN_MOVED_TO | IN_DELETE | IN_ONLYDIR) < 0 ? -errno : 0;
}

/* What a program outside is to be given: the network, from the monitor once it is inside, and a pipe that we hold as long as we live. */
static int take_network(void)
{
	static const int places[KEEPER_GIVEN] = { PROGRAM_NAMESPACE, KEEPER_DEMAND };
	int ends[2], fd;
	char byte;

	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* the program may look at our descriptors */
	if (pipe2(ends, O_CLOEXEC) < 0 || fd_place(ends[0], PROGRAM_HANGUP) < 0 || fd_place(ends[1], KEEPER_HANGUP) < 0)
		return -errno;
	for (int i = 0; i < KEEPER_GIVEN; i++)
		if (fd_receive(KEEPER_MONITOR, &byte, 1, 0, &fd) != 1 || fd_place(fd, places[i]) < 0)
			return -EPROTO;
	return 0;
}

_Noreturn void keeper_run(const struct vm *vm, const struct args_keep *a, int own, int monitor)
{
	uint64_t pause = a->pause_ms;

	keeper.args = a;
	keeper.changes = keeper.ready = keeper.program = -1;
	keeper.awaited = a->outside && !a->on_demand;
	setsid();
	if (chdir("/") < 0 || settle(vm, own, monitor) < 0 || (a->outside && take_network() < 0))
		_exit(1);
	/* An older namespace may have lost its keeper together with what was being sent. */
	if (a->on_demand && vm->net != NET_JOINED)
		serve(KEEPER_DEMAND, -1);
	vacate(KEEPER_DEMAND);
	for (;;) {
		const uint64_t began = now_ms();

		live();
		pause = now_ms() - began >= a->stable_ms ? a->pause_ms :
			pause * 2 < a->pause_max_ms      ? pause * 2 :
							   a->pause_max_ms;
		serve(-1, (int)pause);
	}
}
