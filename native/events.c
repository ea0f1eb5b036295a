/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines in kelp's log of events. They come ready made from the plan; what only we know is put between their pieces.
 *
 * Each is appended by one write. kelp may be putting a shorter file in the log's place: for that it locks the file alone,
 * and we look, sharing the lock, whether it is still the one of that name. A log that cannot be written loses events and
 * nothing else.
 */
#include "serve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { PIECES_MAX = 32, LOCK_TRIES = 20, LOCK_PAUSE_US = 5000, OPEN_TRIES = 3 };
enum { OUTPUT_MAX = 8192, ESCAPE_MAX = 6 };

static const struct args_events *events;
/* What the fields of one line become. Mostly a few bytes; pages of it that no output has needed are not there. */
static char filled[OUTPUT_MAX * ESCAPE_MAX + 256];

/* ---- the line ---- */

static void put_time(struct line *l, const struct timespec *when)
{
	char time[32];

	line_bytes(l, time, log_time(time, when->tv_sec, (uint32_t)when->tv_nsec));
	line_text(l, "Z");
}

/* As the inside of a string of JSON; what is no UTF-8 is the reader's to replace. */
static void put_string(struct line *l, const uint8_t *data, uint32_t size)
{
	static const char digits[] = "0123456789abcdef";

	for (uint32_t i = 0; i < size && i < OUTPUT_MAX; i++) {
		const char code[] = { '\\', 'u', '0', '0', digits[data[i] >> 4], digits[data[i] & 15] };
		const bool special = data[i] < 0x20 || data[i] == 0x7f || data[i] == '"' || data[i] == '\\';

		line_bytes(l, special ? code : (const char *)&data[i], special ? sizeof(code) : 1);
	}
}

/* What a field of a template stands for, at @to. */
static void put_field(struct line *l, const struct text *name, const struct event_values *values)
{
	static const char *const words[] = { "false", "true" };
	struct timespec now;

	if (strcmp(name->data, "time") == 0) {
		clock_gettime(CLOCK_REALTIME, &now);
		put_time(l, &now);
	} else if (strcmp(name->data, "begun") == 0) {
		put_time(l, &values->begun);
	} else if (strcmp(name->data, "output") == 0) {
		put_string(l, values->output, values->output_size);
	} else if (strcmp(name->data, "code") == 0) {
		line_number(l, values->code);
	} else if (strcmp(name->data, "oom") == 0) {
		line_text(l, words[values->oom != 0]);
	} else if (strcmp(name->data, "failing") == 0) {
		line_number(l, values->failing);
	}
}

/*
 * The pieces as they are to be written, up to the field `next`, behind which another entry begins; every second one is the
 * name of a field. Return: how many
 */
static int fill(struct iovec *iov, struct line *l, struct texts *pieces, const struct event_values *values)
{
	struct text piece;
	int count = 0;

	for (bool field = false; texts_next(pieces, &piece); field = !field) {
		const uint32_t from = l->used;

		if (field && strcmp(piece.data, "next") == 0)
			break;
		if (count == PIECES_MAX)
			continue;
		if (field)
			put_field(l, &piece, values);
		iov[count++] = field ? (struct iovec){ l->data + from, l->used - from } :
				       (struct iovec){ (char *)(uintptr_t)piece.data, piece.size };
	}
	return count;
}

/* ---- the file ---- */

static bool is_named(int fd, const char *path)
{
	struct stat open_one, named;

	return fstat(fd, &open_one) == 0 && stat(path, &named) == 0 && open_one.st_ino == named.st_ino &&
	       open_one.st_dev == named.st_dev;
}

/* The lock is a courtesy between moments: a process stopped while it holds it does not stop us. */
static void lock_shared(int fd)
{
	for (int i = 0; i < LOCK_TRIES && flock(fd, LOCK_SH | LOCK_NB) < 0; i++)
		usleep(LOCK_PAUSE_US);
}

/* The log, open and shared; -1: there is none. */
static int open_log(const char *path)
{
	int fd = -1;

	for (int i = 0; i < OPEN_TRIES; i++) {
		struct stat st;

		close_fd(&fd);
		fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
		if (fd < 0)
			return -1;
		if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
			break;
		lock_shared(fd);
		if (is_named(fd, path))
			return fd;
	}
	close_fd(&fd);
	return -1;
}

/* Where nobody of kelp comes by to shorten it, it is put aside at twice its length. */
static void put_aside(int fd, const struct text *path, uint64_t max)
{
	char old[PATH_MAX];
	struct stat st;
	struct line l;

	if (max == 0 || fstat(fd, &st) < 0 || (uint64_t)st.st_size <= 2 * max)
		return;
	line_init(&l, old, sizeof(old));
	line_bytes(&l, path->data, path->size);
	line_text(&l, ".1");
	if (!l.full && flock(fd, LOCK_EX | LOCK_NB) == 0 && is_named(fd, path->data))
		(void)rename(path->data, old);
}

/* ---- the journal ---- */

/* Each entry is a message of its own. */
static void send_entries(const struct text *path, struct texts pieces, const struct event_values *values)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (path->size >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path->data, path->size + 1);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	while (fd >= 0 && pieces.count > 0) {
		struct iovec iov[PIECES_MAX];
		struct msghdr msg = { .msg_name = &address, .msg_namelen = sizeof(address), .msg_iov = iov };
		struct line l;

		line_init(&l, filled, sizeof(filled));
		msg.msg_iovlen = (size_t)fill(iov, &l, &pieces, values);
		(void)sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	close_fd(&fd);
}

void event_append(const struct event_place *place, struct texts pieces, const struct event_values *values)
{
	struct iovec iov[PIECES_MAX];
	struct line l;
	int fd;

	if (place->journal) {
		send_entries(place->path, pieces, values);
		return;
	}
	fd = open_log(place->path->data);
	if (fd < 0)
		return;
	line_init(&l, filled, sizeof(filled));
	if (writev(fd, iov, fill(iov, &l, &pieces, values)) > 0)
		put_aside(fd, place->path, place->max);
	close(fd);
}

/* ---- for the monitor ---- */

void events_open(const struct records *records)
{
	events = records->have & 1U << OP_EVENTS ? &records->events : NULL;
}

void event_put(struct texts lines, const struct event_values *values)
{
	if (events == NULL || lines.count == 0)
		return;
	const struct event_place place = { &events->path, events->max_bytes, events->journal != 0 };

	event_append(&place, lines, values);
}

void event_say(enum event event, const struct event_values *values)
{
	if (events == NULL)
		return;
	const struct texts lines[] = {
		[EVENT_START] = events->start,
		[EVENT_AGAIN] = events->again,
		[EVENT_DIED] = events->died,
	};

	event_put(lines[event], values);
}
