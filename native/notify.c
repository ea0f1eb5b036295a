/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling a service manager how the container fares, in the words of the plan: who is the main process, that it is
 * ready; and passing on what the container says itself.
 *
 * The container writes to a socket of ours. Of a message those lines go on whose field is in the plan's list: what it
 * says about process ids, or descriptors it sends along, mean nothing outside. A manager that takes nothing loses
 * messages; it never stops the container.
 */
#include "serve.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WHEN_STARTED, WHEN_HEALTHY, WHEN_TOLD };
enum { MESSAGE_MAX = 4096, READS_A_TURN = 8, PATIENCE_MS = 1000 };

static struct {
	const struct args_notify *conf; /* NULL: nobody wants to know */
	int target;
	int proxy;
	int dir; /* of the proxy's name */
	bool ready; /* has been said by us */
	bool full; /* the manager takes nothing at the moment: what the container says waits in its socket */
} notify = { .target = -1, .proxy = -1, .dir = -1 };

static void say(const char *text, size_t size)
{
	struct pollfd room = { .fd = notify.target, .events = POLLOUT };

	if (size > 0 && send(notify.target, text, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno == EAGAIN &&
	    poll(&room, 1, PATIENCE_MS) > 0)
		(void)send(notify.target, text, size, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static int open_proxy(const struct args_notify *conf)
{
	notify.dir = open(conf->dir.data, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (notify.dir < 0)
		return -errno;
	/* Whoever is in the container may write: which of its users that is, is not ours to know. */
	notify.proxy = socket_in(notify.dir, &conf->name, SOCK_DGRAM, 0666);
	return notify.proxy < 0 ? notify.proxy : 0;
}

int notify_open(const struct records *records, int target)
{
	const struct args_notify *conf = &records->notify;

	if (!(records->have & 1U << OP_NOTIFY) || target < 0)
		return 0;
	notify.target = fcntl(target, F_DUPFD_CLOEXEC, 3);
	if (notify.target < 0)
		return -errno;
	notify.conf = conf;
	return conf->dir.size ? open_proxy(conf) : 0;
}

void notify_started(void)
{
	char data[128];
	struct line l;

	if (!notify.conf)
		return;
	line_init(&l, data, sizeof(data));
	line_bytes(&l, notify.conf->main_pid.data, notify.conf->main_pid.size);
	line_number(&l, (uint64_t)getpid());
	if (notify.conf->when == WHEN_STARTED && !notify.ready) {
		notify.ready = true;
		line_text(&l, "\n");
		line_bytes(&l, notify.conf->ready.data, notify.conf->ready.size);
	}
	say(data, l.used);
}

void notify_healthy(void)
{
	if (!notify.conf || notify.ready || notify.conf->when != WHEN_HEALTHY)
		return;
	notify.ready = true;
	say(notify.conf->ready.data, notify.conf->ready.size);
}

/* What is waited for: something said, or room for it. */
int notify_fd(short *events)
{
	*events = notify.full ? POLLOUT : POLLIN;
	return notify.full ? notify.target : notify.proxy;
}

/* ---- from the container ---- */

static bool is_passed(const char *line, size_t size)
{
	const char *end = memchr(line, '=', size);
	struct texts names = notify.conf->pass;
	struct text name;

	while (end && texts_next(&names, &name))
		if (name.size == (size_t)(end - line) && memcmp(name.data, line, name.size) == 0)
			return true;
	return false;
}

/* Leaves of a message the lines that are passed on; returns how long that is, without the last newline. */
static size_t sift(char *message, size_t size)
{
	size_t from = 0, to = 0;

	while (from < size) {
		const char *end = memchr(message + from, '\n', size - from);
		size_t length = end ? (size_t)(end - message) - from : size - from;

		if (is_passed(message + from, length)) {
			memmove(message + to, message + from, length);
			to += length;
			message[to++] = '\n';
		}
		from += length + 1;
	}
	return to > 0 ? to - 1 : 0;
}

/*
 * Descriptors sent along are closed by the kernel, which is what a sender that waits for our having read waits for. Nobody
 * else waits: a container that says much, to a manager that takes its time, would keep us from all we have to do.
 */
void notify_step(void)
{
	for (int i = 0; i < READS_A_TURN; i++) {
		struct pollfd room = { .fd = notify.target, .events = POLLOUT };
		char message[MESSAGE_MAX + 1];
		ssize_t n;

		notify.full = poll(&room, 1, 0) == 0;
		if (notify.full)
			return;
		n = recv(notify.proxy, message, MESSAGE_MAX, MSG_TRUNC);
		if (n < 0)
			return;
		if (n <= MESSAGE_MAX)
			say(message, sift(message, (size_t)n));
	}
}

void notify_close(void)
{
	if (notify.proxy >= 0) {
		notify_step();
		(void)unlinkat(notify.dir, notify.conf->name.data, 0);
	}
	close_fd(&notify.proxy);
	close_fd(&notify.dir);
	close_fd(&notify.target);
	notify.conf = NULL;
}
