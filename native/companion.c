/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A companion: a program inside the shared network that serves its containers, and its keeper.
 *
 * It lives as long as somebody holds the network: the keeper watches one holder after the other, and looks for the
 * next under the base's lock, so that a start which has found the namespace is not missed. The program gets SIGHUP
 * when a file of its directory appears or goes. It may put itself into the background: it runs in a process
 * namespace of its own, where an init waits for whatever is left of it, and which ends with the keeper.
 *
 * A file with a lock on it says that there is a keeper; a new namespace gets a new file, since the keeper of an
 * earlier one may still be about to end.
 */
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	STABLE_MS = 5000, /* a program that lived this long is started again at once */
	RETRY_FIRST_MS = 50,
	RETRY_MOST_MS = 10000,
	END_TIMEOUT_MS = 1000,
};

enum keeper_fd {
	KEEPER_OWN = 3, /* the file that says we are there */
	KEEPER_LOCK,
	KEEPER_HOLDERS,
	KEEPER_CHANGES,
	KEEPER_FREE_FD,
	KEEPER_ASIDE = 32,
};

/* ---- the init of its process namespace ---- */

static _Noreturn void become_program(const struct args_companion *a)
{
	char **argv = argv_make(a->argv, 0), **env = argv_make(a->env, 0);
	sigset_t none;

	if (argv == NULL || env == NULL)
		_exit(127);
	/* Until it says what it does about that signal, it has not read its files. */
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || bounding_drop(a->capabilities) < 0)
		_exit(127);
	execve(argv[0], argv, env);
	_exit(127);
}

/*
 * Passes SIGHUP on to everybody in here; ends when nobody is left, with 0 if that is how all of them ended.
 * @keeper: a pidfd; the kernel tells of its death only from now on
 */
static _Noreturn void be_init(const struct args_companion *a, int keeper)
{
	struct pollfd dead = { .fd = keeper, .events = POLLIN };
	int number, status, worst = 0;
	sigset_t set;

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (poll(&dead, 1, 0) != 0)
		_exit(127);
	syscall(SYS_close_range, 3, ~0U, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (sys_clone(0, NULL, -1) == 0)
		become_program(a);
	for (;;) {
		pid_t pid;

		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			worst |= status;
		if (pid < 0)
			_exit(worst != 0);
		if (sigwait(&set, &number) == 0 && number == SIGHUP)
			kill(-1, SIGHUP);
	}
}

/* ---- the keeper ---- */

static pid_t start_program(const struct args_companion *a, int *pidfd)
{
	int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
	pid_t pid;

	if (self < 0)
		return -errno;
	pid = sys_clone(CLONE_NEWPID, pidfd, -1);
	if (pid == 0)
		be_init(a, self);
	close(self);
	return pid;
}

/* Waits until nobody looks for the network or enters it. */
static void lock_base(void)
{
	while (flock(KEEPER_LOCK, LOCK_EX) < 0)
		if (errno != EINTR)
			_exit(1);
}

/* Whether the file that says we are there is there, and not one of another network's keeper. */
static bool is_ours(const struct args_companion *a)
{
	struct stat own, there;

	return fstat(KEEPER_OWN, &own) == 0 && stat(a->lock.data, &there) == 0 && own.st_ino == there.st_ino;
}

/* Ends under the lock, which stays held until we are gone. @program: its init's pidfd, or -1 */
static _Noreturn void leave(const struct args_companion *a, int program)
{
	struct pollfd ended = { .fd = program, .events = POLLIN };

	if (program >= 0) {
		syscall(SYS_pidfd_send_signal, program, SIGKILL, NULL, 0);
		(void)poll(&ended, 1, END_TIMEOUT_MS);
	}
	if (is_ours(a))
		(void)unlink(a->leftover.data);
	_exit(0);
}

/* A pidfd of somebody who holds the network; does not return if there is nobody, or another network. */
static int next_holder(const struct args_companion *a, int program)
{
	int fd;

	lock_base();
	fd = is_ours(a) ? holder_open(KEEPER_HOLDERS) : -1;
	if (fd < 0)
		leave(a, program);
	flock(KEEPER_LOCK, LOCK_UN);
	return fd;
}

/* Ends if there is nothing for the program to read; then it had reason to. */
static void rest_in_peace(const struct args_companion *a)
{
	struct listing listing = { .fd = open(a->directory.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	int error;

	lock_base();
	if (listing.fd < 0 || listing_next(&listing, &error) == NULL)
		leave(a, -1);
	close(listing.fd);
	flock(KEEPER_LOCK, LOCK_UN);
}

static bool has_changed(void)
{
	char events[4096] __attribute__((aligned(8)));
	bool any = false;

	while (read(KEEPER_CHANGES, events, sizeof(events)) > 0)
		any = true;
	return any;
}

/*
 * Waits for an end and passes changes on. @program: its init's pidfd, or -1
 * Return: whether the program has ended, or the time is over
 */
static bool watch(const struct args_companion *a, int *holder, int program, int timeout)
{
	struct pollfd set[] = { { .fd = *holder, .events = POLLIN },
				{ .fd = KEEPER_CHANGES, .events = POLLIN },
				{ .fd = program, .events = POLLIN } };
	int n = poll(set, 3, timeout);

	if (n < 0)
		return false;
	if (set[0].revents) {
		close(*holder);
		*holder = next_holder(a, program);
	}
	if (set[1].revents && has_changed() && program >= 0)
		syscall(SYS_pidfd_send_signal, program, SIGHUP, NULL, 0);
	return n == 0 || set[2].revents != 0;
}

/* At small numbers, and nothing else of the monitor's. The base's lock is opened anew: what we inherited is the monitor's hold on it. */
static int settle(const struct args_companion *a, int own)
{
	const int from[] = { own, open("/proc/self/fd/98", O_RDWR | O_CLOEXEC), FD_NET_LIVE, inotify_init1(IN_CLOEXEC | IN_NONBLOCK) };
	int aside[4];

	_Static_assert(FD_LOCK == 98, "the path above names FD_LOCK");
	for (int i = 0; i < 4; i++) {
		aside[i] = fcntl(from[i], F_DUPFD_CLOEXEC, KEEPER_ASIDE);
		if (aside[i] < 0)
			return -errno;
	}
	for (int fd = 0; fd < 3; fd++)
		dup2(FD_NULL, fd);
	for (int i = 0; i < 4; i++)
		dup3(aside[i], KEEPER_OWN + i, O_CLOEXEC);
	syscall(SYS_close_range, KEEPER_FREE_FD, ~0U, 0);
	return inotify_add_watch(KEEPER_CHANGES, a->directory.data, IN_MOVED_TO | IN_DELETE | IN_ONLYDIR) < 0 ? -errno : 0;
}

static _Noreturn void keep(const struct args_companion *a, int own)
{
	int holder, pause = RETRY_FIRST_MS;

	setsid();
	if (settle(a, own) < 0)
		_exit(1);
	holder = next_holder(a, -1);
	for (;;) {
		uint64_t began = now_ms();
		int program = -1;
		pid_t pid = start_program(a, &program);

		if (pid > 0) {
			while (!watch(a, &holder, program, -1))
				;
			close(program);
			if (process_wait(pid) == 0)
				rest_in_peace(a);
		}
		pause = now_ms() - began >= STABLE_MS ? RETRY_FIRST_MS : pause * 2 < RETRY_MOST_MS ? pause * 2 : RETRY_MOST_MS;
		for (uint64_t end = now_ms() + (uint64_t)pause, now; (now = now_ms()) < end;)
			watch(a, &holder, -1, (int)(end - now));
	}
}

/*
 * op_companion() - have the program run, if it does not
 * Runs in: monitor, inside the shared network, under the base's lock: a keeper that is about to end is gone before it
 * lets go of that. Another first process of a container holds no lock, and has found a companion before.
 */
int op_companion(struct vm *vm, const union args *args)
{
	const struct args_companion *a = &args->companion;
	int own, error = 0;
	pid_t pid;

	if (vm->again)
		return 0;
	if (vm->net == NET_NEW && unlink(a->lock.data) < 0 && errno != ENOENT)
		return -errno;
	own = open(a->lock.data, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (own < 0)
		return -errno;
	if (flock(own, LOCK_EX | LOCK_NB) < 0) {
		error = errno == EWOULDBLOCK ? 0 : -errno;
		close(own);
		return error;
	}
	pid = sys_clone(0, NULL, slot_fd(vm, a->cgroup));
	if (pid == 0) {
		/* Orphaned at once: the monitor waits for nobody but its container. */
		pid = sys_clone(0, NULL, -1);
		if (pid != 0)
			_exit(pid < 0);
		keep(a, own);
	}
	close(own);
	if (pid < 0)
		return pid;
	return process_wait(pid) == 0 ? 0 : -EAGAIN;
}
