/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log driver journald: each line one datagram of journald's native protocol, `NAME=value` lines and, for a value
 * that may hold anything, the name, a newline, the length in 8 bytes and the value.
 *
 * Which container it is comes from the plan as such lines, ready made. A journal that is absent or full loses lines; it
 * never stops the container.
 */
#include "serve.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PATIENCE_MS = 1000 }; /* for a journal that has no room at the moment */

static struct {
	const struct args_log *conf;
	struct sockaddr_un address;
	int fd;
} journal = { .fd = -1 };

int journal_open(const struct args_log *conf)
{
	journal.address.sun_family = AF_UNIX;
	if (conf->path.size >= sizeof(journal.address.sun_path))
		return -ENAMETOOLONG;
	memcpy(journal.address.sun_path, conf->path.data, conf->path.size + 1);
	journal.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (journal.fd < 0)
		return -errno;
	journal.conf = conf;
	return 0;
}

/* @part: the line goes on in the next datagram of the stream. */
static void send_line(unsigned stream, const uint8_t *text, size_t size, bool part)
{
	const struct text *const fields[] = { &journal.conf->fields, stream ? &journal.conf->err : &journal.conf->out,
					      &journal.conf->part };
	uint8_t length[8];

	for (unsigned i = 0; i < sizeof(length); i++)
		length[i] = (uint8_t)((uint64_t)size >> 8 * i);
	struct iovec iov[] = {
		{ .iov_base = (char *)(uintptr_t)fields[0]->data, .iov_len = fields[0]->size },
		{ .iov_base = (char *)(uintptr_t)fields[1]->data, .iov_len = fields[1]->size },
		{ .iov_base = (char *)(uintptr_t)fields[2]->data, .iov_len = part ? fields[2]->size : 0 },
		{ .iov_base = "MESSAGE\n", .iov_len = 8 },
		{ .iov_base = length, .iov_len = sizeof(length) },
		{ .iov_base = (uint8_t *)(uintptr_t)text, .iov_len = size },
		{ .iov_base = "\n", .iov_len = 1 },
	};
	struct msghdr msg = { .msg_name = &journal.address,
			      .msg_namelen = sizeof(journal.address),
			      .msg_iov = iov,
			      .msg_iovlen = sizeof(iov) / sizeof(iov[0]) };
	struct pollfd ready = { .fd = journal.fd, .events = POLLOUT };

	if (sendmsg(journal.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno == EAGAIN &&
	    poll(&ready, 1, PATIENCE_MS) > 0)
		(void)sendmsg(journal.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void journal_write(unsigned stream, const uint8_t *data, size_t size)
{
	while (journal.conf && size > 0) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t text = end ? (size_t)(end - data) : size;

		send_line(stream, data, text, !end);
		data += text + (end ? 1 : 0);
		size -= text + (end ? 1 : 0);
	}
}

void journal_close(void)
{
	close_fd(&journal.fd);
}
