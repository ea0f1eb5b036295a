/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What others say to us, under the sanitizers: fuzz-peers [ROUNDS [RANDOM-SEED]].
 *
 * A container's messages to its service manager: exactly the lines get through that may. A monitor's frames to its client: whatever
 * comes, in whatever pieces, the client ends with a status or says that the monitor is lost.
 */
#include "../proto.h"
#include "../serve.h"
#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LONGEST = 4096, STREAM_MAX = 40000, OWN_STDERR = 31, SOCKETS_END = 8 };

static int container, proxy; /* both ends of the container's socket */

/* The socket that notify.c would bind. */
int socket_in(int dir, const struct text *name, int type, mode_t mode)
{
	(void)dir;
	(void)name;
	(void)type;
	(void)mode;
	return proxy;
}

static void require(int holds, const char *what)
{
	if (holds)
		return;
	dprintf(OWN_STDERR, "fuzz-peers: %s\n", what);
	abort();
}

static void pair(int type, int ends[2])
{
	require(socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0, "no sockets");
}

/* ---- messages to a manager ---- */

/* Two names, in wire form. */
static const uint8_t passed[] = { 1, 0, 0, 0, 'A', 0, 0, 0, 2, 0, 0, 0, 'B', 'C', 0, 0 };

static uint32_t make_message(char *to, uint32_t *random)
{
	static const char *const words[] = { "A=", "BC=", "\n", "\n", "=", "A", "B", "BC", "AB=", "READY=1", "x", "\n\n" };
	uint32_t used = 0, count = next_random(random) % 24;

	while (count-- > 0) {
		const char *word = words[next_random(random) % (sizeof(words) / sizeof(words[0]))];

		memcpy(to + used, word, strlen(word));
		used += (uint32_t)strlen(word);
		if (next_random(random) % 16 == 0)
			to[used++] = (char)next_random(random);
	}
	/* About as long as a message may be. */
	if (next_random(random) % 8 == 0)
		for (uint32_t end = LONGEST - 4 + next_random(random) % 8; used < end;)
			to[used++] = next_random(random) % 64 == 0 ? '\n' : 'y';
	return used;
}

static bool may_pass(const char *line, uint32_t size)
{
	return (size >= 2 && memcmp(line, "A=", 2) == 0) || (size >= 3 && memcmp(line, "BC=", 3) == 0);
}

/* What is to come of a message, found by looking at one line after the other. */
static uint32_t expect(const char *message, uint32_t size, char *to)
{
	uint32_t used = 0;

	for (uint32_t from = 0, at = 0; at <= size && size <= LONGEST; at++) {
		if (at < size && message[at] != '\n')
			continue;
		if (may_pass(message + from, at - from)) {
			if (used > 0)
				to[used++] = '\n';
			memcpy(to + used, message + from, at - from);
			used += at - from;
		}
		from = at + 1;
	}
	return used;
}

static void play_message(int manager, uint32_t *random)
{
	char message[LONGEST + 64], wanted[LONGEST + 64], got[LONGEST + 64];
	uint32_t size = make_message(message, random), expected = expect(message, size, wanted);
	ssize_t n;

	require(send(container, message, size, 0) == (ssize_t)size, "not sent");
	notify_step();
	n = recv(manager, got, sizeof(got), 0);
	require(expected == 0 ? n < 0 : n == (ssize_t)expected && memcmp(got, wanted, expected) == 0,
		"something else gets through than what may");
	require(recv(manager, got, sizeof(got), 0) < 0, "one message becomes two");
}

/* ---- a monitor's frames ---- */

/* Frames, often right ones. Return: their size */
static uint32_t make_frames(uint8_t *to, uint32_t *random)
{
	static const uint8_t types[] = { FRAME_READY, FRAME_STDOUT, FRAME_STDERR, FRAME_ACK, FRAME_EXIT, FRAME_ENDED, FRAME_CHECKED, 0 };
	static const uint8_t lengths[] = { 8, 0, 0, 4, 12, 12, 8, 0 };
	uint32_t used = 0;

	for (uint32_t count = next_random(random) % 12; count-- > 0 && used < STREAM_MAX - FRAME_BODY_MAX - FRAME_HEAD;) {
		uint32_t which = next_random(random) % (next_random(random) % 4 == 0 ? sizeof(types) : 4), size = lengths[which];

		if (types[which] == FRAME_STDOUT || types[which] == FRAME_STDERR)
			size = next_random(random) % (next_random(random) % 8 == 0 ? FRAME_BODY_MAX + 1 : 64);
		put_head(to + used, (enum frame_type)types[which], size);
		for (uint32_t i = 0; i < size; i++)
			to[used + FRAME_HEAD + i] = (uint8_t)next_random(random);
		if (next_random(random) % 16 == 0)
			to[used + next_random(random) % FRAME_HEAD] = (uint8_t)next_random(random);
		used += FRAME_HEAD + size;
	}
	return next_random(random) % 4 == 0 && used > 0 ? next_random(random) % used : used;
}

static void play_frames(uint32_t *random)
{
	static uint8_t stream[STREAM_MAX];
	const struct args_client options = { .streams = WANT_STDIN | WANT_STDOUT | WANT_STDERR,
					     .detach_keys = { "ab", 2 },
					     .signals = next_random(random) % 2 };
	uint32_t size = make_frames(stream, random);
	struct report failure;
	int ends[2], status;

	pair(SOCK_STREAM, ends);
	require(send(ends[1], stream, size, 0) == (ssize_t)size, "not sent");
	shutdown(ends[1], SHUT_WR);
	status = client_run(ends[0], &options, next_random(random) % 2 ? &failure : NULL);
	require(status == CLIENT_LOST || status == CLIENT_FAILED || (status >= 0 && status <= 255), "no status");
	/* A client lives for one connection, and leaves the closing of the rest to its end. */
	syscall(SYS_close_range, SOCKETS_END, OWN_STDERR - 1, 0);
}

int main(int argc, char **argv)
{
	uint32_t rounds = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000;
	uint32_t random = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1;
	struct records records = { .have = 1U << OP_NOTIFY };
	int manager[2], ends[2], null = open("/dev/null", O_RDWR);

	dup2(STDERR_FILENO, OWN_STDERR);
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd); /* what a monitor sends its client goes nowhere */
	syscall(SYS_close_range, 3, OWN_STDERR - 1, 0);
	syscall(SYS_close_range, OWN_STDERR + 1, ~0U, 0);
	pair(SOCK_DGRAM, manager);
	pair(SOCK_DGRAM, ends);
	container = ends[0];
	proxy = ends[1];
	records.notify.dir = (struct text){ "/", 1 };
	records.notify.pass = (struct texts){ passed, 2 };
	require(notify_open(&records, manager[0]) == 0, "no socket to be notified");
	for (uint32_t i = 0; i < rounds; i++)
		play_message(manager[1], &random);
	require(ends[1] < SOCKETS_END, "descriptors are elsewhere");
	for (uint32_t i = 0; i < rounds / 10; i++)
		play_frames(&random);
	return 0;
}
