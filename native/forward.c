/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Published ports. The listeners were opened in the host's network before anything else, so that a port in use is an
 * error of the start; the monitor, which sits in the shared network, takes what comes and connects to the container.
 *
 * Memory is that of a table whose pages are touched as it fills; descriptors are bounded by their limit, at which clients
 * wait in the listener's queue. How bytes get from one socket to the other: forward_move.c.
 *
 * The container sees its client's own address where it can: we own the shared network and may send in anybody's name;
 * the answers are led back to us by a mark on the connection. Clients on the host's loopback, and those who would be
 * the container's neighbours, appear as the bridge; so nobody outside is ever taken for the container's own loopback.
 */
#include "forward.h"
#include "holdfast.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#ifndef IPV6_TRANSPARENT
#define IPV6_TRANSPARENT 75
#endif

enum {
	CLIENTS = 64, /* of one listener before others have their turn */
	EVENTS = 64,
	PAUSE_MS = 100, /* before a listener whose clients found no descriptor is looked at again */
};

static int epoll = -1;
static struct listener *listeners;
static uint32_t listener_count;
static struct connection *connections;
static uint32_t connection_count; /* entries ever used */
static uint32_t first_free = UINT32_MAX;
static int timer = -1;
static int reserve = -1; /* a descriptor kept back: a client that was let in gets its connection */

uint64_t event_mark(enum event_kind kind, uint32_t index)
{
	return (uint64_t)kind << 32 | index;
}

bool event_watch(int fd, uint32_t events, enum event_kind kind, uint32_t index)
{
	struct epoll_event event = { .events = events, .data.u64 = event_mark(kind, index) };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

struct listener *listener_at(uint32_t index)
{
	return &listeners[index];
}

socklen_t address_size(const union address *address)
{
	return address->any.sa_family == AF_INET6 ? sizeof(address->v6) : sizeof(address->v4);
}

/* ---- whose name a connection is made in ---- */

static bool same_subnet(const uint8_t *a, const uint8_t *b, uint32_t prefix)
{
	uint32_t bytes = prefix / 8, rest = prefix % 8;

	return memcmp(a, b, bytes) == 0 && (rest == 0 || (a[bytes] ^ b[bytes]) >> (8 - rest) == 0);
}

/* Whether the container may see this client as it is. */
static bool may_appear(const struct listener *to, const union address *client)
{
	if (client->any.sa_family != to->target.any.sa_family)
		return false;
	if (client->any.sa_family == AF_INET)
		return client->v4.sin_addr.s_addr != INADDR_ANY && (ntohl(client->v4.sin_addr.s_addr) >> 24) != 127 &&
		       !same_subnet((const uint8_t *)&client->v4.sin_addr, (const uint8_t *)&to->target.v4.sin_addr,
				    to->prefix);
	return !IN6_IS_ADDR_LOOPBACK(&client->v6.sin6_addr) && !IN6_IS_ADDR_LINKLOCAL(&client->v6.sin6_addr) &&
	       !same_subnet(client->v6.sin6_addr.s6_addr, to->target.v6.sin6_addr.s6_addr, to->prefix);
}

static bool appear_as(int fd, const union address *client)
{
	const int on = 1;
	int level = client->any.sa_family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
	int name = client->any.sa_family == AF_INET ? IP_TRANSPARENT : IPV6_TRANSPARENT;

	return setsockopt(fd, level, name, &on, sizeof(on)) == 0 && bind(fd, &client->any, address_size(client)) == 0;
}

/* target_socket() - a socket on its way to the container, in @client's name if that may be; or -1 */
int target_socket(const struct listener *to, int type, const union address *client)
{
	const union address *target = &to->target;

	/* 0.0.0.0 would be ourselves. */
	if (target->any.sa_family == AF_INET && target->v4.sin_addr.s_addr == INADDR_ANY)
		return -1;

	bool plain = !may_appear(to, client);

	for (;;) {
		int fd = socket(target->any.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

		if (fd < 0)
			return -1;
		if ((plain || appear_as(fd, client)) &&
		    (connect(fd, &target->any, address_size(target)) == 0 || errno == EINPROGRESS))
			return fd;
		close(fd);
		if (plain)
			return -1;
		plain = true;
	}
}

/* ---- connections ---- */

static struct connection *connection_new(uint32_t *index)
{
	struct connection *c;

	if (first_free != UINT32_MAX) {
		*index = first_free;
		c = &connections[*index];
		first_free = c->next_free;
	} else if (connection_count < CONNECTIONS_MAX) {
		*index = connection_count++;
		c = &connections[*index];
	} else {
		return NULL;
	}
	*c = (struct connection){ .fd = { -1, -1 }, .pipe = { { -1, -1 }, { -1, -1 } } };
	return c;
}

/* A connection that ended badly on one side ends badly on the other. */
static void reset_on_close(int fd)
{
	const struct linger at_once = { .l_onoff = 1 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

static void connection_end(uint32_t index, bool badly)
{
	struct connection *c = &connections[index];

	for (int d = 0; d < 2; d++) {
		if (badly && c->fd[d] >= 0)
			reset_on_close(c->fd[d]);
		close_fd(&c->fd[d]);
		connection_leave_pipe(c, d);
	}
	c->next_free = first_free;
	first_free = index;
}

/* Events come once for each change; a direction that stopped for the others' sake asks for another. */
static void ask_again(const struct connection *c, int side, uint32_t index)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET,
				     .data.u64 = event_mark(side == 0 ? EVENT_CLIENT : EVENT_TARGET, index) };

	(void)epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd[side], &event);
}

/* Return: whether the connection goes on */
static bool direction_serve(uint32_t index, int d)
{
	struct connection *c = &connections[index];
	enum moved result = connection_move(c, d);

	if (result == MOVE_FAILED) {
		connection_end(index, true);
		return false;
	}
	if (result == MOVE_MORE)
		ask_again(c, c->full[d] ? 1 - d : d, index);
	if (c->held[d] == 0)
		connection_leave_pipe(c, d);
	if (c->ended[d] && c->held[d] == 0 && !c->told[d]) {
		c->told[d] = true;
		if (c->told[1 - d]) {
			connection_end(index, false);
			return false;
		}
		(void)shutdown(c->fd[1 - d], SHUT_WR);
	}
	return true;
}

/* Something has changed at one side: serves the directions that wait for it. */
static void connection_event(uint32_t index, int side, uint32_t events)
{
	struct connection *c = &connections[index];
	bool first = !c->connected;

	if (c->fd[0] < 0)
		return; /* ended by an earlier event of this round */
	/* What came before a reset is lost with it, as it would be without us. */
	if (events & EPOLLERR) {
		connection_end(index, true);
		return;
	}
	/* The container's side says nothing before it has answered; the client's may have sent already. */
	c->connected = c->connected || side == 1;
	if (!c->connected)
		return;
	for (int d = 0; d < 2; d++)
		if ((first || side == (c->full[d] ? 1 - d : d)) && !direction_serve(index, d))
			return;
}

/* ---- listeners ---- */

/* Of a connection's sockets; clients have them from their listener. */
static void set_options(int fd)
{
	const int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	/* A peer that has vanished is found out in the end. */
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

/* The socket towards the container; with the last descriptor, if there is no other. */
static int target_of(uint32_t listener, const union address *client)
{
	int fd = target_socket(&listeners[listener], SOCK_STREAM, client);

	if (fd >= 0 || (errno != EMFILE && errno != ENFILE))
		return fd;
	close_fd(&reserve);
	return target_socket(&listeners[listener], SOCK_STREAM, client);
}

static void connect_client(uint32_t listener, int client, const union address *address)
{
	uint32_t index;
	struct connection *c = connection_new(&index);

	if (c == NULL) {
		reset_on_close(client);
		close(client);
		return;
	}
	c->fd[0] = client;
	c->fd[1] = target_of(listener, address);
	if (c->fd[1] < 0) {
		connection_end(index, true);
		return;
	}
	set_options(c->fd[1]);
	if (!event_watch(c->fd[0], EPOLLIN | EPOLLOUT | EPOLLET, EVENT_CLIENT, index) ||
	    !event_watch(c->fd[1], EPOLLIN | EPOLLOUT | EPOLLET, EVENT_TARGET, index))
		connection_end(index, true);
}

static void listener_watch(uint32_t index, bool on)
{
	struct epoll_event event = { .events = on ? EPOLLIN : 0, .data.u64 = event_mark(EVENT_LISTENER, index) };

	listeners[index].paused = !on;
	(void)epoll_ctl(epoll, EPOLL_CTL_MOD, FORWARD_FIRST_FD + (int)index, &event);
}

/* No descriptors: its clients wait in the queue, and we do not look at it, for it would be ready all the time. */
static void listener_pause(uint32_t index)
{
	const struct itimerspec soon = { .it_value.tv_nsec = PAUSE_MS * 1000000L };

	listener_watch(index, false);
	(void)timerfd_settime(timer, 0, &soon, NULL);
}

static void listeners_resume(void)
{
	uint64_t count;

	if (read(timer, &count, sizeof(count)) < 0)
		return;
	for (uint32_t i = 0; i < listener_count; i++)
		if (listeners[i].paused)
			listener_watch(i, true);
}

static void accept_clients(uint32_t index)
{
	for (int i = 0; i < CLIENTS; i++) {
		union address address;
		socklen_t size = sizeof(address);
		int client = -1;

		if (reserve < 0)
			reserve = fcntl(FD_NULL, F_DUPFD_CLOEXEC, 0);
		if (reserve >= 0)
			client = accept4(FORWARD_FIRST_FD + (int)index, &address.any, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (client >= 0) {
			connect_client(index, client, &address);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			listener_pause(index);
		if (errno != ECONNABORTED && errno != EINTR)
			return;
	}
}

/* ---- the border to the monitor ---- */

static void *table(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/* Every client costs two descriptors: take as many as the user may have. The container's process has its own limit. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/*
 * forward_add() - the next listener forwards to @target
 * Called once for each, in the order of their descriptors. Return: 0 or -errno
 */
int forward_add(const union address *target, uint32_t prefix, bool udp)
{
	if (listeners == NULL) {
		listeners = table(LISTENERS_MAX * sizeof(*listeners));
		connections = table(CONNECTIONS_MAX * sizeof(*connections));
		if (listeners == NULL || connections == NULL)
			return -ENOMEM;
	}
	if (listener_count == LISTENERS_MAX)
		return -EMFILE;
	listeners[listener_count++] = (struct listener){ .target = *target, .prefix = (uint8_t)prefix, .udp = udp };
	return 0;
}

/*
 * forward_target() - the container has another IPv4 address now; 0.0.0.0: none
 * Connections that there are keep theirs, for what it is worth.
 */
void forward_target(const uint8_t address[4], uint32_t prefix)
{
	for (uint32_t i = 0; i < listener_count; i++) {
		union address *target = &listeners[i].target;
		in_port_t port = target->any.sa_family == AF_INET6 ? target->v6.sin6_port : target->v4.sin_port;

		memset(target, 0, sizeof(*target));
		target->v4.sin_family = AF_INET;
		target->v4.sin_port = port;
		memcpy(&target->v4.sin_addr, address, 4);
		listeners[i].prefix = prefix <= 32 ? (uint8_t)prefix : 32;
	}
}

/* forward_start() - begin to serve what was added; 0 or -errno. Does nothing where nothing was */
int forward_start(void)
{
	if (listener_count == 0 || epoll >= 0)
		return 0;
	raise_limit();
	epoll = epoll_create1(EPOLL_CLOEXEC);
	timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (epoll < 0 || timer < 0 || !event_watch(timer, EPOLLIN, EVENT_TIMER, 0))
		return -errno;
	for (uint32_t i = 0; i < listener_count; i++) {
		int fd = FORWARD_FIRST_FD + (int)i;

		if (!listeners[i].udp)
			set_options(fd);
		if (!event_watch(fd, EPOLLIN, EVENT_LISTENER, i))
			return -errno;
	}
	return 0;
}

/* forward_fd() - readable when forward_step() has something to do; -1: nothing is published */
int forward_fd(void)
{
	return epoll;
}

/* forward_step() - do what there is to do, without waiting */
void forward_step(void)
{
	struct epoll_event events[EVENTS];
	int count = epoll_wait(epoll, events, EVENTS, 0);

	for (int i = 0; i < count; i++) {
		uint32_t index = (uint32_t)events[i].data.u64;

		switch (events[i].data.u64 >> 32) {
		case EVENT_LISTENER:
			if (listeners[index].udp)
				udp_from_client(index);
			else
				accept_clients(index);
			break;
		case EVENT_FLOW:
			udp_from_target(index);
			break;
		case EVENT_TIMER:
			listeners_resume();
			break;
		case EVENT_CLIENT:
			connection_event(index, 0, events[i].events);
			break;
		case EVENT_TARGET:
			connection_event(index, 1, events[i].events);
			break;
		}
	}
}
