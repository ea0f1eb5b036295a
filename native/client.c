/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attach client: between the caller's terminal or files and a monitor's socket (PROTOCOL.md).
 *
 * All signals are blocked and read from a signalfd, so there is one way out of the loop and the terminal is put
 * back on it. Requests (signals, window size) have a connection of their own: on the first one they would wait
 * behind stdin that the container does not read.
 */
#include "client.h"
#include "proto.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ENTRY_SIGNALS, ENTRY_SOCKET, ENTRY_CONTROL, ENTRY_STDIN, ENTRY_SINK, ENTRY_COUNT };
enum { GO_ON = -1 }; /* no exit status yet */
/* Whole pages, so that a program which reads its stdin in blocks (dd) gets none in two pieces; the rest is for held-back keys. */
enum { INPUT_MAX = FRAME_BODY_MAX - 4096 };
_Static_assert(KEYS_MAX <= FRAME_BODY_MAX - INPUT_MAX, "held-back keys and input fit a frame");

struct sink {
	int fd; /* -1: what comes for it is thrown away */
	enum sink_kind kind;
};

static struct client {
	const struct args_client *options;
	struct report *failure; /* not NULL: the container is to be let go */
	int sock, control, signals;
	int input; /* -1: nothing more is read */
	bool ready; /* READY has come: input may go */
	bool eof_due; /* STDIN_EOF is to be sent after what is in `to` */
	bool write_failed;
	struct terminal terminal;
	struct keys keys;
	struct sink sinks[2];
	uint8_t head[FRAME_SMALL]; /* the frame being received, without stream bytes */
	uint32_t got;
	uint32_t left; /* stream bytes of the frame that are still to be received */
	uint32_t from_start, from_used;
	uint32_t to_start, to_used;
	uint8_t from[FRAME_BODY_MAX]; /* on their way to a sink */
	uint8_t to[FRAME_HEAD + FRAME_BODY_MAX]; /* one frame on its way to the monitor */
} client;

/* ---- requests ---- */

static void request(struct client *c, enum frame_type type, uint32_t word)
{
	uint8_t frame[FRAME_HEAD + 4];

	put_head(frame, type, 4);
	put_u32(frame + FRAME_HEAD, word);
	/* Eight bytes in a connection that carries little else: if there is no room, the monitor is not alive. */
	(void)send(c->control, frame, sizeof(frame), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void send_size(struct client *c)
{
	uint16_t rows, columns;

	if (terminal_size(&rows, &columns))
		request(c, FRAME_RESIZE, rows | (uint32_t)columns << 16);
}

/* HELLO, with one end of the control connection; what is sent on the other end waits until the monitor reads. */
static int send_hello(struct client *c)
{
	uint8_t frame[FRAME_HEAD + 4];
	int pair[2], error;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	c->control = pair[0];
	put_head(frame, FRAME_HELLO, 4);
	put_u32(frame + FRAME_HEAD, c->options->streams);
	error = fd_send(c->sock, pair[1], frame, sizeof(frame));
	close(pair[1]);
	request(c, FRAME_HELLO, 0);
	put_head(frame, FRAME_START, 0);
	if (error == 0 && c->failure)
		error = send(c->sock, frame, FRAME_HEAD, MSG_NOSIGNAL) < 0 ? -errno : 0;
	return error;
}

/* ---- signals ---- */

/* What the signal would have done had we not caught it, with the terminal as the caller left it meanwhile. */
static void signal_default(struct client *c, int signal)
{
	sigset_t set;
	bool raw = c->terminal.raw;

	switch (signal) {
	case SIGCHLD:
	case SIGURG:
	case SIGCONT:
	case SIGPIPE: /* a broken pipe shows in the write */
		return;
	case SIGTSTP:
		terminal_restore(&c->terminal);
		raise(SIGSTOP);
		if (raw)
			terminal_raw(&c->terminal);
		return;
	default:
		terminal_restore(&c->terminal);
		sigemptyset(&set);
		sigaddset(&set, signal);
		raise(signal);
		sigprocmask(SIG_UNBLOCK, &set, NULL);
		_exit(128 + signal);
	}
}

/*
 * The window size is not forwarded as a signal: servers take SIGWINCH for a request to stop. SIGTTIN and SIGTTOU
 * are not caught at all, so that job control stops us as any other program.
 */
static void take_signal(struct client *c)
{
	struct signalfd_siginfo info;

	if (read(c->signals, &info, sizeof(info)) != sizeof(info))
		return;
	const int signal = (int)info.ssi_signo;

	if (signal == SIGCONT && c->terminal.raw)
		terminal_raw(&c->terminal);
	if (signal == SIGWINCH || signal == SIGCONT)
		send_size(c);
	if (signal == SIGWINCH)
		return;
	if (!c->options->signals || signal == SIGCHLD || signal == SIGURG || signal == SIGPIPE)
		signal_default(c, signal);
	else
		request(c, FRAME_SIGNAL, (uint32_t)signal);
}

static int catch_signals(void)
{
	sigset_t set;

	sigfillset(&set);
	sigdelset(&set, SIGTTIN);
	sigdelset(&set, SIGTTOU);
	sigprocmask(SIG_SETMASK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* ---- from the caller ---- */

static bool flush_input(struct client *c)
{
	while (c->to_start < c->to_used) {
		ssize_t n = send(c->sock, c->to + c->to_start, c->to_used - c->to_start, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0)
			return false;
		c->to_start += (uint32_t)n;
	}
	c->to_start = c->to_used = 0;
	if (c->eof_due) {
		c->eof_due = false;
		put_head(c->to, FRAME_STDIN_EOF, 0);
		c->to_used = FRAME_HEAD;
		return flush_input(c);
	}
	return true;
}

static void frame_input(struct client *c, uint32_t size)
{
	if (size == 0)
		return;
	put_head(c->to, FRAME_STDIN, size);
	c->to_used = FRAME_HEAD + size;
}

/* The end of input: a beginning of the detach keys that was held back is input after all. */
static void end_input(struct client *c)
{
	memcpy(c->to + FRAME_HEAD, c->keys.sequence, c->keys.held);
	frame_input(c, c->keys.held);
	c->keys.held = 0;
	c->input = -1;
	c->eof_due = true;
}

/* Returns the exit status after a detach or when the terminal is gone, else GO_ON. */
static int take_input(struct client *c)
{
	static uint8_t data[INPUT_MAX];
	bool found = false;
	ssize_t n = read(c->input, data, sizeof(data));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return GO_ON;
	if (n <= 0 && c->terminal.raw)
		return 128 + SIGHUP;
	if (n > 0)
		frame_input(c, keys_scan(&c->keys, data, (uint32_t)n, c->to + FRAME_HEAD, &found));
	else
		end_input(c);
	(void)flush_input(c);
	return found ? 0 : GO_ON;
}

static void start_input(struct client *c)
{
	enum sink_kind kind;
	bool container_tty = get_u32(c->head + FRAME_HEAD + 4) != 0;

	c->ready = true;
	if (container_tty)
		send_size(c);
	if (!(c->options->streams & WANT_STDIN))
		return;
	if (container_tty && isatty(0))
		terminal_raw(&c->terminal);
	/* In a file or pipe for a program without terminal the keys' bytes are data like any other. */
	if (container_tty || isatty(0))
		c->keys.size = c->options->detach_keys.size < KEYS_MAX ? c->options->detach_keys.size : KEYS_MAX;
	c->input = caller_open(0, O_RDONLY, &kind);
}

/* ---- to the caller ---- */

/* Returns the exit status if the reader of our stdout is gone, else GO_ON. */
static int flush_output(struct client *c)
{
	struct sink *sink = &c->sinks[c->head[0] == FRAME_STDERR];

	while (c->from_start < c->from_used && sink->fd >= 0) {
		ssize_t n = sink_write(sink->fd, sink->kind, c->from + c->from_start, c->from_used - c->from_start);

		if (n == -EAGAIN)
			return GO_ON;
		if (n == -EPIPE && sink == &c->sinks[0]) {
			if (c->options->signals)
				request(c, FRAME_SIGNAL, SIGPIPE);
			return 128 + SIGPIPE;
		}
		if (n < 0) {
			c->write_failed |= n != -EBADF && n != -EPIPE && n != -EIO;
			sink->fd = -1;
			break;
		}
		c->from_start += (uint32_t)n;
		/* One write per poll where a second one could block. */
		if (sink->kind == SINK_BLOCKING)
			break;
	}
	if (sink->fd < 0 || c->from_start == c->from_used)
		c->from_start = c->from_used = 0;
	return GO_ON;
}

static int take_failure(struct client *c)
{
	if (!c->failure)
		return STATUS_FAILED;
	*c->failure = (struct report){ .kind = REPORT_FAILED,
				       .stage = get_u32(c->head + FRAME_HEAD),
				       .index = get_u32(c->head + FRAME_HEAD + 4),
				       .error = get_u32(c->head + FRAME_HEAD + 8) };
	return CLIENT_FAILED;
}

/* A small frame is there in full. Returns the exit status at EXIT, CLIENT_LOST for nonsense, else GO_ON. */
static int take_frame(struct client *c)
{
	uint32_t code = get_u32(c->head + FRAME_HEAD);

	c->got = 0;
	switch (c->head[0]) {
	case FRAME_READY:
		start_input(c);
		return GO_ON;
	case FRAME_ACK:
		return GO_ON;
	case FRAME_EXIT:
		return c->write_failed && code == 0 ? STATUS_FAILED : (int)(code & 0xff);
	case FRAME_FAILED:
		return take_failure(c);
	default:
		return CLIENT_LOST;
	}
}

static int take_head(struct client *c)
{
	uint32_t body = get_u16(c->head + 2);

	if (c->head[0] == FRAME_STDOUT || c->head[0] == FRAME_STDERR) {
		c->left = body;
		c->got = 0;
		return body <= FRAME_BODY_MAX ? GO_ON : CLIENT_LOST;
	}
	return body > FRAME_SMALL - FRAME_HEAD ? CLIENT_LOST : GO_ON;
}

/* One step of reading from the monitor: a head, a small frame's body, or bytes of a stream. */
static int take_socket(struct client *c)
{
	bool head = c->got < FRAME_HEAD;
	uint32_t want = head ? FRAME_HEAD : FRAME_HEAD + get_u16(c->head + 2);
	ssize_t n;

	if (c->left)
		n = recv(c->sock, c->from, c->left, MSG_DONTWAIT);
	else
		n = recv(c->sock, c->head + c->got, want - c->got, MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return GO_ON;
	if (n <= 0)
		return CLIENT_LOST;
	if (c->left) {
		c->left -= (uint32_t)n;
		c->from_used = (uint32_t)n;
		return flush_output(c);
	}
	c->got += (uint32_t)n;
	if (c->got < want)
		return GO_ON;
	if (head) {
		int r = take_head(c);

		/* A body, if there is one, follows at once. */
		return r != GO_ON || get_u16(c->head + 2) == 0 ? r : take_socket(c);
	}
	return take_frame(c);
}

static void drain_control(struct client *c)
{
	uint8_t unused[256];
	ssize_t n = recv(c->control, unused, sizeof(unused), MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN))
		close_fd(&c->control);
}

/* ---- the loop ---- */

static int client_step(struct client *c)
{
	const bool writing = c->from_used > 0;
	const struct sink *sink = &c->sinks[c->head[0] == FRAME_STDERR];
	struct pollfd set[ENTRY_COUNT] = {
		[ENTRY_SIGNALS] = { .fd = c->signals, .events = POLLIN },
		[ENTRY_SOCKET] = { .fd = c->sock,
				   .events = (short)((writing ? 0 : POLLIN) | (c->to_used ? POLLOUT : 0)) },
		[ENTRY_CONTROL] = { .fd = c->control, .events = POLLIN },
		[ENTRY_STDIN] = { .fd = c->to_used ? -1 : c->input, .events = POLLIN },
		[ENTRY_SINK] = { .fd = writing ? sink->fd : -1, .events = POLLOUT },
	};
	int r = GO_ON;

	if (set[ENTRY_SOCKET].events == 0)
		set[ENTRY_SOCKET].fd = -1; /* the monitor may be gone already; what it sent comes first */
	if (poll(set, ENTRY_COUNT, -1) < 0)
		return GO_ON;
	if (set[ENTRY_SIGNALS].revents)
		take_signal(c);
	if (set[ENTRY_CONTROL].revents)
		drain_control(c);
	if (set[ENTRY_SOCKET].revents && c->to_used && !flush_input(c) && errno != EAGAIN)
		c->to_used = c->to_start = 0, c->input = -1;
	if (set[ENTRY_SINK].revents)
		r = flush_output(c);
	else if (set[ENTRY_SOCKET].revents && !writing)
		r = take_socket(c);
	if (r == GO_ON && set[ENTRY_STDIN].revents && c->input >= 0)
		r = take_input(c);
	return r;
}

int client_run(int sock, const struct args_client *options, struct report *failure)
{
	struct client *c = &client;
	int r = GO_ON;

	*c = (struct client){ .options = options, .failure = failure, .sock = sock, .control = -1, .input = -1 };
	c->keys.sequence = (const uint8_t *)(options->detach_keys.data ? options->detach_keys.data : "");
	for (int i = 0; i < 2; i++)
		c->sinks[i].fd = caller_open(i + 1, O_WRONLY, &c->sinks[i].kind);
	c->signals = catch_signals();
	if (c->signals < 0 || send_hello(c) < 0)
		return CLIENT_LOST;
	while (r == GO_ON)
		r = client_step(c);
	terminal_restore(&c->terminal);
	close(sock);
	close_fd(&c->control);
	return r;
}
