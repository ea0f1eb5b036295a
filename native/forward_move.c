/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of published TCP ports: from socket to socket through a pipe and never through our memory. One pipe serves all
 * connections: only what a slow reader has not taken keeps the pipe it is in. There are few of those, for the kernel gives
 * a user little memory for pipes; further slow readers are served by copying, and what they have not taken stays in the
 * sender's socket.
 */
#include "forward.h"
#include "holdfast.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
	PIPE_SIZE = 1 << 20, /* asked for; a user's share of pipe memory may give less */
	PIPES_MAX = 16,
	COPY_SIZE = 1 << 16,
	ROUNDS = 16, /* of one direction before others have their turn */
};

static int spare[2] = { -1, -1 }; /* an empty pipe */
static uint32_t pipes; /* that there are */

static bool take_pipe(int to[2])
{
	if (spare[0] >= 0) {
		memcpy(to, spare, sizeof(spare));
		spare[0] = spare[1] = -1;
		return true;
	}
	if (pipes == PIPES_MAX || pipe2(to, O_CLOEXEC | O_NONBLOCK) < 0) {
		to[0] = to[1] = -1;
		return false;
	}
	(void)fcntl(to[0], F_SETPIPE_SZ, PIPE_SIZE);
	pipes++;
	return true;
}

/* An empty pipe is kept for the next, a full one goes with what is in it. */
static void give_pipe(int from[2], bool empty)
{
	if (from[0] < 0)
		return;
	if (empty && spare[0] < 0) {
		memcpy(spare, from, sizeof(spare));
	} else {
		close(from[0]);
		close(from[1]);
		pipes--;
	}
	from[0] = from[1] = -1;
}

static bool would_block(void)
{
	return errno == EAGAIN || errno == EINTR;
}

/* By way of a pipe. @n: bytes that came to be held, 0: the end. */
static bool fill(struct connection *c, int d, ssize_t *n)
{
	*n = splice(c->fd[d], NULL, c->pipe[d][1], NULL, PIPE_SIZE, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	if (*n > 0)
		c->held[d] = (uint32_t)*n;
	return *n >= 0;
}

static bool drain(struct connection *c, int d)
{
	ssize_t n = splice(c->pipe[d][0], NULL, c->fd[1 - d], NULL, c->held[d], SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	if (n > 0)
		c->held[d] -= (uint32_t)n;
	return n >= 0;
}

/* Without a pipe: only what the receiver takes leaves the sender's socket. */
static bool copy(struct connection *c, int d, ssize_t *n)
{
	static uint8_t buffer[COPY_SIZE];

	*n = recv(c->fd[d], buffer, sizeof(buffer), MSG_PEEK | MSG_DONTWAIT);
	if (*n <= 0)
		return *n == 0;
	*n = send(c->fd[1 - d], buffer, (size_t)*n, MSG_DONTWAIT | MSG_NOSIGNAL);
	c->full[d] = *n < 0;
	if (*n > 0)
		*n = recv(c->fd[d], buffer, (size_t)*n, MSG_DONTWAIT);
	return *n >= 0;
}

/*
 * connection_move() - move what there is in one direction, up to a number of rounds
 * Afterwards c->full[d] says which of the two sides is waited for.
 */
enum moved connection_move(struct connection *c, int d)
{
	for (int round = 0; round < ROUNDS; round++) {
		bool piped = c->pipe[d][0] >= 0, moved = true;
		ssize_t n = 1;

		c->full[d] = false;
		if (c->held[d] == 0) {
			if (c->ended[d])
				return MOVE_BLOCKED;
			piped = piped || take_pipe(c->pipe[d]);
			moved = piped ? fill(c, d, &n) : copy(c, d, &n);
		}
		if (moved && n == 0) {
			c->ended[d] = true;
			return MOVE_BLOCKED;
		}
		if (moved && piped)
			moved = drain(c, d);
		c->full[d] = c->full[d] || c->held[d] > 0;
		if (!moved)
			return would_block() ? MOVE_BLOCKED : MOVE_FAILED;
	}
	return MOVE_MORE;
}

/* connection_leave_pipe() - what a direction keeps no bytes in others may have; at the end of a connection those go with it */
void connection_leave_pipe(struct connection *c, int d)
{
	give_pipe(c->pipe[d], c->held[d] == 0);
}
