/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listeners for published ports: opened by the launcher, in the host's network and before anything else, handed down to
 * the monitor by their numbers.
 */
#include "forward.h"
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { BACKLOG = 4096 };

static int set_address(union address *to, const struct text *address, uint32_t port)
{
	memset(to, 0, sizeof(*to));
	if (address->size == 16) {
		to->v6.sin6_family = AF_INET6;
		to->v6.sin6_port = htons((uint16_t)port);
		memcpy(&to->v6.sin6_addr, address->data, 16);
		return 0;
	}
	if (address->size != 4)
		return -EINVAL;
	to->v4.sin_family = AF_INET;
	to->v4.sin_port = htons((uint16_t)port);
	memcpy(&to->v4.sin_addr, address->data, 4);
	return 0;
}

static bool set_option(int fd, int level, int name)
{
	const int on = 1;

	return setsockopt(fd, level, name, &on, sizeof(on)) == 0;
}

/* A bound socket, listening if it is for TCP; or -errno. A kernel without IPv6 says so as it does for everything else. */
static int open_listener(const union address *at, bool udp)
{
	bool six = at->any.sa_family == AF_INET6;
	int fd = socket(at->any.sa_family, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error = 0;

	if (fd < 0)
		return errno == EAFNOSUPPORT ? -EOPNOTSUPP : -errno;
	if ((six && !set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY)) || (!udp && !set_option(fd, SOL_SOCKET, SO_REUSEADDR)) ||
	    (udp && !(six ? set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO) : set_option(fd, IPPROTO_IP, IP_PKTINFO))) ||
	    bind(fd, &at->any, address_size(at)) < 0 || (!udp && listen(fd, BACKLOG) < 0))
		error = -errno;
	if (error != 0)
		close(fd);
	return error != 0 ? error : fd;
}

/* Descriptors so high may be beyond the soft limit, which is the container's own affair. */
static int make_room(struct vm *vm, int fd)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	if (vm->soft_files == 0)
		vm->soft_files = limit.rlim_cur;
	if ((rlim_t)fd < limit.rlim_cur)
		return 0;
	if ((rlim_t)fd >= limit.rlim_max)
		return -EMFILE;
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? -errno : 0;
}

static int put_listener(struct vm *vm, int fd)
{
	int place = FORWARD_FIRST_FD + (int)vm->published;
	int error = make_room(vm, place);

	if (error == 0 && fd != place && dup3(fd, place, O_CLOEXEC) < 0)
		error = -errno;
	if (fd != place || error != 0)
		close(fd);
	if (error == 0)
		vm->published++;
	return error;
}

/*
 * op_publish() - listen at @count ports from @port on
 * Runs in: launch. Without a target it only finds out whether one could: another program will do so.
 */
int op_publish(struct vm *vm, const union args *args)
{
	const struct args_publish *a = &args->publish;

	if (a->port > 65535 || a->count > 65536 - a->port || a->target_port > 65535 || a->count > 65536 - a->target_port)
		return -EINVAL;
	if (vm->published + a->count > LISTENERS_MAX)
		return -EMFILE;
	for (uint32_t i = 0; i < a->count; i++) {
		union address at;
		int error = set_address(&at, &a->address, a->port + i);
		int fd = error < 0 ? error : open_listener(&at, a->protocol == IPPROTO_UDP);

		if (fd >= 0 && a->target.size == 0)
			close(fd);
		else
			error = fd < 0 ? fd : put_listener(vm, fd);
		if (error < 0)
			return error;
	}
	return 0;
}

/* Whether listener @index is at that address and port. */
static bool is_at(uint32_t index, const struct text *address, uint32_t port)
{
	union address wanted, is = { 0 };
	socklen_t size = sizeof(is);

	return set_address(&wanted, address, port) == 0 &&
	       getsockname(FORWARD_FIRST_FD + (int)index, &is.any, &size) == 0 && size == address_size(&wanted) &&
	       memcmp(&is, &wanted, size) == 0;
}

/*
 * publish_forward() - tell the forwarder where each listener leads, by reading the plan again
 * Those that were tolerated to fail have no descriptor; an operation opens all of its ports or, but for IPv6 as a whole,
 * ends the plan.
 */
int publish_forward(struct vm *vm)
{
	struct cursor at;
	struct op op;
	uint32_t done = 0;

	if (vm->published == 0 || !plan_seek(&vm->plan, STAGE_LAUNCH, &at))
		return 0;
	while (plan_next(&vm->plan, &at, &op) == 1 && op.stage == STAGE_LAUNCH) {
		const struct args_publish *a = &op.args.publish;

		if (op.code != OP_PUBLISH || a->target.size == 0)
			continue;
		for (uint32_t i = 0; i < a->count; i++) {
			union address target;
			int error;

			if (done == vm->published || !is_at(done, &a->address, a->port + i))
				break;
			error = set_address(&target, &a->target, a->target_port + i);
			if (error == 0)
				error = forward_add(&target, a->prefix, a->protocol == IPPROTO_UDP);
			if (error < 0)
				return error;
			done++;
		}
	}
	return 0;
}
