/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that live as long as a network is needed, from the monitor's side: the one that connects it to the outside, and those
 * that serve in it.
 *
 * The first has to sit in the host's network, which no monitor can return to once it has entered another one. So whoever makes
 * the namespace leaves a keeper behind (keeper.c). A file with a lock on it says that there is one; a new namespace gets a new
 * file, since the keeper of an earlier one may still be about to end.
 *
 * With `onDemand` the program is started when the first packet wants to leave. Its interface is there from the beginning,
 * with nobody behind it: the kernel asks for the hardware address of the next hop, tells us that it asks (the interface's
 * setting app_solicit), and holds the packet back until somebody answers.
 */
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

enum { END_TIMEOUT_MS = 1000 };

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

/* Whether this process has started a keeper that waits for the network. */
static bool started_keeper(void)
{
	return fcntl(FD_KEEPER, F_GETFD) >= 0;
}

/* keeper_give() - tell a keeper that this process started which namespace its program is for */
int keeper_give(void)
{
	int fd[KEEPER_GIVEN], error;

	if (!started_keeper())
		return 0;
	fd[0] = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	error = fd[0] < 0 ? -errno : 0;
	fd[1] = open_demand();
	if (error == 0 && fd[1] < 0)
		error = fd[1];
	for (int i = 0; error == 0 && i < KEEPER_GIVEN; i++)
		error = fd_send(FD_KEEPER, fd[i], "", 1);
	close_fd(&fd[0]);
	close_fd(&fd[1]);
	return error;
}

/* op_await_kept() - if this process started a program outside the network, wait until it works */
int op_await_kept(struct vm *vm, const union args *args)
{
	struct pollfd ready = { .fd = FD_KEEPER, .events = POLLIN };
	uint32_t error = ETIMEDOUT;

	if (vm->again || !started_keeper())
		return 0;
	if (poll(&ready, 1, (int)args->await_kept.timeout_ms) > 0 && read_some(FD_KEEPER, &error, sizeof(error)) != sizeof(error))
		error = EOWNERDEAD;
	return -(int)error;
}

/*
 * keeper_end() - let go of a network that was ours alone, and wait for its keeper: the program may listen at ports that the
 * next start of this container wants
 */
void keeper_end(const struct vm *vm)
{
	struct pollfd gone = { .fd = FD_KEEPER, .events = POLLIN };

	if (vm->net != NET_OWN || !started_keeper())
		return;
	shutdown(FD_KEEPER, SHUT_WR);
	(void)poll(&gone, 1, END_TIMEOUT_MS);
}

/* Forks the keeper. A program outside is given the network later, by keeper_give(). */
static int start_keeper(const struct vm *vm, const struct args_keep *a, int own)
{
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	pid = sys_clone(0, NULL, slot_fd(vm, a->cgroup));
	if (pid == 0) {
		/* Orphaned at once: the monitor waits for nobody but its container. */
		pid = sys_clone(0, NULL, -1);
		if (pid != 0)
			_exit(pid < 0);
		keeper_run(vm, a, own, ends[1]);
	}
	close(ends[1]);
	if (pid >= 0)
		pid = process_wait(pid) == 0 ? 0 : -EAGAIN;
	if (pid == 0 && a->outside)
		return fd_place(ends[0], FD_KEEPER);
	close(ends[0]);
	return pid;
}

/*
 * op_keep() - have the program run, if it does not
 * Runs in: uplink, still outside the network, or monitor, inside; under the base's lock: a keeper that is about to end is gone
 * before it lets go of that. Another first process of a container holds no lock, and has found a keeper before.
 */
int op_keep(struct vm *vm, const union args *args)
{
	const struct args_keep *a = &args->keep;
	int own, error = 0;

	if (vm->again)
		return 0;
	if (vm->net != NET_JOINED && unlink(a->lock.data) < 0 && errno != ENOENT)
		return -errno;
	own = open(a->lock.data, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (own < 0)
		return -errno;
	if (flock(own, LOCK_EX | LOCK_NB) == 0)
		error = start_keeper(vm, a, own);
	else if (errno != EWOULDBLOCK)
		error = -errno;
	close(own);
	return error;
}
