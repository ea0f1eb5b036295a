/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The uplink: the program that connects the shared network namespace to the outside, and its keeper.
 *
 * The program has to sit in the host's network, which no monitor can return to once it has entered the shared one. So
 * whoever makes the namespace leaves a keeper behind in the host's network, which starts the program, starts it again
 * when it dies, and ends with it. A FIFO counts those who need it: every monitor of the shared network holds its write
 * end, the keeper its only read end. No writer left: the keeper sees a hang-up. No reader left: opening for writing
 * fails, and the next monitor starts a new keeper.
 */
#include "serve.h" /* now_ms */
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	READY_TIMEOUT_MS = 10000,
	STABLE_MS = 5000, /* a program that lived this long is started again at once */
	RETRY_FIRST_MS = 50,
	RETRY_MOST_MS = 10000,
};

/* What the program is given; PLAN.md promises these numbers. */
enum program_fd { PROGRAM_FIFO = 3, PROGRAM_READY = 4, PROGRAM_NAMESPACE = 5, KEEPER_LOCK = 6, KEEPER_REPORT = 7, KEEPER_PIPE = 8 };

/* Takes the descriptor that the monitor sends over @from. */
static int take_descriptor(int from)
{
	char byte, control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	const struct cmsghdr *head;
	int fd;

	if (recvmsg(from, &message, MSG_CMSG_CLOEXEC) <= 0)
		return -EPIPE;
	head = CMSG_FIRSTHDR(&message);
	if (head == NULL || head->cmsg_type != SCM_RIGHTS)
		return -EPROTO;
	memcpy(&fd, CMSG_DATA(head), sizeof(fd));
	return fd;
}

/* uplink_give() - tell a keeper that this process started which namespace its program is for */
int uplink_give(void)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))) = { 0 };
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	int fd, error = 0;

	if (fcntl(FD_UPLINK_GIVE, F_GETFD) < 0)
		return 0;
	fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	if (sendmsg(FD_UPLINK_GIVE, &message, MSG_NOSIGNAL) < 0)
		error = -errno;
	close(fd);
	close(FD_UPLINK_GIVE);
	return error;
}

/* op_await_uplink() - if this process started the uplink, wait until it works */
int op_await_uplink(struct vm *vm, const union args *args)
{
	struct pollfd ready = { .fd = FD_UPLINK_READY, .events = POLLIN };
	uint32_t error = ETIMEDOUT;

	(void)vm;
	(void)args;
	if (fcntl(FD_UPLINK_READY, F_GETFD) < 0)
		return 0;
	if (poll(&ready, 1, READY_TIMEOUT_MS) > 0 && read_some(FD_UPLINK_READY, &error, sizeof(error)) != sizeof(error))
		error = EOWNERDEAD;
	close(FD_UPLINK_READY);
	return -(int)error;
}

/* ---- the keeper ---- */

/* In the child: become the program. It dies with its keeper. */
static _Noreturn void become_uplink(const struct args_uplink *a, pid_t keeper)
{
	char **argv = argv_make(a->argv, 0), **env = argv_make(a->env, 0);

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != keeper || argv == NULL || env == NULL)
		_exit(127);
	signals_reset(false);
	for (int fd = PROGRAM_FIFO; fd <= PROGRAM_NAMESPACE; fd++)
		fcntl(fd, F_SETFD, 0);
	execve(argv[0], argv, env);
	_exit(127);
}

/* Starts the program; KEEPER_PIPE is where it says that it is ready. */
static pid_t start_program(const struct args_uplink *a, int *pidfd)
{
	pid_t keeper, pid;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	/* One end may sit where the other is to go: both step aside first. */
	for (int i = 0; i < 2; i++) {
		int aside = fcntl(ends[i], F_DUPFD_CLOEXEC, KEEPER_PIPE + 1);

		close(ends[i]);
		ends[i] = aside;
	}
	dup3(ends[0], KEEPER_PIPE, O_CLOEXEC);
	dup3(ends[1], PROGRAM_READY, O_CLOEXEC);
	close(ends[0]);
	close(ends[1]);
	keeper = getpid();
	pid = sys_clone(0, pidfd, -1);
	if (pid == 0)
		become_uplink(a, keeper);
	close(PROGRAM_READY);
	return pid;
}

/* Tells the monitor that waits, if one does. */
static void report_once(uint32_t error)
{
	if (fcntl(KEEPER_REPORT, F_GETFD) < 0)
		return;
	write_all(KEEPER_REPORT, &error, sizeof(error));
	close(KEEPER_REPORT);
}

/*
 * Whether nobody is left. Under the lock, so that a monitor which has found the namespace but does not hold the FIFO yet
 * is not missed; it stays taken then, until we are gone.
 */
static bool nobody_left(void)
{
	struct pollfd fifo = { .fd = PROGRAM_FIFO };

	while (flock(KEEPER_LOCK, LOCK_EX) < 0)
		if (errno != EINTR)
			return true;
	if (poll(&fifo, 1, 0) > 0 && fifo.revents & POLLHUP)
		return true;
	flock(KEEPER_LOCK, LOCK_UN);
	return false;
}

/* Waits up to @timeout for the last holder to go. */
static void rest(int timeout)
{
	struct pollfd fifo = { .fd = PROGRAM_FIFO };

	if (poll(&fifo, 1, timeout) > 0 && nobody_left())
		_exit(0);
}

/* Watches one life of the program. Return: how long it lasted in milliseconds; does not if nobody needs it any more */
static uint64_t watch(const struct args_uplink *a)
{
	struct pollfd set[3] = { { .fd = PROGRAM_FIFO }, { .events = POLLIN }, { .fd = KEEPER_PIPE, .events = POLLIN } };
	uint64_t start = now_ms();
	pid_t pid = start_program(a, &set[1].fd);
	char byte;

	if (pid < 0) {
		report_once((uint32_t)-pid);
		return 0;
	}
	for (;;) {
		if (poll(set, 3, -1) < 0)
			continue;
		if (set[0].revents & POLLHUP && nobody_left())
			break;
		if (set[2].revents) {
			if (read_some(KEEPER_PIPE, &byte, 1) == 1)
				report_once(0);
			set[2].fd = -1;
			close(KEEPER_PIPE);
		}
		if (set[1].revents) {
			int status = process_wait(pid);

			close(set[1].fd);
			if (fcntl(KEEPER_REPORT, F_GETFD) >= 0) {
				report_once(HELPER_ERRNO + (uint32_t)status);
				_exit(1);
			}
			return now_ms() - start;
		}
	}
	kill(pid, SIGKILL);
	process_wait(pid);
	_exit(0);
}

/*
 * The keeper's descriptors, at the numbers the program gets; everything else of the monitor is let go. The lock is
 * opened anew: what we inherited is the monitor's hold on it.
 */
static int settle(int fifo, int report, int from)
{
	const int sources[] = { fifo, report, from };
	int high[4], lock = open("/proc/self/fd/98", O_RDWR | O_CLOEXEC);

	_Static_assert(FD_LOCK == 98, "the path above names FD_LOCK");
	if (lock < 0)
		return -errno;
	high[3] = fcntl(lock, F_DUPFD_CLOEXEC, KEEPER_PIPE + 1);
	for (int i = 0; i < 3; i++)
		high[i] = fcntl(sources[i], F_DUPFD_CLOEXEC, KEEPER_PIPE + 1);
	for (int fd = 0; fd < 3; fd++)
		dup2(FD_NULL, fd);
	dup3(high[0], PROGRAM_FIFO, O_CLOEXEC);
	dup3(high[1], KEEPER_REPORT, O_CLOEXEC);
	dup3(high[2], PROGRAM_NAMESPACE, O_CLOEXEC);
	dup3(high[3], KEEPER_LOCK, O_CLOEXEC);
	close(PROGRAM_READY);
	syscall(SYS_close_range, KEEPER_PIPE, ~0U, 0);
	return 0;
}

static _Noreturn void keep(const struct args_uplink *a, int fifo, int report, int from)
{
	int namespace, pause = RETRY_FIRST_MS;

	setsid();
	if (settle(fifo, report, from) < 0)
		_exit(1);
	namespace = take_descriptor(PROGRAM_NAMESPACE);
	if (namespace < 0 || dup3(namespace, PROGRAM_NAMESPACE, O_CLOEXEC) < 0)
		_exit(1);
	close(namespace);
	for (;;) {
		pause = watch(a) >= STABLE_MS ? RETRY_FIRST_MS : pause * 2 < RETRY_MOST_MS ? pause * 2 : RETRY_MOST_MS;
		rest(pause);
	}
}

/* ---- starting it ---- */

static int place(int fd, int fixed)
{
	int error = dup3(fd, fixed, O_CLOEXEC) < 0 ? -errno : 0;

	close(fd);
	return error;
}

/* Forks the keeper. It waits for uplink_give(); op_await_uplink() waits for it. */
static int start_keeper(const struct args_uplink *a, int fifo)
{
	int ready[2], give[2];
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) < 0)
		return -errno;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, give) < 0)
		return -errno;
	pid = sys_clone(0, NULL, -1);
	if (pid == 0) {
		/* Orphaned at once: the monitor waits for nobody but its container. */
		pid = sys_clone(0, NULL, -1);
		if (pid != 0)
			_exit(pid < 0);
		close(FD_UPLINK);
		close(give[0]);
		keep(a, fifo, ready[1], give[1]);
	}
	close(ready[1]);
	close(give[1]);
	if (pid < 0)
		return pid;
	if (process_wait(pid) != 0)
		return -EAGAIN;
	if (place(ready[0], FD_UPLINK_READY) < 0)
		return -errno;
	return place(give[0], FD_UPLINK_GIVE);
}

/*
 * op_uplink() - take part in the uplink, and start it where it does not run
 * Runs under the base's lock. A new namespace gets a FIFO of its own: the keeper of an earlier one may still be
 * about to end.
 */
int op_uplink(struct vm *vm, const union args *args)
{
	const struct args_uplink *a = &args->uplink;
	const char *path = a->fifo.data;
	int reader, writer, error;

	if (vm->net == NET_NEW && unlink(path) < 0 && errno != ENOENT)
		return -errno;
	if (mkfifo(path, 0600) < 0 && errno != EEXIST)
		return -errno;
	writer = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	if (writer >= 0)
		return place(writer, FD_UPLINK);
	if (errno != ENXIO)
		return -errno;
	reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	writer = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	if (reader < 0 || writer < 0)
		return -errno;
	error = place(writer, FD_UPLINK);
	if (error == 0)
		error = start_keeper(a, reader);
	close(reader);
	return error;
}
