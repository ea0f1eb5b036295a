/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small things that need no plan: whole writes, texts in fixed buffers, processes by start time.
 */
#include "holdfast.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h> /* renameat */
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* write_all() - write everything, however many writes it takes. Return: 0 or -errno */
int write_all(int fd, const void *data, size_t size)
{
	const char *at = data;

	while (size > 0) {
		ssize_t n = write(fd, at, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

/* read_some() - one read, repeated if a signal interrupts it. Return: bytes, 0 at the end, or -errno */
ssize_t read_some(int fd, void *data, size_t size)
{
	ssize_t n;

	do
		n = read(fd, data, size);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/*
 * report_take() - what a process says of its failure, before it becomes its program or ends
 * Who may trace it could say anything in its name. Return: 0: nothing came; else -errno, never 0 nor beyond what we say
 */
int report_take(int fd, struct report *report)
{
	if (read_some(fd, report, sizeof(*report)) != sizeof(*report))
		return 0;
	if (report->error == 0 || report->error >= 2 * HELPER_ERRNO)
		report->error = EPROTO;
	return -(int)report->error;
}

/* close_fd() - close *fd unless it is -1, and forget it */
void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* fd_place() - move a descriptor to a fixed number; 0 or -errno. A negative @fd is passed on as the error it is */
int fd_place(int fd, int fixed)
{
	int error;

	if (fd < 0)
		return fd;
	error = dup3(fd, fixed, O_CLOEXEC) < 0 ? -errno : 0;
	close(fd);
	return error;
}

/* Room for one descriptor beside a byte of a message. */
union passing {
	struct cmsghdr head;
	char space[CMSG_SPACE(sizeof(int))];
};

/* fd_send() - @data with a descriptor beside it, in one message; 0 or -errno */
int fd_send(int sock, int fd, const void *data, size_t size)
{
	union passing control = { .space = { 0 } };
	struct iovec iov = { (void *)(uintptr_t)data, size };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	ssize_t n;

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	do
		n = sendmsg(sock, &message, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)size ? 0 : n < 0 ? -errno : -EPIPE;
}

/*
 * fd_receive() - bytes, and the descriptor beside them
 * @fd: gets it, or -1: there was none. Return: as recvmsg, with errno set
 */
ssize_t fd_receive(int sock, void *data, size_t size, int flags, int *fd)
{
	union passing control;
	struct iovec iov = { data, size };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = CMSG_LEN(sizeof(int)) }; /* room for one, no more */
	const struct cmsghdr *head;
	ssize_t n;

	*fd = -1;
	do
		n = recvmsg(sock, &message, flags | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	/* Beside an empty datagram too: what nobody takes would stay open. */
	head = n >= 0 ? CMSG_FIRSTHDR(&message) : NULL;
	if (head != NULL && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
	    head->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(head), sizeof(*fd));
	return n;
}

/*
 * listing_next() - the next name in an open directory but "." and ".."; NULL at the end, or with *error set
 * Set @l->fd and leave the rest zero to begin. The name lives until the next call.
 */
const char *listing_next(struct listing *l, int *error)
{
	for (;;) {
		const struct dirent64 *entry;

		if (l->at == l->used) {
			long size = syscall(SYS_getdents64, l->fd, l->data, sizeof(l->data));

			if (size <= 0) {
				*error = size < 0 ? -errno : 0;
				return NULL;
			}
			l->at = 0;
			l->used = (uint32_t)size;
		}
		entry = (const void *)(l->data + l->at);
		l->at += entry->d_reclen;
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			return entry->d_name;
	}
}

/* line_init() - start an empty text in @data */
void line_init(struct line *l, char *data, uint32_t size)
{
	*l = (struct line){ .data = data, .size = size };
	data[0] = '\0';
}

/* line_bytes() - append bytes; all of them or, with `full` set, none */
void line_bytes(struct line *l, const void *data, uint32_t size)
{
	if (size >= l->size - l->used) {
		l->full = true;
		return;
	}
	memcpy(l->data + l->used, data, size);
	l->used += size;
	l->data[l->used] = '\0';
}

/* line_text() - append a C string */
void line_text(struct line *l, const char *text)
{
	line_bytes(l, text, (uint32_t)strlen(text));
}

/* line_number() - append a number in decimal */
void line_number(struct line *l, uint64_t number)
{
	char digits[20];
	uint32_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number != 0);
	line_bytes(l, digits + at, (uint32_t)sizeof(digits) - at);
}

/*
 * file_replace() - make a file appear whole under its name, mode 0600
 * The temporary name carries our pid, so that two writers of one name do not meet.
 */
int file_replace(int dir, const char *path, const void *data, size_t size)
{
	char buffer[4096];
	struct line temporary;
	int fd, error;

	line_init(&temporary, buffer, sizeof(buffer));
	line_text(&temporary, path);
	line_text(&temporary, ".");
	line_number(&temporary, (uint64_t)getpid());
	if (temporary.full)
		return -ENAMETOOLONG;
	fd = openat(dir, buffer, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	error = write_all(fd, data, size);
	close(fd);
	if (error == 0 && renameat(dir, buffer, dir, path) < 0)
		error = -errno;
	if (error != 0)
		unlinkat(dir, buffer, 0);
	return error;
}

/* The start time in the text of a stat file: field 22, counted after the last ')' because a name may hold anything. */
static uint64_t stat_start(const char *text)
{
	const char *at = strrchr(text, ')');
	uint64_t start = 0;

	for (int field = 2; at != NULL && field < 22; field++) {
		at = strchr(at, ' ');
		if (at != NULL)
			at++;
	}
	for (; at != NULL && *at >= '0' && *at <= '9'; at++)
		start = start * 10 + (uint64_t)(*at - '0');
	return start;
}

int proc_open(pid_t pid, const char *name, int flags)
{
	char path[64];
	struct line l;

	line_init(&l, path, sizeof(path));
	line_text(&l, "/proc/");
	if (pid == 0)
		line_text(&l, "self");
	else
		line_number(&l, (uint64_t)pid);
	line_text(&l, "/");
	line_text(&l, name);
	return open(path, flags | O_CLOEXEC);
}

/* process_start() - when a process started, in the kernel's ticks; 0 if there is no such process; pid 0 is oneself */
uint64_t process_start(pid_t pid)
{
	char text[1024];
	int fd = proc_open(pid, "stat", O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read_some(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	return stat_start(text);
}

/* process_gone() - whether the process of a pidfd has ended: then its pid may be somebody else's by now */
bool process_gone(int pidfd)
{
	struct pollfd ended = { .fd = pidfd, .events = POLLIN };

	return poll(&ended, 1, 0) > 0;
}

/*
 * process_open() - a pidfd of exactly that process, if it runs
 * The start time is compared after the pidfd exists: a pid reused before is seen, one reused later does not matter.
 * A process that has ended and waits to be reaped counts as gone.
 */
int process_open(pid_t pid, uint64_t start)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (pidfd < 0)
		return -errno;
	if (process_start(pid) != start || process_gone(pidfd)) {
		close(pidfd);
		return -ESRCH;
	}
	return pidfd;
}

/* status_code() - what waitpid says, as a shell says it */
int status_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* process_wait() - reap one child. Return: its status as a shell says it */
int process_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 255;
	return status_code(status);
}

/* The kernel's own view of a disposition; libc's sigaction refuses the two signals it keeps for itself. */
struct kernel_sigaction {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

/* signals_reset() - every disposition to default and nothing blocked; SIGPIPE ignored if asked */
void report_exec(char **argv, uint32_t count, char **env, const struct report *failure)
{
	static const char *const stages[] = STAGE_NAMES;
	const uint32_t last = sizeof(stages) / sizeof(stages[0]);
	char numbers[2][12];
	struct line line;

	line_init(&line, numbers[0], sizeof(numbers[0]));
	line_number(&line, failure->index);
	line_init(&line, numbers[1], sizeof(numbers[1]));
	line_number(&line, failure->error);
	argv[count] = (char *)(uintptr_t)stages[failure->stage < last ? failure->stage : 0];
	argv[count + 1] = numbers[0];
	argv[count + 2] = numbers[1];
	argv[count + 3] = NULL;
	execve(argv[0], argv, env);
}

void signals_reset(bool ignore_pipe)
{
	struct kernel_sigaction action = { .handler = SIG_DFL };
	uint64_t none = 0;

	for (int number = 1; number <= 64; number++) {
		action.handler = ignore_pipe && number == SIGPIPE ? SIG_IGN : SIG_DFL;
		syscall(SYS_rt_sigaction, number, &action, NULL, sizeof(none));
	}
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none));
}

/* texts_next() - the next string of a validated list; false at the end */
bool texts_next(struct texts *list, struct text *item)
{
	if (list->count == 0)
		return false;
	memcpy(&item->size, list->data, sizeof(item->size));
	item->data = (const char *)list->data + sizeof(item->size);
	list->data += sizeof(item->size) + (((size_t)item->size + 1 + 3) & ~(size_t)3);
	list->count--;
	return true;
}

/* now_ms() - milliseconds of a clock that only goes forward */
uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}
