/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel answers to a netlink request. Only what it says itself, and about that request, counts: a socket may
 * hold an answer that nobody read, and other programs can write to it.
 */
#include "netlink_answer.h"
#include "holdfast.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

enum {
	ANSWER_SIZE = 4096, /* an answer repeats the request's message when that failed */
	ERRNO_MOST = 4095,
};

/* Reads the error of one message that is about our request. */
static int error_of(const uint8_t *message, size_t size)
{
	struct nlmsgerr body;

	if (size < NLMSG_LENGTH(sizeof(body)))
		return -EPROTO;
	memcpy(&body, message + NLMSG_HDRLEN, sizeof(body));
	return body.error > 0 || body.error < -ERRNO_MOST ? -EPROTO : body.error;
}

/*
 * netlink_verdict() - what a datagram says about the request numbered @sequence
 * Return: 0 or -errno, the first error if there are several; NETLINK_NOTHING; -EPROTO if it is malformed
 */
int netlink_verdict(const uint8_t *data, size_t size, uint32_t sequence)
{
	int verdict = NETLINK_NOTHING;

	while (size >= sizeof(struct nlmsghdr)) {
		struct nlmsghdr head;
		size_t step;

		memcpy(&head, data, sizeof(head));
		if (head.nlmsg_len < sizeof(head) || head.nlmsg_len > size)
			return -EPROTO;
		if (head.nlmsg_type == NLMSG_ERROR && head.nlmsg_seq == sequence) {
			verdict = error_of(data, head.nlmsg_len);
			if (verdict < 0)
				return verdict;
		}
		step = NLMSG_ALIGN((size_t)head.nlmsg_len);
		if (step >= size)
			return verdict;
		data += step;
		size -= step;
	}
	return size == 0 ? verdict : -EPROTO;
}

/*
 * netlink_answer() - read what the kernel answers to the request numbered @sequence
 * @wait: an answer is certain to come; without it, what has come by now is all there is, and none is good news
 */
int netlink_answer(int fd, uint32_t sequence, bool wait)
{
	uint8_t data[ANSWER_SIZE];

	for (;;) {
		struct sockaddr_nl from = { .nl_family = AF_UNSPEC };
		struct iovec part = { data, sizeof(data) };
		struct msghdr message = { .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &part, .msg_iovlen = 1 };
		ssize_t n = recvmsg(fd, &message, wait ? 0 : MSG_DONTWAIT);
		int verdict;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN && !wait ? 0 : -errno;
		if (message.msg_namelen != sizeof(from) || from.nl_family != AF_NETLINK || from.nl_pid != 0)
			continue;
		verdict = message.msg_flags & MSG_TRUNC ? -EPROTO : netlink_verdict(data, (size_t)n, sequence);
		if (verdict < 0 || (verdict == 0 && wait))
			return verdict;
	}
}
