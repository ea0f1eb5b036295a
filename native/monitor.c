/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor around its loop: what it opens before, and the files by which the rest of kelp knows the container.
 */
#include "serve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { RESTART_NO, RESTART_ON_FAILURE, RESTART_ALWAYS };
enum {
	STATUS_TIMED_OUT = 255,
	STATUS_MISSED = 127,
};

static struct server server;
static struct monitor *served;
static struct timespec started, finished;
static uint64_t started_ms, over_ms, pause_ms, kill_ms, stop_ms;
static bool timed_out;
static bool forced; /* the present or coming process follows a restart that a health check wanted */
static bool missed; /* it could not be started */
static int exit_fd = -1; /* the exit file to be */

static int failed(struct monitor *m, enum opcode record, int error)
{
	m->failure = (struct report){ .kind = REPORT_FAILED,
				      .stage = STAGE_CONFIG,
				      .index = m->records->index[record],
				      .error = (uint32_t)-error };
	return error;
}

int socket_in(int dir, const struct text *name, int type, mode_t mode)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, r;

	if (name->size >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, name->data, name->size + 1);
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	(void)unlinkat(dir, name->data, 0);
	mode_t old = umask(0777 & ~mode);
	r = fchdir(dir) < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	umask(old);
	if (r == 0 && type == SOCK_STREAM && listen(fd, PEERS_MAX) < 0)
		r = -errno;
	if (chdir("/") < 0 && r == 0)
		r = -errno;
	if (r < 0)
		close(fd);
	return r < 0 ? r : fd;
}

/* Passthrough: the caller's 0, 1, 2 are kept for the container's processes before they are replaced. */
static int inherit_streams(struct monitor *m)
{
	for (int i = 0; i < 3; i++) {
		m->inherited[i] = -1;
		if (m->records->log.driver != LOG_PASSTHROUGH)
			continue;
		m->inherited[i] = fcntl(i, F_DUPFD_CLOEXEC, 3);
		if (m->inherited[i] < 0)
			return failed(m, OP_LOG, -errno);
	}
	return 0;
}

int monitor_streams(struct monitor *m)
{
	const struct args_container *container = &m->records->container;
	int r;

	if (m->records->log.driver != LOG_PASSTHROUGH) {
		r = streams_open(&m->streams, container->tty, container->stdin != 0);
		return r < 0 ? failed(m, OP_CONTAINER, r) : 0;
	}
	streams_none(&m->streams);
	for (int i = 0; i < 3; i++)
		m->streams.child[i] = fcntl(m->inherited[i], F_DUPFD_CLOEXEC, 3);
	/* Our own hold on them would keep their readers from seeing the end. */
	for (int i = 0; i < 3 && m->records->life.restart == RESTART_NO; i++)
		close_fd(&m->inherited[i]);
	return 0;
}

int monitor_prepare(struct monitor *m)
{
	const struct records *records = m->records;
	int r;

	m->run_dir = open(records->files.run_dir.data, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (m->run_dir < 0)
		return failed(m, OP_MONITOR_FILES, -errno);
	m->listen_fd = socket_in(m->run_dir, &records->files.socket_name, SOCK_STREAM, 0600);
	if (m->listen_fd < 0)
		return failed(m, OP_MONITOR_FILES, m->listen_fd);
	events_open(records);
	r = log_open(&records->log);
	if (r < 0)
		failed(m, OP_LOG, r);
	else if ((r = notify_open(records, m->notify)) < 0)
		failed(m, OP_NOTIFY, r);
	else if ((r = inherit_streams(m)) == 0 && (r = external_prepare(m)) == 0)
		r = monitor_streams(m);
	if (r < 0)
		(void)unlinkat(m->run_dir, records->files.socket_name.data, 0);
	return r;
}

/* ---- the files ---- */

static void line_time(struct line *l, const char *word, const struct timespec *time)
{
	line_text(l, word);
	line_number(l, (uint64_t)time->tv_sec);
	line_text(l, " ");
	line_number(l, (uint64_t)time->tv_nsec);
	line_text(l, "\n");
}

static void line_process(struct line *l, const char *word, pid_t pid, uint64_t start)
{
	line_text(l, word);
	line_number(l, (uint64_t)pid);
	line_text(l, " ");
	line_number(l, start);
	line_text(l, "\n");
}

static void line_boot(struct line *l)
{
	char id[64];
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read_some(fd, id, sizeof(id));

	close_fd(&fd);
	line_text(l, "boot ");
	while (n > 0 && id[n - 1] == '\n')
		n--;
	line_bytes(l, id, n > 0 ? (uint32_t)n : 0);
	line_text(l, "\n");
}

static void line_counter(struct line *l, const char *word, uint64_t number)
{
	line_text(l, word);
	line_number(l, number);
	line_text(l, "\n");
}

static int write_status(const struct monitor *m)
{
	char data[384];
	struct line l;

	line_init(&l, data, sizeof(data));
	line_process(&l, "monitor ", getpid(), m->base_pid_start);
	line_process(&l, "init ", m->init, m->init ? process_start(m->init) : 0);
	line_time(&l, "started ", &started);
	line_boot(&l);
	line_counter(&l, "restarts ", m->restarts);
	if (m->held)
		line_text(&l, "held 1\n");
	if (m->init == 0) {
		line_counter(&l, "code ", server.code);
		line_time(&l, "finished ", &finished);
	}
	return file_replace(m->run_dir, m->records->files.status_name.data, data, l.used);
}

static int write_pid(const struct text *path, pid_t pid)
{
	char data[16];
	struct line l;

	if (path->size == 0)
		return 0;
	line_init(&l, data, sizeof(data));
	line_number(&l, (uint64_t)pid);
	return file_replace(AT_FDCWD, path->data, data, l.used);
}

static int write_files(const struct monitor *m)
{
	int r = write_status(m);

	if (r == 0)
		r = write_pid(&m->records->files.pid_file, m->init);
	if (r == 0)
		r = write_pid(&m->records->files.monitor_pid_file, getpid());
	return r;
}

/* Whether the kernel has killed a process of the container's cgroup for want of memory. */
static bool oom_killed(int cgroup)
{
	static const char word[] = "oom_kill ";
	char data[512];
	int fd = cgroup < 0 ? -1 : openat(cgroup, "memory.events", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read_some(fd, data, sizeof(data) - 1);

	close_fd(&fd);
	data[n > 0 ? n : 0] = '\0';
	const char *at = strstr(data, word);

	return at && at[sizeof(word) - 1] != '0';
}

enum { EXIT_SIZE = 256 };

/* The name under which the exit file is prepared. */
static const char *exit_new_name(const struct monitor *m, char *to, uint32_t size)
{
	struct line l;

	line_init(&l, to, size);
	line_bytes(&l, m->records->files.exit_file.data, m->records->files.exit_file.size);
	line_text(&l, ".new");
	return to;
}

/* Takes the exit file's room on the disk now: a container that has filled it must still be able to end properly. */
static void reserve_exit(const struct monitor *m)
{
	char path[PATH_MAX], blank[EXIT_SIZE];

	if (m->records->files.exit_file.size == 0)
		return;
	memset(blank, '\n', sizeof(blank));
	exit_fd = open(exit_new_name(m, path, sizeof(path)), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (exit_fd >= 0 && write_all(exit_fd, blank, sizeof(blank)) < 0)
		close_fd(&exit_fd);
}

static bool write_reserved(const struct monitor *m, const struct line *l)
{
	char path[PATH_MAX];

	return exit_fd >= 0 && pwrite(exit_fd, l->data, l->used, 0) == (ssize_t)l->used && ftruncate(exit_fd, l->used) == 0 &&
	       rename(exit_new_name(m, path, sizeof(path)), m->records->files.exit_file.data) == 0;
}

static void write_exit(const struct monitor *m)
{
	char data[EXIT_SIZE];
	struct line l;

	line_init(&l, data, sizeof(data));
	line_counter(&l, "code ", server.code);
	line_counter(&l, "signal ", server.signal);
	line_counter(&l, "oom ", server.oom);
	line_time(&l, "started ", &started);
	line_time(&l, "finished ", &finished);
	line_counter(&l, "restarts ", m->restarts);
	line_counter(&l, "timeout ", timed_out);
	if (m->records->files.exit_file.size && !write_reserved(m, &l))
		(void)file_replace(AT_FDCWD, m->records->files.exit_file.data, data, l.used);
}

static void remove_files(const struct monitor *m)
{
	(void)unlinkat(m->run_dir, m->records->files.socket_name.data, 0);
	(void)unlinkat(m->run_dir, m->records->files.status_name.data, 0);
}

/* ---- serving ---- */

static void block_signals(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
}

/* Ends a process that is not to be served, and tidies up behind it. */
static int give_up(struct monitor *m, int error)
{
	char path[PATH_MAX];

	if (m->init > 0) {
		(void)syscall(SYS_pidfd_send_signal, m->init_fd, SIGKILL, NULL, 0);
		(void)process_wait(m->init);
	}
	external_delete();
	close_fd(&m->init_fd);
	streams_close(&m->streams);
	m->init = 0;
	if (m->restarts > 0)
		return error;
	if (exit_fd >= 0)
		(void)unlink(exit_new_name(m, path, sizeof(path)));
	remove_files(m);
	return error;
}

/* What is due by the clock: the end of the container's time, a health check. */
static void wake(struct server *s)
{
	if (over_ms && now_ms() >= over_ms) {
		over_ms = 0;
		timed_out = true;
		(void)server_signal(s, SIGKILL);
	}
	if (kill_ms && now_ms() >= kill_ms) {
		kill_ms = 0;
		(void)server_signal(s, SIGKILL);
	}
	s->alarm = health_step(s);
	if (over_ms && (s->alarm == 0 || over_ms < s->alarm))
		s->alarm = over_ms;
	if (kill_ms && (s->alarm == 0 || kill_ms < s->alarm))
		s->alarm = kill_ms;
}

/*
 * SIGTERM to the monitor (a service manager's stop, the machine's end) asks for the container's end, as `stop` does; so
 * does SIGABRT (its watchdog), which the process gets as it is: it may have something to tell before it ends.
 */
static void terminate(struct server *s)
{
	struct signalfd_siginfo info;

	if (read(s->term_fd, &info, sizeof(info)) != sizeof(info))
		return;
	s->asked = true;
	if (s->ended || kill_ms)
		return;
	(void)server_signal(s, info.ssi_signo == SIGABRT ? SIGABRT : (int)s->stop_signal);
	kill_ms = now_ms() + stop_ms;
	s->alarm = now_ms(); /* at once: wake() finds out when next */
}

static int term_signal(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGABRT);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* A client has written another plan. The process that runs goes on; its checks are those of the new plan if that is wanted. */
static int amend(struct server *s, uint32_t what)
{
	int r = monitor_amend(served);
	const bool checked = served->records->have & 1U << OP_HEALTH;

	if (r == 0 && (what & AMEND_HEALTH || !checked) && s->process_fd >= 0 && !served->held)
		health_change(s, served->records, served->cgroup);
	return r;
}

/* What the first process says: 0, it has become its program; 1, it is held; -errno with m->failure set. */
static int hear_process(struct monitor *m)
{
	int r = report_take(m->inner, &m->failure);

	if (r < 0 && m->failure.kind == REPORT_HELD && m->records->have & 1U << OP_HELD)
		return 1;
	close_fd(&m->inner);
	return r;
}

static void note_start(void)
{
	clock_gettime(CLOCK_REALTIME, &started);
	started_ms = now_ms();
}

/* The command runs: from now on its time counts, its checks are made, and others hear of it. */
static void begin(const struct monitor *m)
{
	over_ms = m->records->life.timeout_ms ? started_ms + m->records->life.timeout_ms : 0;
	health_begin(&server, m->records, m->cgroup);
	server.alarm = started_ms; /* at once: wake() finds out when next */
	event_say(m->restarts == 0 ? EVENT_START : EVENT_AGAIN, &(struct event_values){ 0 });
	if (m->restarts == 0)
		notify_started();
}

/* Who waits for our word hears no signal: whatever is sent ends it. */
static int held_signal(int number)
{
	if (number == 0 || external_used())
		return number == 0 ? 0 : external_signal(SIGKILL);
	return syscall(SYS_pidfd_send_signal, server.process_fd, SIGKILL, NULL, 0) < 0 ? -errno : 0;
}

/* A client lets the held process go. Whoever reads the status finds it running before it runs, never the other way round. */
static int let_go(struct server *s)
{
	struct monitor *m = served;
	int r;

	note_start();
	m->held = false;
	r = write_status(m);
	if (r < 0) {
		m->held = true;
		started = (struct timespec){ 0 };
		return r;
	}
	s->start = NULL;
	s->send = external_used() ? external_signal : NULL;
	if (external_used()) {
		r = external_start(m);
	} else {
		(void)write_all(m->inner, "", 1); /* one that has died meanwhile is found dead, as ever */
		r = hear_process(m);
	}
	if (r != 0) {
		s->failed = true;
		s->failure[0] = m->failure.stage;
		s->failure[1] = m->failure.index;
		s->failure[2] = m->failure.error;
		(void)server_signal(s, SIGKILL);
		return r;
	}
	begin(m);
	return 0;
}

/* The first process, or a further one: the server watches it from here on. */
static void take_process(struct monitor *m)
{
	const struct args_container *container = &m->records->container;
	struct stat st;

	server.process = m->init;
	server.process_fd = m->init_fd;
	server.send = m->held ? held_signal : external_used() ? external_signal : NULL;
	server.start = m->held ? let_go : NULL;
	m->init_fd = -1;
	if (m->restarts > 0) {
		server_next(&server, &m->streams, container->stdin);
	} else {
		server.owner = fstat(m->run_dir, &st) < 0 ? geteuid() : st.st_uid;
		server.stop_signal = container->stop_signal;
		server_init(&server, &m->streams, container->tty, container->stdin);
		server.listen_fd = m->listen_fd;
		server.term_fd = term_signal();
		server.terminate = terminate;
		server.amend = amend;
		served = m;
		stop_ms = container->stop_ms;
		server_foreground(&server, m->foreground);
	}
	kill_ms = over_ms = 0;
	server.wake = wake;
}

/* What the end of a process leaves to be known. */
static void take_end(struct monitor *m)
{
	server.alarm = 0;
	health_end(&server);
	external_delete();
	server.oom = oom_killed(m->cgroup);
	if (timed_out) {
		server.code = STATUS_TIMED_OUT;
		server.signal = 0;
	}
	m->init = 0;
	clock_gettime(CLOCK_REALTIME, &finished);
	event_say(EVENT_DIED, &(struct event_values){ .code = server.code, .oom = server.oom });
}

/* Waits until there is a process to serve, running or held. 0, or -errno with m->failure set */
static int await_process(struct monitor *m)
{
	int r = hear_process(m);

	if (r < 0)
		return r;
	m->held = r == 1;
	if (external_used()) {
		m->held = m->restarts == 0 && m->records->have & 1U << OP_HELD;
		r = external_adopt(m);
		if (r == 0 && !m->held)
			r = external_start(m);
		if (r < 0)
			return r;
	}
	if (!m->held)
		note_start();
	r = m->records->container.tty ? streams_take_pty(&m->streams) : 0;
	return r < 0 ? failed(m, OP_CONTAINER, r) : 0;
}

int monitor_serve(struct monitor *m)
{
	int r;

	block_signals();
	r = await_process(m);
	if (r < 0)
		return give_up(m, r);
	timed_out = missed = false;
	if (m->restarts == 0)
		reserve_exit(m);
	r = write_files(m);
	if (r < 0 && m->restarts == 0)
		return give_up(m, failed(m, OP_MONITOR_FILES, r));
	take_process(m);
	if (!m->held)
		begin(m);
	/* Who interrupted the start got no container and knows of none. */
	if (m->restarts == 0 && monitor_started(m) < 0) {
		server.asked = server.hurry = true;
		(void)server_signal(&server, SIGKILL);
	}
	server_run(&server);
	if (server.failed) {
		m->init = 0;
		streams_none(&m->streams); /* the server has closed them */
		return give_up(m, -EIO);
	}
	take_end(m);
	return 0;
}

/* ---- one process after the other ---- */

static bool restart_due(const struct monitor *m)
{
	const struct args_life *life = &m->records->life;

	if (server.asked)
		return false;
	if (life->restart == RESTART_ALWAYS || (forced && missed))
		return true;
	if (life->restart == RESTART_NO)
		return false;
	return server.code != 0 && (life->retries == 0 || m->restarts < life->retries);
}

/* The pause doubles with every life that was short. */
static void choose_pause(const struct args_life *life)
{
	if (pause_ms == 0 || now_ms() - started_ms >= life->steady_ms)
		pause_ms = life->delay_ms;
	else
		pause_ms = pause_ms * 2 < life->delay_max_ms ? pause_ms * 2 : life->delay_max_ms;
}

bool monitor_again(struct monitor *m)
{
	const bool unhealthy = health_restarts() && !server.asked;

	if (m->held || (!unhealthy && !restart_due(m)))
		return false;
	forced = forced || unhealthy;
	choose_pause(&m->records->life);
	(void)write_status(m);
	/* Whose check has led to this hears of it once another process runs. */
	if (!unhealthy)
		server_tell_check(&server);
	server_tell_end(&server);
	server_pause(&server, now_ms() + pause_ms);
	if (server.asked)
		return false;
	m->restarts++;
	return true;
}

void monitor_missed(struct monitor *m)
{
	missed = true;
	server.code = STATUS_MISSED;
	server.signal = 0;
	server.ended = true;
	m->init = 0;
	started_ms = now_ms();
	clock_gettime(CLOCK_REALTIME, &finished);
}

void monitor_end(struct monitor *m)
{
	write_exit(m);
	notify_close();
	remove_files(m);
}

bool monitor_kept(void)
{
	return server_kept(&server);
}

int monitor_status(void)
{
	return (int)server.code;
}

void monitor_farewell(struct monitor *m)
{
	(void)m;
	if (served)
		server_leave(&server);
}

void relay_run(struct relay *r)
{
	block_signals();
	if (r->tty)
		(void)streams_take_pty(&r->streams); /* without it the process has no streams, but still a status */
	server.process = r->child;
	server.process_fd = r->child_fd;
	server_init(&server, &r->streams, r->tty, 2);
	server_foreground(&server, r->sock);
	server_run(&server);
	server_leave(&server);
}
