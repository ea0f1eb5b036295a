/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients that send a monitor anything, under the sanitizers: fuzz-protocol [ROUNDS [RANDOM-SEED]].
 *
 * Each round is a few connections over real sockets, fed with frames that are right, nearly right and noise, in pieces of
 * any size, some with a descriptor. After every piece: nothing has grown beyond its buffer, and what comes back is frames.
 */
#include "../serve.h"
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CLIENTS = 3, PIECES = 40, PIECE_MAX = 600 };

static struct server server;
static uint32_t targets;

/* The monitor's other halves; reaching them is enough. */
void forward_target(const uint8_t address[4], uint32_t prefix)
{
	targets += address[0] + prefix;
}

void server_tell_check(struct server *s)
{
	for (struct peer *p = s->peers; p < s->peers + PEERS_MAX; p++)
		p->asks = false;
}

int server_signal(const struct server *s, int number)
{
	return s->process_fd < 0 ? -ESRCH : -number;
}

static void require(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz-protocol: %s\n", what);
	abort();
}

/* What one client got so far: the frame that is being received. */
struct reader {
	int fd;
	uint32_t got, left;
	uint8_t head[FRAME_HEAD];
};

/* Everything that the monitor sent must be whole frames of types that it may send. */
static void read_answers(struct reader *r)
{
	static uint8_t data[1 << 17];
	ssize_t n;

	while (r->fd >= 0 && (n = recv(r->fd, data, sizeof(data), MSG_DONTWAIT)) > 0) {
		for (ssize_t at = 0; at < n;) {
			uint32_t some;

			if (r->left > 0) {
				some = r->left < (uint32_t)(n - at) ? r->left : (uint32_t)(n - at);
				r->left -= some;
				at += some;
				continue;
			}
			r->head[r->got++] = data[at++];
			if (r->got < FRAME_HEAD)
				continue;
			r->got = 0;
			r->left = get_u16(r->head + 2);
			require(r->head[0] >= FRAME_READY && r->head[0] <= FRAME_FAILED, "an answer of no known type");
			require(r->head[1] == 0 && r->left <= FRAME_BODY_MAX, "an answer that is no frame");
		}
	}
}

static void check_server(void)
{
	require(server.in.start <= server.in.used && server.in.used <= BUFFER_SIZE, "stdin beyond its buffer");
	for (const struct peer *p = server.peers; p < server.peers + PEERS_MAX; p++) {
		require(p->got <= FRAME_SMALL, "a frame beyond its buffer");
		require(p->left <= FRAME_BODY_MAX, "more STDIN than a frame has");
		require(p->taken[0] <= server.out[0].used && p->taken[1] <= server.out[1].used, "more taken than there is");
	}
}

/* A frame: often a right one, else with a wrong type, length or flag. Return: its size */
static uint32_t make_frame(uint8_t *to, uint32_t *random)
{
	static const uint8_t lengths[] = { 0, 4, 0, 0, 4, 4, 0, 0, 8, 0, 4, 0 };
	uint32_t type = next_random(random) % sizeof(lengths), length = lengths[type], body;

	if (type == FRAME_STDIN)
		length = next_random(random) % 200;
	put_head(to, (enum frame_type)type, length);
	body = length;
	for (uint32_t i = 0; i < body; i++)
		to[FRAME_HEAD + i] = (uint8_t)next_random(random);
	if (next_random(random) % 16 == 0)
		to[next_random(random) % FRAME_HEAD] = (uint8_t)next_random(random);
	return FRAME_HEAD + body;
}

/* Sends a piece, now and then with one end of another connection. */
static void send_piece(int fd, const uint8_t *data, uint32_t size, uint32_t *random)
{
	int pair[2];

	if (next_random(random) % 32 != 0) {
		(void)!send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
		return;
	}
	const bool stream = next_random(random) % 4 != 0;

	/* A connection need not be one: of datagrams an empty one may have a descriptor beside it. */
	if (socketpair(AF_UNIX, (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0, pair) < 0)
		return;
	if (stream)
		(void)!send(pair[0], data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		(void)fd_send(pair[0], STDIN_FILENO, data, 0);
	(void)fd_send(fd, pair[1], data, size);
	close(pair[0]);
	close(pair[1]);
}

static void begin(struct reader *clients, const int pipe[2])
{
	memset(&server, 0, sizeof(server));
	server.listen_fd = server.process_fd = server.tty_fd = server.watch[0] = server.watch[1] = -1;
	server.in.fd = fcntl(pipe[1], F_DUPFD_CLOEXEC, 3);
	server.out[0].fd = server.out[1].fd = -1;
	server.out[0].used = 5000;
	server.out[1].used = BUFFER_SIZE;
	for (struct peer *p = server.peers; p < server.peers + PEERS_MAX; p++)
		p->fd = -1;
	for (int i = 0; i < CLIENTS; i++) {
		int pair[2];

		require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, "no sockets");
		clients[i] = (struct reader){ .fd = pair[1] };
		require(peer_add(&server, pair[0]) != NULL, "no room for a client");
	}
}

static void end(struct reader *clients)
{
	for (struct peer *p = server.peers; p < server.peers + PEERS_MAX; p++)
		if (p->fd >= 0)
			peer_drop(&server, p);
	for (int i = 0; i < CLIENTS; i++)
		close_fd(&clients[i].fd);
	close_fd(&server.in.fd);
}

static void play(uint32_t *random, const int pipe[2])
{
	struct reader clients[CLIENTS];
	uint8_t stream[PIECE_MAX], waste[4096];

	begin(clients, pipe);
	for (int i = 0; i < PIECES; i++) {
		struct reader *client = &clients[next_random(random) % CLIENTS];
		uint32_t used, size;

		/* HELLO first, mostly; then frames, cut anywhere. */
		for (used = 0; used + 220 < sizeof(stream) && next_random(random) % 4 != 0;)
			used += make_frame(stream + used, random);
		if (i < CLIENTS && next_random(random) % 8 != 0) {
			client = &clients[i];
			put_head(stream, FRAME_HELLO, 4);
			put_u32(stream + FRAME_HEAD, next_random(random));
			used = FRAME_HEAD + 4;
		}
		size = used > 0 && next_random(random) % 4 == 0 ? next_random(random) % used : used;
		if (size > 0)
			send_piece(client->fd, stream, size, random);
		for (struct peer *p = server.peers; p < server.peers + PEERS_MAX; p++) {
			if (p->fd >= 0 && peer_events(&server, p) != 0)
				peer_receive(&server, p);
			if (p->fd >= 0)
				peer_send(&server, p);
		}
		check_server();
		if (server.in.used > 0 && next_random(random) % 2 == 0)
			input_drain(&server.in);
		while (read(pipe[0], waste, sizeof(waste)) > 0)
			;
		for (int c = 0; c < CLIENTS; c++)
			read_answers(&clients[c]);
	}
	end(clients);
}

int main(int argc, char **argv)
{
	uint32_t rounds = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 100000;
	uint32_t random = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1;
	int ends[2];

	syscall(SYS_close_range, 3, ~0U, 0);
	require(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0, "no pipe");
	for (uint32_t i = 0; i < rounds; i++)
		play(&random, ends);
	/* Every connection of every round is closed. */
	for (int fd = ends[1] + 1; fd < 1024; fd++)
		require(fcntl(fd, F_GETFD) < 0, "a descriptor is left");
	return 0;
}
