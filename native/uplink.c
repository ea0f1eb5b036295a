/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The uplink: the program that connects a network namespace to the outside, and its keeper.
 *
 * The program has to sit in the host's network, which no monitor can return to once it has entered another one. So
 * whoever makes the namespace leaves a keeper behind in the host's network, which starts the program, starts it again
 * when it dies, and ends with it. A FIFO counts those who need it: every monitor of the namespace holds its write
 * end, the keeper its only read end. No writer left: the keeper sees a hang-up. No reader left: opening for writing
 * fails, and the next monitor starts a new keeper.
 *
 * With `onDemand` the program is started when the first packet wants to leave. Its interface is there from the beginning,
 * with nobody behind it: the kernel asks for the hardware address of the next hop, tells us that it asks (the interface's
 * setting app_solicit), and holds the packet back until somebody answers.
 */
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
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
	END_TIMEOUT_MS = 1000,
	STABLE_MS = 5000, /* a program that lived this long is started again at once */
	RETRY_FIRST_MS = 50,
	RETRY_MOST_MS = 10000,
};

/* What the program is given; PLAN.md promises these numbers. */
enum program_fd {
	PROGRAM_FIFO = 3,
	PROGRAM_READY = 4,
	PROGRAM_NAMESPACE = 5,
	KEEPER_LOCK = 6,
	KEEPER_REPORT = 7,
	KEEPER_PIPE = 8,
	KEEPER_DEMAND = 9,
	KEEPER_FREE_FD = 10,
};

/* What a keeper is given from inside, each in a message: the namespace, and a socket that hears of addresses looked for there. */
enum { GIVEN = 2 };

/* A socket that gets a message whenever the kernel asks programs for a neighbour's hardware address, and nothing else. */
static int open_demand(void)
{
	struct sock_filter only[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __builtin_bswap16(RTM_GETNEIGH), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog filter = { sizeof(only) / sizeof(only[0]), only };
	const struct sockaddr_nl groups = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_NEIGH };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	int error = 0;

	_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the filter reads the type as big-endian");
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) < 0 ||
	    bind(fd, (const struct sockaddr *)&groups, sizeof(groups)) < 0) {
		error = -errno;
		close(fd);
	}
	return error == 0 ? fd : error;
}

/* uplink_give() - tell a keeper that this process started which namespace its program is for */
int uplink_give(void)
{
	int fd[GIVEN], error;

	if (fcntl(FD_UPLINK_GIVE, F_GETFD) < 0)
		return 0;
	fd[0] = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	error = fd[0] < 0 ? -errno : 0;
	fd[1] = open_demand();
	if (error == 0 && fd[1] < 0)
		error = fd[1];
	for (int i = 0; error == 0 && i < GIVEN; i++)
		error = fd_send(FD_UPLINK_GIVE, fd[i], "", 1);
	close_fd(&fd[0]);
	close_fd(&fd[1]);
	close(FD_UPLINK_GIVE);
	return error;
}

/* op_await_uplink() - if this process started the uplink, wait until it works */
int op_await_uplink(struct vm *vm, const union args *args)
{
	struct pollfd ready = { .fd = FD_UPLINK_READY, .events = POLLIN };
	uint32_t error = ETIMEDOUT;

	(void)args;
	if (fcntl(FD_UPLINK_READY, F_GETFD) < 0)
		return 0;
	if (vm->again)
		return 0;
	if (poll(&ready, 1, READY_TIMEOUT_MS) > 0 && read_some(FD_UPLINK_READY, &error, sizeof(error)) != sizeof(error))
		error = EOWNERDEAD;
	return -(int)error;
}

/*
 * uplink_end() - let go of the uplink; one that was ours alone is waited for, since it may listen at ports that the next
 * start of this container wants
 */
void uplink_end(const struct vm *vm)
{
	struct pollfd gone = { .fd = FD_UPLINK_READY, .events = POLLIN };

	if (vm->net != NET_OWN || fcntl(FD_UPLINK_READY, F_GETFD) < 0)
		return;
	close(FD_UPLINK);
	(void)poll(&gone, 1, END_TIMEOUT_MS);
}

/* ---- the keeper ---- */

/* The program's working directory: the keeper's descriptors, for a program that closes its own before it looks at them. */
static int enter_descriptors(pid_t keeper)
{
	int fd = proc_open(keeper, "fd", O_PATH | O_DIRECTORY);
	int result = fd < 0 ? fd : fchdir(fd);

	close_fd(&fd);
	return result;
}

/* In the child: become the program. It dies with its keeper. */
static _Noreturn void become_uplink(const struct args_uplink *a, pid_t keeper)
{
	char **argv = argv_make(a->argv, 0), **env = argv_make(a->env, 0);

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != keeper || argv == NULL || env == NULL || enter_descriptors(keeper) < 0)
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
		int aside = fcntl(ends[i], F_DUPFD_CLOEXEC, KEEPER_FREE_FD);

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
	return pid; /* PROGRAM_READY stays open: the program may open it by way of us */
}

/* Leaves word for whoever looks, as a file: the program ended before it worked. */
static void note_failure(const struct args_uplink *a, bool failed)
{
	int fd;

	if (a->failed.size == 0)
		return;
	if (!failed) {
		(void)unlink(a->failed.data);
		return;
	}
	fd = open(a->failed.data, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	close_fd(&fd);
}

/* Tells the monitor, if it waits. Our end stays open: it closes when we end. Return: whether anybody was told */
static bool report_once(uint32_t error)
{
	static bool told;

	if (told || fcntl(KEEPER_REPORT, F_GETFD) < 0)
		return false;
	told = true;
	write_all(KEEPER_REPORT, &error, sizeof(error));
	return true;
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

/* Until a packet wants to leave. */
static void await_demand(void)
{
	struct pollfd set[2] = { { .fd = PROGRAM_FIFO }, { .fd = KEEPER_DEMAND, .events = POLLIN } };

	for (;;) {
		if (poll(set, 2, -1) < 0)
			continue;
		if (set[0].revents & POLLHUP && nobody_left())
			_exit(0);
		/* Whatever came, even an overflow: somebody asked. */
		if (set[1].revents)
			break;
	}
	close(KEEPER_DEMAND);
}

/* Watches one life of the program. Return: how long it lasted in milliseconds; does not if nobody needs it any more */
static uint64_t watch(const struct args_uplink *a)
{
	struct pollfd set[3] = { { .fd = PROGRAM_FIFO }, { .events = POLLIN }, { .fd = KEEPER_PIPE, .events = POLLIN } };
	uint64_t start = now_ms();
	pid_t pid = start_program(a, &set[1].fd);
	bool worked = false;
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
			if (read_some(KEEPER_PIPE, &byte, 1) == 1) {
				worked = true;
				note_failure(a, false);
				report_once(0);
			}
			set[2].fd = -1;
			close(KEEPER_PIPE);
			close(PROGRAM_READY);
		}
		if (set[1].revents) {
			int status = process_wait(pid);

			close(set[1].fd);
			if (!worked)
				note_failure(a, true);
			if (report_once(HELPER_ERRNO + (uint32_t)status))
				_exit(1);
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
	const int sources[] = { fifo, report, from }; /* without a report nobody waits */
	int high[4], lock = open("/proc/self/fd/98", O_RDWR | O_CLOEXEC);

	_Static_assert(FD_LOCK == 98, "the path above names FD_LOCK");
	if (lock < 0)
		return -errno;
	high[3] = fcntl(lock, F_DUPFD_CLOEXEC, KEEPER_FREE_FD);
	for (int i = 0; i < 3; i++)
		high[i] = fcntl(sources[i], F_DUPFD_CLOEXEC, KEEPER_FREE_FD);
	for (int fd = 0; fd < 3; fd++)
		dup2(FD_NULL, fd);
	close(KEEPER_REPORT);
	dup3(high[0], PROGRAM_FIFO, O_CLOEXEC);
	dup3(high[1], KEEPER_REPORT, O_CLOEXEC);
	dup3(high[2], PROGRAM_NAMESPACE, O_CLOEXEC);
	dup3(high[3], KEEPER_LOCK, O_CLOEXEC);
	close(PROGRAM_READY);
	syscall(SYS_close_range, KEEPER_PIPE, ~0U, 0);
	return 0;
}

/* @wait: a packet decides when the program is started for the first time */
static _Noreturn void keep(const struct args_uplink *a, const int sources[3], bool wait)
{
	int fd[GIVEN], pause = RETRY_FIRST_MS;
	char byte;

	setsid();
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* the program may look at our descriptors */
	if (settle(sources[0], sources[1], sources[2]) < 0)
		_exit(1);
	for (int i = 0; i < GIVEN; i++) {
		int high;

		if (fd_receive(PROGRAM_NAMESPACE, &byte, 1, 0, &fd[i]) != 1 || fd[i] < 0)
			_exit(1);
		high = fcntl(fd[i], F_DUPFD_CLOEXEC, KEEPER_FREE_FD);
		close(fd[i]);
		fd[i] = high;
	}
	dup3(fd[0], PROGRAM_NAMESPACE, O_CLOEXEC);
	dup3(fd[1], KEEPER_DEMAND, O_CLOEXEC);
	syscall(SYS_close_range, KEEPER_FREE_FD, ~0U, 0);
	if (wait)
		await_demand();
	else
		close(KEEPER_DEMAND);
	for (;;) {
		pause = watch(a) >= STABLE_MS ? RETRY_FIRST_MS : pause * 2 < RETRY_MOST_MS ? pause * 2 : RETRY_MOST_MS;
		rest(pause);
	}
}

/* ---- starting it ---- */

/*
 * Forks the keeper, which waits for uplink_give(). If anybody may be waiting for it (op_await_uplink()), it reports; with
 * `onDemand` nobody does.
 */
static int start_keeper(const struct vm *vm, const struct args_uplink *a, int fifo)
{
	int ready[2] = { -1, -1 }, ends[2];
	pid_t pid;

	if (!a->on_demand && pipe2(ready, O_CLOEXEC) < 0)
		return -errno;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	pid = sys_clone(0, NULL, slot_fd(vm, a->cgroup));
	if (pid == 0) {
		/* Orphaned at once: the monitor waits for nobody but its container. */
		pid = sys_clone(0, NULL, -1);
		if (pid != 0)
			_exit(pid < 0);
		close(FD_UPLINK);
		close(ends[0]);
		/* An older namespace may have lost its keeper together with what was being sent. */
		keep(a, (const int[]){ fifo, ready[1], ends[1] }, a->on_demand && vm->net != NET_JOINED);
	}
	close_fd(&ready[1]);
	close(ends[1]);
	if (pid < 0)
		return pid;
	if (process_wait(pid) != 0)
		return -EAGAIN;
	if (ready[0] >= 0 && fd_place(ready[0], FD_UPLINK_READY) < 0)
		return -errno;
	return fd_place(ends[0], FD_UPLINK_GIVE);
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

	if (vm->net != NET_JOINED && unlink(path) < 0 && errno != ENOENT)
		return -errno;
	if (mkfifo(path, 0600) < 0 && errno != EEXIST)
		return -errno;
	writer = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	if (writer >= 0)
		return fd_place(writer, FD_UPLINK);
	if (errno != ENXIO)
		return -errno;
	reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	writer = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	if (reader < 0 || writer < 0)
		return -errno;
	error = fd_place(writer, FD_UPLINK);
	if (error == 0)
		error = start_keeper(vm, a, reader);
	close(reader);
	return error;
}
