/* SPDX-License-Identifier: Apache-2.0 */
/* The pipes or the terminal between a process of the container and us, and the buffers on our side. */
#include "serve.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

void streams_none(struct streams *s)
{
	for (int i = 0; i < 3; i++)
		s->child[i] = s->ours[i] = -1;
	s->pty_child = s->pty_ours = -1;
}

void streams_close(struct streams *s)
{
	streams_close_child(s);
	for (int i = 0; i < 3; i++)
		close_fd(&s->ours[i]);
	close_fd(&s->pty_ours);
}

static int streams_open_one(struct streams *s, int i)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	s->child[i] = ends[i == 0 ? 0 : 1];
	s->ours[i] = ends[i == 0 ? 1 : 0];
	return 0;
}

int streams_open(struct streams *s, bool tty, bool stdin_open)
{
	int ends[2], r = 0;

	streams_none(s);
	if (tty) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
			return -errno;
		s->pty_ours = ends[0];
		s->pty_child = ends[1];
		return 0;
	}
	for (int i = stdin_open ? 0 : 1; r == 0 && i < 3; i++)
		r = streams_open_one(s, i);
	if (r < 0)
		streams_close(s);
	return r;
}

void streams_close_child(struct streams *s)
{
	for (int i = 0; i < 3; i++)
		close_fd(&s->child[i]);
	close_fd(&s->pty_child);
}

int streams_take_pty(struct streams *s)
{
	char byte;
	ssize_t n = fd_receive(s->pty_ours, &byte, 1, 0, &s->ours[0]);
	int error = n < 0 ? -errno : s->ours[0] < 0 ? -EPROTO : 0;

	close_fd(&s->pty_ours);
	return error;
}

bool output_fill(struct server *s, unsigned which)
{
	struct output *o = &s->out[which];
	bool late = s->ended && now_ms() >= s->deadline;
	ssize_t n = read(o->fd, o->data, sizeof(o->data));

	if (n <= 0) {
		/* EIO is the end of a terminal; any other error but "nothing there" ends a stream as well. */
		if (n == 0 || errno != EAGAIN || late)
			close_fd(&o->fd);
		return false;
	}
	o->used = (uint32_t)n;
	for (struct peer *p = s->peers; p < s->peers + PEERS_MAX; p++)
		p->taken[which] = 0;
	log_write(which, o->data, o->used);
	if (s->ended) {
		o->owed -= o->owed < o->used ? o->owed : o->used;
		if (late && o->owed == 0)
			close_fd(&o->fd);
	}
	return true;
}

void input_drain(struct input *in)
{
	while (in->fd >= 0 && in->start < in->used) {
		ssize_t n = write(in->fd, in->data + in->start, in->used - in->start);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			/* The process has closed its stdin: whatever else is sent goes nowhere. */
			if (errno == EPIPE)
				close_fd(&in->fd);
			break;
		}
		in->start += (uint32_t)n;
	}
	in->start = in->used = 0;
	if (in->closing)
		close_fd(&in->fd);
}
