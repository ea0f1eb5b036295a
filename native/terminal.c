/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's terminal and files: changed as little as possible, and always put back. */
#include "client.h"
#include "proto.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

void terminal_raw(struct terminal *t)
{
	struct termios mode;

	if (!t->raw && tcgetattr(t->fd, &t->saved) < 0)
		return;
	mode = t->saved;
	cfmakeraw(&mode);
	t->raw = true;
	(void)tcsetattr(t->fd, TCSANOW, &mode);
}

void terminal_restore(struct terminal *t)
{
	sigset_t ttou;

	if (!t->raw)
		return;
	/* From the background this would stop us; blocked, it is carried out. */
	sigemptyset(&ttou);
	sigaddset(&ttou, SIGTTOU);
	sigprocmask(SIG_BLOCK, &ttou, NULL);
	(void)tcsetattr(t->fd, TCSANOW, &t->saved);
	sigprocmask(SIG_UNBLOCK, &ttou, NULL);
	t->raw = false;
}

bool terminal_size(uint16_t *rows, uint16_t *columns)
{
	struct winsize size;

	for (int fd = 0; fd < 3; fd++) {
		if (ioctl(fd, TIOCGWINSZ, &size) < 0)
			continue;
		*rows = size.ws_row;
		*columns = size.ws_col;
		return true;
	}
	return false;
}

int caller_open(int fd, int access, enum sink_kind *kind)
{
	char path[32];
	struct line l;
	struct stat st;
	unsigned master;

	*kind = SINK_BLOCKING;
	if (fstat(fd, &st) < 0)
		return fd;
	if (S_ISSOCK(st.st_mode)) {
		*kind = SINK_SOCKET;
		return fd;
	}
	/* Opening the master side of a terminal would make another terminal. */
	if (!S_ISFIFO(st.st_mode) && (!isatty(fd) || ioctl(fd, TIOCGPTN, &master) == 0))
		return fd;
	line_init(&l, path, sizeof(path));
	line_text(&l, "/proc/self/fd/");
	line_number(&l, (uint64_t)fd);
	int own = open(path, access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (own < 0)
		return fd;
	*kind = SINK_NONBLOCK;
	return own;
}

ssize_t sink_write(int fd, enum sink_kind kind, const void *data, size_t size)
{
	ssize_t n;

	/* A shared pipe that poll(2) calls writable takes PIPE_BUF bytes at once. */
	if (kind == SINK_SOCKET)
		n = send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		n = write(fd, data, kind == SINK_BLOCKING && size > 4096 ? 4096 : size);
	return n < 0 ? -errno : n;
}
