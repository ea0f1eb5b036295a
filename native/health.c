/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Health checks of a container: a process in it now and then, what its status means, and what is done about it.
 *
 * Nothing here grows. Of a check's output the beginning is kept until it is written to the log; the log is a file of
 * `keep` results and one of those before. What a check floods us with is thrown away as fast as the loop turns.
 */
#include "serve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ACTION_NONE, ACTION_KILL, ACTION_RESTART, ACTION_STOP };
enum { STATUS_NOT_RUN = 125, STATUS_TIMEOUT = 124 };
enum { READS_A_TURN = 8, SETTLE_MS = 200 };

static struct {
	const struct records *records;
	int cgroup; /* the container's, or -1 */
	enum health_state state;
	uint32_t failing; /* failures in a row */
	uint32_t starting_failures, starting_successes;
	bool starting; /* the startup check comes first */
	bool acted; /* the action has been taken for this process */
	bool restart; /* another process is to follow */
	bool spared; /* it has followed: its first check is not at once, but after an interval */
	uint64_t begun; /* milliseconds, as all of these; 0: never */
	uint64_t due; /* the next check */
	uint64_t limit; /* the running check has to be done by then */
	uint64_t kill_at; /* the process has to have stopped by then */
	pid_t pid; /* of the running check; 0: none runs */
	bool late; /* it has been killed */
	uint64_t settle; /* it was killed by somebody else, who may be about to kill the container's process: until then that is waited for */
	struct timespec from;
	uint32_t logged; /* results in the present log file */
	uint32_t used;
	uint8_t output[1 << 16];
} health;

static bool have(enum opcode record)
{
	return health.records && health.records->have & 1U << record;
}

/* ---- files ---- */

static void write_state(void)
{
	char data[64];
	struct line l;

	line_init(&l, data, sizeof(data));
	line_text(&l, "state ");
	line_number(&l, health.state);
	line_text(&l, "\nfailing ");
	line_number(&l, health.failing);
	line_text(&l, health.kill_at ? "\nstopping 1\n" : "\n");
	(void)file_replace(AT_FDCWD, health.records->health.state.data, data, l.used);
}

static void put_time(struct line *l, const struct timespec *time)
{
	line_number(l, (uint64_t)time->tv_sec);
	line_text(l, " ");
	line_number(l, (uint64_t)time->tv_nsec);
	line_text(l, " ");
}

static void rotate_log(const struct text *path)
{
	char old[PATH_MAX];
	struct line l;

	line_init(&l, old, sizeof(old));
	line_bytes(&l, path->data, path->size);
	line_text(&l, ".1");
	if (!l.full)
		(void)rename(path->data, old);
	health.logged = 0;
}

/* So much of a check's output is told. */
static uint32_t kept_size(void)
{
	const uint32_t max = health.records->health.max_bytes;

	return max && max < health.used ? max : health.used;
}

/* One result: `check SEC NSEC SEC NSEC STATUS SIZE`, so many bytes of output, a newline. A reader passes over half of one. */
static void write_log(uint32_t status)
{
	const struct args_health *conf = &health.records->health;
	const uint32_t size = kept_size();
	struct timespec to;
	char head[128];
	struct line l;

	clock_gettime(CLOCK_REALTIME, &to);
	line_init(&l, head, sizeof(head));
	line_text(&l, "check ");
	put_time(&l, &health.from);
	put_time(&l, &to);
	line_number(&l, status);
	line_text(&l, " ");
	line_number(&l, size);
	line_text(&l, "\n");
	if (conf->keep && health.logged >= conf->keep)
		rotate_log(&conf->log);
	int fd = open(conf->log.data, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	struct iovec iov[] = {
		{ .iov_base = head, .iov_len = l.used },
		{ .iov_base = health.output, .iov_len = size },
		{ .iov_base = "\n", .iov_len = 1 },
	};

	if (fd >= 0 && writev(fd, iov, 3) > 0)
		health.logged++;
	close_fd(&fd);
}

/* ---- what a result means ---- */

/* The process is to end: by its stop signal, and later by SIGKILL. */
static void stop_process(struct server *s, uint64_t now)
{
	(void)server_signal(s, (int)s->stop_signal);
	health.kill_at = now + health.records->health.stop_ms;
}

/* Once for a process. A restart needs no client's leave, and none can take it back but by asking for the end. */
static void act(struct server *s, uint64_t now)
{
	if (health.acted)
		return;
	health.acted = true;
	switch (health.records->health.action) {
	case ACTION_KILL:
		s->asked = true;
		(void)server_signal(s, SIGKILL);
		break;
	case ACTION_RESTART:
		health.restart = true;
		stop_process(s, now);
		break;
	case ACTION_STOP:
		s->asked = true;
		stop_process(s, now);
		break;
	}
}

static void take_startup(struct server *s, bool success, uint64_t now)
{
	const struct args_startup *conf = &health.records->startup;

	if (success) {
		health.starting_failures = 0;
		health.starting = ++health.starting_successes < conf->successes;
		return;
	}
	health.starting_successes = 0;
	if (conf->retries && ++health.starting_failures >= conf->retries && !health.acted) {
		health.acted = health.restart = true;
		stop_process(s, now);
	}
}

static void take_regular(struct server *s, bool success, uint64_t now)
{
	const struct args_health *conf = &health.records->health;

	if (success) {
		health.state = HEALTH_HEALTHY;
		health.failing = 0;
		return;
	}
	if (now < health.begun + conf->period_ms && health.state == HEALTH_STARTING)
		return;
	if (++health.failing >= conf->retries)
		health.state = HEALTH_UNHEALTHY;
	if (health.state == HEALTH_UNHEALTHY && conf->action != ACTION_NONE)
		act(s, now);
}

/* Between two checks: others apply before the startup check has succeeded, and while failures do not count. */
static uint64_t interval_at(uint64_t now)
{
	const struct args_health *conf = &health.records->health;

	if (health.starting)
		return health.records->startup.interval_ms;
	if (conf->interval_ms && conf->start_interval_ms && health.state == HEALTH_STARTING &&
	    now < health.begun + conf->period_ms)
		return conf->start_interval_ms;
	return conf->interval_ms;
}

static void schedule(bool was_starting, uint64_t now)
{
	const uint64_t interval = interval_at(now);

	health.due = interval == 0 ? 0 : was_starting && !health.starting ? now : now + interval;
}

static void say_state(uint32_t status)
{
	const struct args_health *conf = &health.records->health;

	event_put(health.state == HEALTH_HEALTHY   ? conf->healthy :
		  health.state == HEALTH_UNHEALTHY ? conf->unhealthy :
						     conf->starting,
		  &(struct event_values){ .code = status,
					  .failing = health.failing,
					  .begun = health.from,
					  .output = health.output,
					  .output_size = kept_size() });
}

static void conclude(struct server *s, uint32_t status)
{
	const bool was_starting = health.starting;
	const uint64_t now = now_ms();

	health.pid = 0;
	health.settle = 0;
	write_log(status);
	if (was_starting)
		take_startup(s, status == 0, now);
	else
		take_regular(s, status == 0, now);
	write_state();
	say_state(status);
	if (health.state == HEALTH_HEALTHY)
		notify_healthy();
	schedule(was_starting, now);
	s->checked[0] = status;
	s->checked[1] = health.state;
	/* With an action under way the answer waits for what comes of it. */
	if (!health.acted)
		server_tell_check(s);
}

/* ---- the process ---- */

/* A paused container: a check would be frozen with it, and its timeout would be nobody's fault. */
static bool is_frozen(void)
{
	char data[128];
	int fd = health.cgroup < 0 ? -1 : openat(health.cgroup, "cgroup.events", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read_some(fd, data, sizeof(data) - 1);

	close_fd(&fd);
	data[n > 0 ? n : 0] = '\0';
	return strstr(data, "frozen 1") != NULL;
}

static void begin_check(struct server *s, uint64_t now)
{
	int ends[2], pidfd;

	health.used = 0;
	health.late = false;
	health.due = 0;
	health.limit = now + (health.starting ? health.records->startup.timeout_ms : health.records->health.timeout_ms);
	clock_gettime(CLOCK_REALTIME, &health.from);
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
		conclude(s, STATUS_NOT_RUN);
		return;
	}
	/* The process shall meet an ordinary pipe. */
	(void)fcntl(ends[1], F_SETFL, 0);
	pid_t pid = check_spawn(health.starting ? STAGE_STARTUP : STAGE_CHECK, s->process_fd, ends[1], &pidfd);

	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		conclude(s, STATUS_NOT_RUN);
		return;
	}
	health.pid = pid;
	s->watch[0] = pidfd;
	s->watch[1] = ends[0];
}

static void read_output(struct server *s)
{
	static uint8_t waste[4096];

	for (int i = 0; i < READS_A_TURN && s->watch[1] >= 0; i++) {
		uint32_t room = (uint32_t)sizeof(health.output) - health.used;
		ssize_t n = room ? read(s->watch[1], health.output + health.used, room) :
				   read(s->watch[1], waste, sizeof(waste));

		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0)
			close_fd(&s->watch[1]);
		else if (room)
			health.used += (uint32_t)n;
	}
}

/* With what it started: where /proc does not tell of that, at least its process group, for it has a session of its own. */
static void kill_check(const struct server *s)
{
	tree_kill(health.pid);
	(void)kill(-health.pid, SIGKILL);
	(void)syscall(SYS_pidfd_send_signal, s->watch[0], SIGKILL, NULL, 0);
}

static void reap_check(struct server *s)
{
	siginfo_t info = { 0 };

	if (waitid(P_PID, (id_t)health.pid, &info, WEXITED | WNOHANG | __WALL) == 0 && info.si_pid == 0)
		return;
	uint32_t status = info.si_code == CLD_EXITED ? (uint32_t)info.si_status : 128 + (uint32_t)info.si_status;

	read_output(s);
	close_fd(&s->watch[0]);
	close_fd(&s->watch[1]);
	/* The end of the container's process namespace takes the check along before anything else shows it. */
	if (status == 128 + SIGKILL && !health.late)
		health.settle = now_ms() + SETTLE_MS;
	else
		conclude(s, health.late ? STATUS_TIMEOUT : status);
}

/* ---- for the monitor ---- */

static void ask_check(struct server *s)
{
	if (s->process_fd < 0) {
		server_tell_check(s);
		return;
	}
	if (health.pid == 0)
		health.due = now_ms();
	s->alarm = now_ms();
}

/* Forgets a running check, with the process in which it is. */
static void drop_check(struct server *s)
{
	if (health.pid == 0)
		return;
	if (!health.settle) {
		kill_check(s);
		(void)process_wait(health.pid);
	}
	health.settle = 0;
	close_fd(&s->watch[0]);
	close_fd(&s->watch[1]);
	health.pid = 0;
}

void health_begin(struct server *s, const struct records *records, int cgroup)
{
	const bool first = health.records == NULL;

	health.records = records->have & 1U << OP_HEALTH ? records : NULL;
	s->check = health.records ? ask_check : NULL;
	if (!health.records)
		return;
	health.cgroup = cgroup;
	health.state = HEALTH_STARTING;
	health.failing = health.starting_failures = health.starting_successes = 0;
	health.starting = have(OP_STARTUP);
	health.acted = health.restart = false;
	health.kill_at = 0;
	health.begun = now_ms();
	schedule(false, health.begun);
	if (health.due && !health.spared)
		health.due = health.begun;
	health.spared = false;
	write_state();
	if (!first)
		server_tell_check(s);
}

uint64_t health_step(struct server *s)
{
	uint64_t now = now_ms(), next;

	if (!health.records || s->ended)
		return 0;
	if (health.settle && now >= health.settle)
		conclude(s, 128 + SIGKILL);
	else if (health.pid && !health.settle) {
		read_output(s);
		reap_check(s);
	}
	if (health.pid && !health.settle && !health.late && now >= health.limit) {
		health.late = true;
		kill_check(s);
	}
	if (health.kill_at && now >= health.kill_at) {
		health.kill_at = 0;
		(void)server_signal(s, SIGKILL);
	}
	if (!health.pid && health.due && now >= health.due && is_frozen())
		schedule(false, now);
	else if (!health.pid && health.due && now >= health.due)
		begin_check(s, now);
	next = !health.pid ? health.due : health.settle ? health.settle : health.late ? 0 : health.limit;
	return health.kill_at && (next == 0 || health.kill_at < next) ? health.kill_at : next;
}

void health_change(struct server *s, const struct records *records, int cgroup)
{
	drop_check(s);
	health_begin(s, records, cgroup);
	if (!health.records) {
		s->checked[0] = 0;
		s->checked[1] = HEALTH_NONE;
		server_tell_check(s);
	}
	s->alarm = now_ms(); /* at once: wake finds out when next */
}

void health_end(struct server *s)
{
	if (!health.records)
		return;
	health.due = health.kill_at = 0;
	if (!health.acted) {
		s->checked[0] = STATUS_NOT_RUN;
		s->checked[1] = HEALTH_STOPPED;
	}
	if (health.pid == 0)
		return;
	drop_check(s);
	health.state = HEALTH_STOPPED;
	write_state();
}

bool health_restarts(void)
{
	const bool wanted = health.restart;

	health.restart = false;
	health.spared = wanted;
	return wanted;
}
