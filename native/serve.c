/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop of a monitor, and of exec's parent: poll(2) over the process, its streams and the clients.
 *
 * An idle container costs nothing here: no timer runs while the process lives.
 */
#include "serve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The entries of the poll set before those of the clients. */
enum {
	ENTRY_PROCESS,
	ENTRY_LISTEN,
	ENTRY_FORWARD,
	ENTRY_NOTIFY,
	ENTRY_TERM,
	ENTRY_IN,
	ENTRY_OUT,
	ENTRY_ERR,
	ENTRY_CHECK,
	ENTRY_CHECK_OUT,
	ENTRY_PEERS,
	ENTRY_COUNT = ENTRY_PEERS + PEERS_MAX,
};

static void take_streams(struct server *s, const struct streams *streams, uint32_t stdin_mode)
{
	s->in.fd = streams->ours[0];
	s->out[0].fd = streams->ours[1];
	s->out[1].fd = streams->ours[2];
	if (s->tty && streams->ours[0] >= 0) {
		/*
		 * The master reads EIO whenever nobody has the slave open, which a program that reopens its
		 * /dev/console brings about in mid-life. Our own hold on the slave keeps the end for the end.
		 */
		s->tty_fd = ioctl(streams->ours[0], TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
		s->out[0].fd = streams->ours[0];
		s->in.fd = stdin_mode == 0 ? -1 : fcntl(streams->ours[0], F_DUPFD_CLOEXEC, 0);
	}
	const int ours[3] = { s->in.fd, s->out[0].fd, s->out[1].fd };

	for (int i = 0; i < 3; i++)
		if (ours[i] >= 0)
			(void)fcntl(ours[i], F_SETFL, O_NONBLOCK);
}

void server_init(struct server *s, const struct streams *streams, bool tty, uint32_t stdin_mode)
{
	for (struct peer *p = s->peers; p < s->peers + PEERS_MAX; p++)
		p->fd = -1;
	s->listen_fd = s->tty_fd = s->term_fd = s->watch[0] = s->watch[1] = -1;
	s->tty = tty;
	s->keep_stdin = tty || stdin_mode == 1;
	take_streams(s, streams, stdin_mode);
}

/* Stdin that was closed for the former process is closed for the next one: `closing` stays. */
void server_next(struct server *s, const struct streams *streams, uint32_t stdin_mode)
{
	s->ended = s->hurry = false;
	s->oom = 0;
	s->in.start = s->in.used = 0;
	take_streams(s, streams, stdin_mode);
}

void server_foreground(struct server *s, int fd)
{
	struct peer *p = fd < 0 ? NULL : peer_add(s, fd);

	if (p)
		p->awaited = true;
}

int server_signal(const struct server *s, int number)
{
	if (s->process_fd < 0)
		return -ESRCH;
	if (s->send)
		return s->send(number);
	return syscall(SYS_pidfd_send_signal, s->process_fd, number, NULL, 0) < 0 ? -errno : 0;
}

/* ---- the end of the process ---- */

static void process_ended(struct server *s)
{
	siginfo_t info = { 0 };

	if (waitid(P_PID, (id_t)s->process, &info, WEXITED | WNOHANG | __WALL) < 0)
		info.si_code = CLD_KILLED, info.si_status = 9; /* cannot be; say "killed" rather than hang */
	else if (info.si_pid == 0)
		return;
	s->ended = true;
	s->deadline = now_ms() + GRACE_MS;
	s->signal = info.si_code == CLD_EXITED ? 0 : (uint32_t)info.si_status;
	s->code = s->signal ? 128 + s->signal : (uint32_t)info.si_status & 0xff;
	close_fd(&s->process_fd);
	close_fd(&s->tty_fd);
	for (unsigned i = 0; i < 2; i++) {
		int waiting = 0;

		/* A terminal does not say how much it holds; no more than this. */
		if (s->tty)
			waiting = 128 * 1024;
		else if (s->out[i].fd >= 0)
			(void)ioctl(s->out[i].fd, FIONREAD, &waiting);
		s->out[i].owed = (uint32_t)waiting;
	}
}

/* ---- clients ---- */

/*
 * Our user, or the owner of the socket's directory: the two differ where uid 0 of our namespace is a subordinate
 * uid of the user. The number is translated to our namespace; an unmapped one reads as the overflow uid, which
 * the directory's mode must keep out.
 */
static bool peer_allowed(const struct server *s, int fd)
{
	struct ucred cred;
	socklen_t size = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0)
		return false;
	return cred.uid == geteuid() || cred.uid == s->owner;
}

static void accept_one(struct server *s)
{
	int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0) {
		/* Who waits stays in the queue, and would wake us at once again. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			s->accept_from = now_ms() + ACCEPT_PAUSE_MS;
		return;
	}
	if (peer_allowed(s, fd))
		peer_add(s, fd);
	else
		close(fd);
}

/* With the process gone and SIGKILL asked for, clients that do not read are not waited for. */
static void drop_stalled(struct server *s)
{
	for (struct peer *p = s->peers; p < s->peers + PEERS_MAX; p++)
		if (p->fd >= 0 && (!p->greeted || peer_events(s, p) & POLLOUT))
			peer_drop(s, p);
}

/* ---- the loop ---- */

static bool wants_read(const struct server *s, unsigned which)
{
	return s->out[which].fd >= 0 && peers_took(s, which);
}

static void poll_set(struct pollfd *entry, int fd, short events)
{
	*entry = (struct pollfd){ .fd = events ? fd : -1, .events = events };
}

static void poll_fill(const struct server *s, struct pollfd *set)
{
	poll_set(&set[ENTRY_PROCESS], s->process_fd, s->ended ? 0 : POLLIN);
	poll_set(&set[ENTRY_LISTEN], s->listen_fd, now_ms() < s->accept_from ? 0 : POLLIN);
	poll_set(&set[ENTRY_FORWARD], forward_fd(), POLLIN);
	set[ENTRY_NOTIFY].fd = notify_fd(&set[ENTRY_NOTIFY].events);
	poll_set(&set[ENTRY_TERM], s->term_fd, POLLIN);
	poll_set(&set[ENTRY_IN], s->in.fd, s->in.start < s->in.used ? POLLOUT : 0);
	for (unsigned i = 0; i < 2; i++)
		poll_set(&set[ENTRY_OUT + i], s->out[i].fd, wants_read(s, i) ? POLLIN : 0);
	for (unsigned i = 0; i < 2; i++)
		poll_set(&set[ENTRY_CHECK + i], s->watch[i], POLLIN);
	for (unsigned i = 0; i < PEERS_MAX; i++) {
		const struct peer *p = &s->peers[i];
		short events = p->fd >= 0 ? peer_events(s, p) : 0;

		poll_set(&set[ENTRY_PEERS + i], p->fd, events);
	}
}

static int poll_timeout(const struct server *s)
{
	uint64_t now = now_ms(), next = s->alarm ? s->alarm : UINT64_MAX;

	if (s->ended && now < s->deadline && s->deadline < next)
		next = s->deadline;
	if (now < s->accept_from && s->accept_from < next)
		next = s->accept_from;
	if (next == UINT64_MAX)
		return -1;
	return next <= now ? 0 : next - now < INT_MAX ? (int)(next - now) : INT_MAX;
}

static void serve_peers(struct server *s, const struct pollfd *set)
{
	for (unsigned i = 0; i < PEERS_MAX; i++) {
		struct peer *p = &s->peers[i];
		short got = set[ENTRY_PEERS + i].revents;

		if (p->fd < 0)
			continue;
		/* An entry that changed hands in this round was not polled, but its calls do not block. */
		if (got & (POLLIN | POLLHUP | POLLERR | POLLNVAL))
			peer_receive(s, p);
		if (p->fd >= 0)
			peer_send(s, p);
	}
}

/* Fills what is empty and readable; sends it at once rather than after another poll. */
static void serve_outputs(struct server *s, const struct pollfd *set)
{
	bool late = s->ended && now_ms() >= s->deadline, news = false;

	for (unsigned i = 0; i < 2; i++)
		if (wants_read(s, i) && (late || set[ENTRY_OUT + i].revents))
			news |= output_fill(s, i);
	for (struct peer *p = s->peers; news && p < s->peers + PEERS_MAX; p++)
		if (p->fd >= 0 && p->greeted)
			peer_send(s, p);
}

static void server_step(struct server *s)
{
	struct pollfd set[ENTRY_COUNT];

	poll_fill(s, set);
	if (poll(set, ENTRY_COUNT, poll_timeout(s)) < 0)
		return;
	if (set[ENTRY_PROCESS].revents)
		process_ended(s);
	if (set[ENTRY_LISTEN].revents)
		accept_one(s);
	if (set[ENTRY_FORWARD].revents)
		forward_step();
	if (set[ENTRY_NOTIFY].revents)
		notify_step();
	if (set[ENTRY_TERM].revents)
		s->terminate(s);
	serve_peers(s, set);
	if (s->in.fd >= 0 && (s->in.start < s->in.used || s->in.closing))
		input_drain(&s->in);
	serve_outputs(s, set);
	if (s->ended && s->hurry && now_ms() >= s->deadline)
		drop_stalled(s);
	if (set[ENTRY_CHECK].revents || set[ENTRY_CHECK_OUT].revents || (s->alarm && now_ms() >= s->alarm)) {
		s->alarm = 0;
		s->wake(s);
	}
}

void server_run(struct server *s)
{
	while (!s->ended || s->out[0].fd >= 0 || s->out[1].fd >= 0)
		server_step(s);
	close_fd(&s->in.fd);
}

static void nothing(struct server *s)
{
	(void)s;
}

void server_pause(struct server *s, uint64_t until)
{
	s->wake = nothing;
	while (!s->asked && now_ms() < until) {
		s->alarm = until;
		server_step(s);
	}
	s->alarm = 0;
}

void server_tell_check(struct server *s)
{
	for (struct peer *p = s->peers; p < s->peers + PEERS_MAX; p++) {
		if (p->fd < 0 || !p->asks)
			continue;
		p->asks = false;
		p->check_due = true;
		peer_send(s, p);
	}
}

void server_tell_end(struct server *s)
{
	for (struct peer *p = s->peers; p < s->peers + PEERS_MAX; p++) {
		if (p->fd < 0 || !(p->want & WANT_ENDS))
			continue;
		p->end_due = true;
		peer_send(s, p);
	}
}

bool server_kept(const struct server *s)
{
	for (const struct peer *p = s->peers; p < s->peers + PEERS_MAX; p++)
		if (p->fd >= 0 && p->keeps && !p->gone)
			return true;
	return false;
}

/* Whether a client is left that is still to be told; one that never said HELLO has the grace time. */
static bool leave_pending(struct server *s)
{
	bool late = now_ms() >= s->deadline, pending = false;

	for (struct peer *p = s->peers; p < s->peers + PEERS_MAX; p++) {
		if (p->fd < 0)
			continue;
		if (p->greeted ? p->gone || !(peer_events(s, p) & POLLOUT) : late)
			peer_drop(s, p);
		else
			pending = true;
	}
	return pending;
}

void server_leave(struct server *s)
{
	s->leaving = true;
	server_tell_check(s);
	s->deadline = now_ms() + GRACE_MS;
	/* The socket has no name any more; whoever got through to it before gets an answer. */
	if (s->listen_fd >= 0)
		for (int i = 0; i < PEERS_MAX; i++)
			accept_one(s);
	close_fd(&s->listen_fd);
	for (struct peer *p = s->peers; p < s->peers + PEERS_MAX; p++) {
		if (p->fd < 0 || !p->greeted)
			continue;
		p->exit_due = true;
		peer_send(s, p);
	}
	while (leave_pending(s))
		server_step(s);
	log_close();
}
