/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A monitor and its client without a container: the process is an ordinary child in our own namespaces. Tests of
 * streams, log and protocol need no user namespace, no image and no plan this way, and run under the sanitizers.
 *
 *     monitor_host monitor RUNDIR [OPTIONS] -- COMMAND   the monitor itself; says "started PID" on stdout
 *     monitor_host run RUNDIR [OPTIONS] -- COMMAND       launcher and client in the foreground, as `start` has it
 *     monitor_host exec RUNDIR [OPTIONS] -- COMMAND      the same around relay_run, as `exec` has it
 *     monitor_host attach SOCKET STREAMS SIGNALS KEYS    the verb
 *     monitor_host hear SOCKET -                         prints each datagram that comes there, in brackets
 *     monitor_host tell SOCKET TEXT                      sends one, and a descriptor with it
 *
 * Options: -t terminal, -s N stdin mode, -l PATH k8s-file log, -j PATH journal socket, -m N maxBytes, -k N keep,
 * -c N streams of the client, -g forward signals, -d HEX detach keys, -o DIR cgroup, -p passthrough,
 * -q the process is held, -r N restart rule, -n N retries, -w MS first pause, -x MS timeout,
 * -E SOCKET journal for events, -N SOCKET to be notified, -P DIR of the container's own socket (passes A and B), -H N who says that it is ready,
 * -y COMMAND health check, -i MS its interval, -S MS its interval in a start period, -a N action, -z startup check first. RUNDIR gets status, exit, pid, socket.
 */
#include "../holdfast.h"
#include "../proto.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct records records;
static int announce_fd = -1;
static int cgroup = -1;

static struct text text_of(const char *s)
{
	return (struct text){ .data = s, .size = (uint32_t)strlen(s) };
}

static struct text joined(const char *dir, const char *name)
{
	char *path = malloc(strlen(dir) + strlen(name) + 2);

	if (!path)
		abort();
	sprintf(path, "%s/%s", dir, name);
	return text_of(path);
}

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "monitor_host: %s: %s\n", what, strerror(errno));
	exit(70);
}

int monitor_started(struct monitor *m)
{
	if (announce_fd >= 0)
		dprintf(announce_fd, "started %d\n", (int)m->init);
	close_fd(&announce_fd);
	return 0;
}

/* There is no plan here; the other one is always the same without health checks. */
int monitor_amend(struct monitor *m)
{
	(void)m;
	records.have &= ~(1U << OP_HEALTH | 1U << OP_STARTUP);
	memset(&records.health, 0, sizeof(records.health));
	return 0;
}

static void send_master(int sock, int master)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = "", .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};
	struct cmsghdr *h = CMSG_FIRSTHDR(&msg);

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	*(int *)(void *)CMSG_DATA(h) = master;
	check(sendmsg(sock, &msg, 0) == 1, "sendmsg");
}

/* As init.c does it. A further process is not held. */
static void await_word(int inner)
{
	const struct report held = { .kind = REPORT_HELD };
	char go;

	if (write(inner, &held, sizeof(held)) != sizeof(held) || read(inner, &go, 1) != 1)
		_exit(125);
}

/* In the child: its streams, a session, and the command; -errno by the inner pipe if that fails. */
static void become_command(const struct streams *s, bool tty, char **argv, int inner)
{
	int fds[3] = { s->child[0], s->child[1], s->child[2] };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signals_reset(false);
	setsid();
	if (tty) {
		int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

		check(master >= 0 && unlockpt(master) == 0, "openpt");
		send_master(s->pty_child, master);
		int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_CLOEXEC);
		check(slave >= 0 && ioctl(slave, TIOCSCTTY, 0) == 0, "slave");
		fds[0] = fds[1] = fds[2] = slave;
	}
	for (int i = 0; i < 3; i++)
		dup2(fds[i] < 0 ? null : fds[i], i);
	if (records.have & 1U << OP_HELD)
		await_word(inner);
	execvp(argv[0], argv);
	struct report r = { .kind = REPORT_FAILED, .stage = STAGE_EXEC, .error = (uint32_t)errno };
	(void)!write(inner, &r, sizeof(r));
	_exit(127);
}

static pid_t clone_command(struct streams *s, char **argv, int *inner, int *pidfd)
{
	int ends[2];
	bool tty = records.container.tty != 0;

	const bool held = records.have & 1U << OP_HELD;

	check((held ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) : pipe2(ends, O_CLOEXEC)) == 0, "pipe");
	pid_t pid = fork();
	check(pid >= 0, "fork");
	if (pid == 0)
		become_command(s, tty, argv, ends[1]);
	close(ends[1]);
	*inner = ends[0];
	*pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	check(*pidfd >= 0, "pidfd_open");
	streams_close_child(s);
	return pid;
}

static int datagram(const char *path, bool listen)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	check(fd >= 0 && strlen(path) < sizeof(address.sun_path), "socket");
	strcpy(address.sun_path, path);
	check((listen ? bind : connect)(fd, (struct sockaddr *)&address, sizeof(address)) == 0, path);
	return fd;
}

static int hear(const char *path)
{
	char data[8192];
	int fd = datagram(path, true);

	dprintf(1, "hearing\n");
	for (ssize_t n; (n = recv(fd, data, sizeof(data), 0)) >= 0;)
		dprintf(1, "[%.*s]\n", (int)n, data);
	return 0;
}

static int tell(const char *path, char *text)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = text, .iov_len = strlen(text) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};
	struct cmsghdr *h = CMSG_FIRSTHDR(&msg);

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	*(int *)(void *)CMSG_DATA(h) = 1;
	check(sendmsg(datagram(path, false), &msg, 0) >= 0, "sendmsg");
	return 0;
}

/* Two names, in wire form. */
static const uint8_t passed[] = { 1, 0, 0, 0, 'A', 0, 0, 0, 1, 0, 0, 0, 'B', 0, 0, 0 };
static int notified = -1;

static void notify_to(const char *path)
{
	notified = datagram(path, false);
	records.have |= 1U << OP_NOTIFY;
	records.notify.main_pid = text_of("MAINPID=");
	records.notify.ready = text_of("READY=1");
	records.notify.name = text_of("notify");
	records.notify.pass = (struct texts){ .data = passed, .count = 2 };
}

/* `A`, then `B` with a field, as two entries; at the end `C` with the status. In wire form. */
static const uint8_t begins[] = { 4, 0, 0, 0, 'A', '=', '1', '\n', 0, 0, 0, 0, 4, 0, 0, 0, 'n', 'e', 'x', 't', 0, 0, 0, 0,
				  2, 0, 0, 0, 'B', '=', 0,   0,	   7, 0, 0, 0, 'f', 'a', 'i', 'l', 'i', 'n', 'g', 0,
				  1, 0, 0, 0, '\n', 0,	 0,   0 };
static const uint8_t ends[] = { 2, 0, 0, 0, 'C', '=', 0, 0, 4, 0, 0, 0, 'c', 'o', 'd', 'e', 0, 0, 0, 0, 1, 0, 0, 0, '\n', 0, 0, 0 };

static void journal_to(const char *path)
{
	records.have |= 1U << OP_EVENTS;
	records.events.path = text_of(path);
	records.events.journal = 1;
	records.events.start = (struct texts){ .data = begins, .count = 5 };
	records.events.died = (struct texts){ .data = ends, .count = 3 };
}

static void null_fds(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = 0; i < 3; i++)
		dup2(null, i);
	close(null);
}

int program_run(struct texts argv, struct texts env, uint32_t at, int number)
{
	(void)argv;
	(void)env;
	(void)at;
	(void)number;
	return 127;
}

pid_t program_start(struct texts argv, struct texts env, uint32_t at, int number)
{
	(void)argv;
	(void)env;
	(void)at;
	(void)number;
	return -ENOSYS;
}

static const char *check_command;

pid_t check_spawn(enum stage stage, int process_fd, int out, int *pidfd)
{
	pid_t pid = fork();

	(void)process_fd;
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		signals_reset(false);
		setsid();
		dup2(out, 1);
		dup2(out, 2);
		execlp("sh", "sh", "-c", check_command, stage == STAGE_CHECK ? "check" : "startup", (char *)NULL);
		_exit(127);
	}
	*pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	return pid;
}

static int be_monitor(char **argv, int foreground)
{
	static struct monitor m;

	m.records = &records;
	m.cgroup = cgroup;
	m.notify = notified;
	m.foreground = foreground;
	m.base_pid_start = process_start(0);
	if (monitor_prepare(&m) < 0) {
		fprintf(stderr, "monitor_host: record %u: %s\n", m.failure.index, strerror((int)m.failure.error));
		return 125;
	}
	m.init = clone_command(&m.streams, argv, &m.inner, &m.init_fd);
	null_fds();
	int r = monitor_serve(&m);
	if (r < 0) {
		monitor_farewell(&m);
		return 125;
	}
	records.have &= ~(1U << OP_HELD);
	while (monitor_again(&m)) {
		check(monitor_streams(&m) == 0, "streams");
		m.init = clone_command(&m.streams, argv, &m.inner, &m.init_fd);
		if (monitor_serve(&m) < 0)
			monitor_missed(&m);
	}
	monitor_end(&m);
	monitor_farewell(&m);
	return monitor_status();
}

static int be_relay(char **argv, int sock)
{
	static struct relay r;
	struct report report;
	int inner;

	r.tty = records.container.tty != 0;
	r.sock = sock;
	check(streams_open(&r.streams, r.tty, records.container.stdin != 0) == 0, "streams");
	r.child = clone_command(&r.streams, argv, &inner, &r.child_fd);
	null_fds();
	if (read_some(inner, &report, sizeof(report)) != 0)
		return 125;
	relay_run(&r);
	return 0;
}

static int in_foreground(char **argv, int (*be)(char **, int))
{
	int pair[2];

	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, "socketpair");
	pid_t pid = fork();
	check(pid >= 0, "fork");
	if (pid == 0) {
		close(pair[0]);
		setsid();
		_exit(be(argv, pair[1]));
	}
	close(pair[1]);
	int r = client_run(pair[0], &records.client, NULL);
	return r == CLIENT_LOST ? 125 : r;
}

static struct text unhex(const char *hex)
{
	char *data = calloc(1, strlen(hex) / 2 + 1);
	uint32_t n = 0;

	for (unsigned byte; data && sscanf(hex + 2 * n, "%2x", &byte) == 1; n++)
		data[n] = (char)byte;
	return (struct text){ .data = data, .size = n };
}

static void parse(int argc, char **argv)
{
	for (int c; (c = getopt(argc, argv, "+ts:l:j:m:k:c:gd:o:pqr:n:w:x:y:i:S:a:zN:P:H:E:")) != -1;) {
		switch (c) {
		case 't':
			records.container.tty = 1;
			break;
		case 's':
			records.container.stdin = (uint32_t)atoi(optarg);
			break;
		case 'l':
		case 'j':
			records.log.driver = c == 'l' ? 1 : 2;
			records.log.path = text_of(optarg);
			records.log.fields = text_of("CONTAINER_NAME=host\n");
			records.log.out = text_of("PRIORITY=6\n");
			records.log.err = text_of("PRIORITY=3\n");
			records.log.part = text_of("CONTAINER_PARTIAL_MESSAGE=true\n");
			break;
		case 'p':
			records.log.driver = 3;
			break;
		case 'q':
			records.have |= 1U << OP_HELD;
			break;
		case 'r':
			records.life.restart = (uint32_t)atoi(optarg);
			break;
		case 'n':
			records.life.retries = (uint32_t)atoi(optarg);
			break;
		case 'w':
			records.life.delay_ms = (uint32_t)atoi(optarg);
			break;
		case 'y':
			check_command = optarg;
			records.have |= 1U << OP_HEALTH;
			break;
		case 'i':
			records.health.interval_ms = (uint64_t)atoi(optarg);
			break;
		case 'S':
			records.health.start_interval_ms = (uint64_t)atoi(optarg);
			records.health.period_ms = 60000;
			break;
		case 'a':
			records.health.action = (uint32_t)atoi(optarg);
			break;
		case 'z':
			records.have |= 1U << OP_STARTUP;
			break;
		case 'N':
			notify_to(optarg);
			break;
		case 'E':
			journal_to(optarg);
			break;
		case 'P':
			records.notify.dir = text_of(optarg);
			break;
		case 'H':
			records.notify.when = (uint32_t)atoi(optarg);
			break;
		case 'x':
			records.life.timeout_ms = (uint64_t)atoi(optarg);
			break;
		case 'm':
			records.log.max_bytes = (uint64_t)atoll(optarg);
			break;
		case 'k':
			records.log.keep = (uint32_t)atoi(optarg);
			break;
		case 'c':
			records.client.streams = (uint32_t)atoi(optarg);
			break;
		case 'g':
			records.client.signals = 1;
			break;
		case 'd':
			records.client.detach_keys = unhex(optarg);
			break;
		case 'o':
			cgroup = open(optarg, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			break;
		default:
			exit(64);
		}
	}
}

int main(int argc, char **argv)
{
	check(argc >= 4, "usage");
	const char *verb = argv[1], *dir = argv[2];

	signals_reset(false);
	if (strcmp(verb, "attach") == 0)
		return client_attach(argc - 2, argv + 2);
	if (strcmp(verb, "hear") == 0)
		return hear(dir);
	if (strcmp(verb, "tell") == 0)
		return tell(dir, argv[3]);
	while (open("/dev/null", O_RDWR | O_CLOEXEC) < 3) /* the launcher does the same */
		;
	records.client.streams = WANT_STDOUT | WANT_STDERR;
	records.container.stop_signal = SIGTERM;
	records.container.stop_ms = 10000;
	records.life = (struct args_life){ .delay_ms = 100, .delay_max_ms = 400, .steady_ms = 10000 };
	for (uint32_t i = 0; i < sizeof(records.index) / sizeof(records.index[0]); i++)
		records.index[i] = i;
	records.files.run_dir = text_of(dir);
	records.files.status_name = text_of("status");
	records.files.socket_name = text_of("socket");
	records.files.exit_file = joined(dir, "exit");
	records.files.pid_file = joined(dir, "pid");
	records.files.monitor_pid_file = joined(dir, "monitor.pid");
	records.health.state = joined(dir, "health");
	records.health.log = joined(dir, "health.log");
	records.log.lost = joined(dir, "lost");
	records.health.keep = 3;
	records.health.max_bytes = 20;
	records.health.timeout_ms = 400;
	records.health.retries = 2;
	records.health.stop_ms = 200;
	records.startup = (struct args_startup){ .interval_ms = 20, .timeout_ms = 400, .retries = 3, .successes = 1 };
	parse(argc - 2, argv + 2);
	char **command = argv + 2 + optind;
	check(*command, "command");
	if (strcmp(verb, "run") == 0)
		return in_foreground(command, be_monitor);
	if (strcmp(verb, "exec") == 0)
		return in_foreground(command, be_relay);
	announce_fd = fcntl(1, F_DUPFD_CLOEXEC, 3);
	return be_monitor(command, -1);
}
