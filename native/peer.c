/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One client's connection: frames in, frames out.
 *
 * A client is trusted to be of our user and nothing more. Whatever it sends, or does not read, or breaks off in
 * the middle of, harms itself only; the exception is that its reading sets the pace of the streams it asked for.
 */
#include "serve.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static const uint8_t stream_want[2] = { WANT_STDOUT, WANT_STDERR };
static const uint8_t stream_frame[2] = { FRAME_STDOUT, FRAME_STDERR };

struct peer *peer_add(struct server *s, int fd)
{
	for (struct peer *p = s->peers; p < s->peers + PEERS_MAX; p++) {
		if (p->fd >= 0)
			continue;
		/* A passed descriptor may be anything; one that cannot be made non-blocking could stop us. */
		if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
			break;
		*p = (struct peer){ .fd = fd };
		return p;
	}
	close(fd);
	return NULL;
}

void peer_drop(struct server *s, struct peer *p)
{
	close_fd(&p->fd);
	if (p->wrote && !s->keep_stdin)
		s->in.closing = true;
	p->greeted = p->awaited = false;
}

bool peers_took(const struct server *s, unsigned which)
{
	for (const struct peer *p = s->peers; p < s->peers + PEERS_MAX; p++) {
		if (p->fd < 0)
			continue;
		if (p->awaited)
			return false;
		if (!p->gone && (p->want & stream_want[which]) && p->taken[which] < s->out[which].used)
			return false;
	}
	return true;
}

static uint32_t input_room(const struct input *in)
{
	return in->fd < 0 ? BUFFER_SIZE : BUFFER_SIZE - in->used;
}

short peer_events(const struct server *s, const struct peer *p)
{
	short events = 0;
	bool sending = p->out_start < p->out_used || p->body || p->ready_due || p->ack_due || p->end_due ||
		       p->check_due || p->exit_due;

	for (unsigned i = 0; i < 2; i++)
		if ((p->want & stream_want[i]) && p->taken[i] < s->out[i].used)
			sending = true;
	if (sending && !p->gone)
		events |= POLLOUT;
	/* The next request waits until this one is answered, and STDIN until the process has read. */
	if (!p->ack_due && !(p->left && input_room(&s->in) == 0))
		events |= POLLIN;
	return events;
}

/* ---- frames in ---- */

/* The length that a frame of this type must have, or -1 for an unknown type. STDIN: its greatest. */
static int frame_length(uint8_t type)
{
	switch (type) {
	case FRAME_HELLO:
	case FRAME_RESIZE:
	case FRAME_SIGNAL:
	case FRAME_AMEND:
		return 4;
	case FRAME_TARGET:
		return 8;
	case FRAME_STDIN:
		return FRAME_BODY_MAX;
	case FRAME_STDIN_EOF:
	case FRAME_REOPEN_LOG:
	case FRAME_CHECK:
	case FRAME_KEEP:
	case FRAME_START:
		return 0;
	default:
		return -1;
	}
}

static bool head_valid(const struct peer *p)
{
	int length = frame_length(p->in[0]), claimed = get_u16(p->in + 2);

	if (p->in[1] != 0 || length < 0 || p->greeted == (p->in[0] == FRAME_HELLO))
		return false;
	if (p->in[0] == FRAME_STDIN)
		return claimed <= length && (p->want & WANT_STDIN);
	return claimed == length;
}

static void take_hello(struct server *s, struct peer *p)
{
	p->want = p->in[FRAME_HEAD] & (WANT_STDIN | WANT_STDOUT | WANT_STDERR | WANT_ENDS);
	p->greeted = p->ready_due = true;
	p->awaited = false;
	p->end_due = s->ended && (p->want & WANT_ENDS);
	p->exit_due = s->leaving;
	for (unsigned i = 0; i < 2; i++)
		p->taken[i] = (uint16_t)s->out[i].used;
}

static void take_signal(struct server *s, struct peer *p)
{
	int signal = (int)get_u32(p->in + FRAME_HEAD);

	p->ack = (uint32_t)-server_signal(s, signal);
	p->ack_due = true;
	if (signal == SIGKILL || signal == SIGINT || signal == (int)s->stop_signal)
		s->asked = true;
	if (signal != SIGKILL)
		return;
	s->hurry = true;
	if (s->ended)
		s->deadline = now_ms() + GRACE_MS;
}

/* Once the end is being told, it is too late: what was to go has gone. */
static void take_keep(const struct server *s, struct peer *p)
{
	p->keeps = !s->leaving;
	p->ack = s->leaving ? ESRCH : 0;
	p->ack_due = true;
}

static void take_amend(struct server *s, struct peer *p)
{
	if (s->leaving)
		p->ack = ESRCH;
	else
		p->ack = s->amend ? (uint32_t)-s->amend(s, get_u32(p->in + FRAME_HEAD)) : EOPNOTSUPP;
	p->ack_due = true;
}

/* A process that could not be let go ends: with that everybody is told why. */
static void take_start(struct server *s, struct peer *p)
{
	int r = s->start ? s->start(s) : -ESRCH;

	p->ack = (uint32_t)-r;
	p->ack_due = !s->failed;
}

static void take_resize(const struct server *s, const struct peer *p)
{
	struct winsize size = { .ws_row = get_u16(p->in + FRAME_HEAD), .ws_col = get_u16(p->in + FRAME_HEAD + 2) };

	if (s->tty && s->out[0].fd >= 0)
		(void)ioctl(s->out[0].fd, TIOCSWINSZ, &size);
}

static void take_frame(struct server *s, struct peer *p)
{
	switch (p->in[0]) {
	case FRAME_HELLO:
		take_hello(s, p);
		break;
	case FRAME_STDIN_EOF:
		if (!s->keep_stdin)
			s->in.closing = true;
		break;
	case FRAME_RESIZE:
		take_resize(s, p);
		break;
	case FRAME_SIGNAL:
		take_signal(s, p);
		break;
	case FRAME_KEEP:
		take_keep(s, p);
		break;
	case FRAME_AMEND:
		take_amend(s, p);
		break;
	case FRAME_START:
		take_start(s, p);
		break;
	case FRAME_CHECK:
		p->asks = true;
		if (s->check && !s->leaving)
			s->check(s);
		else
			server_tell_check(s);
		break;
	case FRAME_TARGET:
		forward_target(p->in + FRAME_HEAD, get_u32(p->in + FRAME_HEAD + 4));
		break;
	default: /* FRAME_REOPEN_LOG: head_valid lets no other through */
		log_reopen();
		break;
	}
	p->got = 0;
}

/* The bytes of a small frame. The very first of a connection may bring another connection along. */
static ssize_t receive_small(struct server *s, struct peer *p, size_t want)
{
	uint8_t *to = p->in + p->got;
	ssize_t n;
	int other;

	if (p->greeted || p->got > 0)
		return recv(p->fd, to, want - p->got, MSG_DONTWAIT);
	n = fd_receive(p->fd, to, want, MSG_DONTWAIT, &other);
	if (other >= 0)
		peer_add(s, other);
	return n;
}

static ssize_t receive_stdin(struct server *s, struct peer *p)
{
	struct input *in = &s->in;
	size_t room = input_room(in);

	if (room == 0) {
		errno = EAGAIN;
		return -1;
	}
	if (in->fd < 0)
		in->start = in->used = 0;
	ssize_t n = recv(p->fd, in->data + in->used, p->left < room ? p->left : room, MSG_DONTWAIT);
	if (n > 0) {
		p->wrote = true;
		p->left = (uint16_t)(p->left - n);
		if (in->fd >= 0)
			in->used += (uint32_t)n;
	}
	return n;
}

/* One step: bytes of STDIN, of a head, or of a small frame's body. False: stop, nothing more to take now. */
static bool receive_step(struct server *s, struct peer *p)
{
	ssize_t n;

	if (p->left) {
		n = receive_stdin(s, p);
	} else {
		size_t want = p->got < FRAME_HEAD ? FRAME_HEAD : FRAME_HEAD + get_u16(p->in + 2);

		n = receive_small(s, p, want);
		if (n > 0) {
			p->got = (uint8_t)(p->got + n);
			if (p->got == FRAME_HEAD && !head_valid(p)) {
				peer_drop(s, p);
				return false;
			}
		}
	}
	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			peer_drop(s, p);
		return false;
	}
	return true;
}

void peer_receive(struct server *s, struct peer *p)
{
	/* Bounded, so that a client which never stops sending leaves the others their turn. */
	for (int steps = 0; steps < 8 && p->fd >= 0 && !p->ack_due; steps++) {
		if (!receive_step(s, p))
			break;
		if (p->got < FRAME_HEAD)
			continue;
		if (p->in[0] == FRAME_STDIN) {
			p->left = get_u16(p->in + 2);
			p->got = 0;
		} else if (p->got == FRAME_HEAD + get_u16(p->in + 2)) {
			take_frame(s, p);
		}
	}
}

/* ---- frames out ---- */

static void frame_small(struct peer *p, enum frame_type type, const uint32_t *words, uint32_t count)
{
	put_head(p->out, type, 4 * count);
	for (uint32_t i = 0; i < count; i++)
		put_u32(p->out + FRAME_HEAD + 4 * i, words[i]);
	p->out_start = 0;
	p->out_used = (uint8_t)(FRAME_HEAD + 4 * count);
}

/* Puts the next frame that is due into place. False: there is none. EXIT comes last of all. */
static bool frame_next(const struct server *s, struct peer *p)
{
	if (p->ready_due) {
		frame_small(p, FRAME_READY, (uint32_t[]){ (uint32_t)s->process, s->tty }, 2);
		p->ready_due = false;
		return true;
	}
	if (p->ack_due) {
		frame_small(p, FRAME_ACK, &p->ack, 1);
		p->ack_due = false;
		return true;
	}
	for (unsigned i = 0; i < 2; i++) {
		uint32_t rest = s->out[i].used - p->taken[i];

		if (!(p->want & stream_want[i]) || rest == 0)
			continue;
		frame_small(p, stream_frame[i], NULL, 0);
		put_u16(p->out + 2, rest);
		p->stream = (uint8_t)i;
		p->body = (uint16_t)rest;
		return true;
	}
	if (p->end_due) {
		frame_small(p, FRAME_ENDED, (uint32_t[]){ s->code, s->signal, s->oom }, 3);
		p->end_due = false;
		return true;
	}
	if (p->check_due) {
		frame_small(p, FRAME_CHECKED, s->checked, 2);
		p->check_due = false;
		return true;
	}
	if (p->exit_due && s->failed) {
		frame_small(p, FRAME_FAILED, s->failure, 3);
		p->exit_due = false;
		return true;
	}
	if (p->exit_due) {
		frame_small(p, FRAME_EXIT, (uint32_t[]){ s->code, s->signal, s->oom }, 3);
		p->exit_due = false;
		return true;
	}
	return false;
}

void peer_send(struct server *s, struct peer *p)
{
	while (p->fd >= 0 && !p->gone) {
		if (p->out_start == p->out_used && p->body == 0 && !frame_next(s, p))
			return;
		struct iovec iov[2] = {
			{ .iov_base = p->out + p->out_start, .iov_len = (size_t)(p->out_used - p->out_start) },
			{ .iov_base = s->out[p->stream].data + p->taken[p->stream], .iov_len = p->body },
		};
		struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
		ssize_t n = sendmsg(p->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0) {
			/* Not dropped yet: what it sent before it went (a signal, the rest of stdin) still counts. */
			if (errno != EAGAIN) {
				p->gone = true;
				p->ready_due = p->ack_due = p->end_due = p->check_due = p->exit_due = false;
			}
			return;
		}
		size_t head = (size_t)n < iov[0].iov_len ? (size_t)n : iov[0].iov_len;
		p->out_start = (uint8_t)(p->out_start + head);
		p->body = (uint16_t)(p->body - ((size_t)n - head));
		p->taken[p->stream] = (uint16_t)(p->taken[p->stream] + ((size_t)n - head));
	}
}
