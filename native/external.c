/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container made by an OCI runtime. What the plan's `exec` stage executes is the runtime's `create`; the process that
 * it leaves behind is adopted here, started, signalled and at last deleted by the programs of the record `runtime`.
 */
#include "serve.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct args_runtime *runtime; /* of the container we watch; NULL: it has none */
static int process_fd = -1; /* whom a signal reaches that the runtime did not take */
static int console_fd = -1; /* where it sends the terminal */

static int failed(struct monitor *m, int error)
{
	m->failure = (struct report){ .kind = REPORT_FAILED,
				      .stage = STAGE_CONFIG,
				      .index = m->records->index[OP_RUNTIME],
				      .error = (uint32_t)-error };
	return error;
}

/* A program's status as the error of a record. */
static int outcome(struct monitor *m, int status)
{
	if (status == 0)
		return 0;
	return failed(m, status < 0 ? status : -(HELPER_ERRNO + status));
}

int external_prepare(struct monitor *m)
{
	if (!(m->records->have & 1U << OP_RUNTIME))
		return 0;
	runtime = &m->records->runtime;
	/* `create` ends once the container is made: what it leaves behind becomes our child. */
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	if (!m->records->container.tty)
		return 0;
	console_fd = socket_in(m->run_dir, &runtime->console, SOCK_STREAM, 0600);
	return console_fd < 0 ? failed(m, console_fd) : 0;
}

bool external_used(void)
{
	return runtime != NULL;
}

/* The number that a file begins with; 0 if there is none. */
static pid_t read_pid(const char *path)
{
	char text[24];
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), pid = 0;
	ssize_t n = fd < 0 ? 0 : read_some(fd, text, sizeof(text));

	close_fd(&fd);
	for (ssize_t i = 0; i < n && i < 9 && text[i] >= '0' && text[i] <= '9'; i++)
		pid = pid * 10 + (text[i] - '0');
	return pid;
}

/* The connection over which the terminal has been sent takes the place of openPty's socket. */
static int take_console(struct streams *s)
{
	close_fd(&s->pty_ours);
	s->pty_ours = accept4(console_fd, NULL, NULL, SOCK_CLOEXEC);
	return s->pty_ours < 0 ? -errno : 0;
}

int external_adopt(struct monitor *m)
{
	int error = outcome(m, process_wait(m->init));

	m->init = 0;
	close_fd(&m->init_fd);
	if (error != 0)
		return error;
	m->init = read_pid(runtime->pid_file.data);
	m->init_fd = m->init == 0 ? -1 : (int)syscall(SYS_pidfd_open, m->init, 0);
	if (m->init_fd < 0)
		return failed(m, m->init == 0 ? -ENOENT : -errno);
	process_fd = m->init_fd;
	if (m->records->container.tty && (error = take_console(&m->streams)) < 0)
		return failed(m, error);
	return 0;
}

int external_start(struct monitor *m)
{
	return outcome(m, program_run(runtime->start, runtime->env, NO_SLOT, 0));
}

/* A runtime that refuses, or is gone, keeps nobody from ending its container. */
int external_signal(int number)
{
	const uint32_t last = runtime->kill.count - 1;

	if (program_run(runtime->kill, runtime->env, last, number) == 0)
		return 0;
	return syscall(SYS_pidfd_send_signal, process_fd, number, NULL, 0) < 0 ? -errno : 0;
}

void external_delete(void)
{
	pid_t remover, ended;

	if (runtime == NULL)
		return;
	process_fd = -1;
	remover = program_start(runtime->remove, runtime->env, NO_SLOT, 0);
	/* What the runtime or the container left running has become ours to reap; the runtime waits until it is gone. */
	do
		ended = waitpid(-1, NULL, remover < 0 ? WNOHANG : 0);
	while (ended != remover && (ended > 0 || (ended < 0 && errno == EINTR)));
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}
