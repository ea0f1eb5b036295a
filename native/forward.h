/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What forward.c and forward_udp.c share: published ports, from listeners in the host's network to a container's address.
 */
#ifndef FORWARD_H
#define FORWARD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
	FORWARD_FIRST_FD = 256, /* listener N is descriptor 256 + N, from the launcher to the monitor */
	LISTENERS_MAX = 8192,
	CONNECTIONS_MAX = 16384,
	FLOWS_MAX = 1024,
};

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* One published port. */
struct listener {
	union address target;
	uint8_t prefix; /* of the target's subnet: its neighbours are never taken for clients from elsewhere */
	bool udp;
	bool paused; /* clients wait in its queue for want of descriptors */
};

/* Direction D of a connection goes from fd[D] to fd[1 - D]; 0 is the client. */
struct connection {
	int fd[2]; /* fd[0] == -1: a free entry */
	int pipe[2][2]; /* by direction; -1: none, nothing is held */
	uint32_t held[2]; /* bytes in the pipe */
	bool connected; /* the container has answered */
	bool full[2]; /* fd[1 - D] takes no more for now: it is waited for, and not fd[D] */
	bool ended[2]; /* nothing more comes from fd[D] */
	bool told[2]; /* ... and the other side knows */
	uint32_t next_free;
};

/* What an event is about; the rest of the 64 bits is an index. */
enum event_kind { EVENT_LISTENER, EVENT_CLIENT, EVENT_TARGET, EVENT_FLOW, EVENT_TIMER };

uint64_t event_mark(enum event_kind kind, uint32_t index);
bool event_watch(int fd, uint32_t events, enum event_kind kind, uint32_t index);
socklen_t address_size(const union address *address);
int target_socket(const struct listener *to, int type, const union address *client);
struct listener *listener_at(uint32_t index);

int forward_add(const union address *target, uint32_t prefix, bool udp);

/* ---- forward_move.c ---- */
enum moved { MOVE_BLOCKED, MOVE_MORE, MOVE_FAILED };
enum moved connection_move(struct connection *c, int d);
void connection_leave_pipe(struct connection *c, int d);

/* ---- forward_udp.c ---- */
void udp_from_client(uint32_t index);
void udp_from_target(uint32_t index);

#endif
