/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers that the kernel would never give, under the sanitizers: fuzz-netlink [ROUNDS [RANDOM-SEED]]. First the ones
 * whose verdict is known, then what a socket does with them, then mutations.
 */
#include "../netlink_answer.h"
#include "fuzz.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { OURS = 7, OTHERS = 6, ROOM = 1 << 10 };

struct answer {
	struct nlmsghdr head;
	struct nlmsgerr body;
};

static void require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz-netlink: %s\n", what);
	abort();
}

static struct answer answer(uint32_t sequence, int error)
{
	return (struct answer){
		.head = { .nlmsg_len = sizeof(struct answer), .nlmsg_type = NLMSG_ERROR, .nlmsg_seq = sequence },
		.body.error = error,
	};
}

/* The verdict on an exact copy, so that the sanitizer sees the first byte read too far. */
static int verdict(const void *data, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);
	int result;

	memcpy(copy, data, size);
	result = netlink_verdict(copy, size, OURS);
	free(copy);
	return result;
}

static int verdict_of_two(struct answer first, struct answer second)
{
	const struct answer both[] = { first, second };

	return verdict(both, sizeof(both));
}

/* A good answer with one field of its header changed. */
static int verdict_with_length(uint32_t length)
{
	struct answer a = answer(OURS, 0);

	a.head.nlmsg_len = length;
	return verdict(&a, sizeof(a));
}

static void known_cases(void)
{
	const struct answer good = answer(OURS, 0), bad = answer(OURS, -EBUSY), stale = answer(OTHERS, -EPERM);
	struct answer done = good;

	done.head.nlmsg_type = NLMSG_DONE;
	require(verdict(&good, sizeof(good)) == 0, "an acknowledgement is one");
	require(verdict(&bad, sizeof(bad)) == -EBUSY, "an error is one");
	require(verdict(&stale, sizeof(stale)) == NETLINK_NOTHING, "an answer to another request says nothing");
	require(verdict(&done, sizeof(done)) == NETLINK_NOTHING, "a message of another type says nothing");
	require(verdict(&good, 0) == NETLINK_NOTHING, "an empty datagram says nothing");
	require(verdict_of_two(stale, good) == 0, "an answer behind another's is found");
	require(verdict_of_two(good, bad) == -EBUSY, "an error behind an acknowledgement is found");
	for (size_t size = 1; size < sizeof(good); size++)
		require(verdict(&good, size) == -EPROTO, "an answer cut short is none");
	for (uint32_t length = 0; length < sizeof(good); length++)
		require(verdict_with_length(length) == -EPROTO, "a length that leaves no room for the answer");
	require(verdict_with_length(sizeof(good) + 1) == -EPROTO, "a length beyond the datagram");
	require(verdict_with_length(UINT32_MAX) == -EPROTO, "a length that wraps round");
	for (int error = 1; error != 0; error = error < (1 << 30) ? error * 2 : 0) {
		struct answer a = answer(OURS, error);

		require(verdict(&a, sizeof(a)) == -EPROTO, "a positive error is no success");
	}
	done = answer(OURS, INT32_MIN);
	require(verdict(&done, sizeof(done)) == -EPROTO, "an error that is no errno");
}

static int open_socket(int protocol, uint32_t *port)
{
	const struct timeval patience = { .tv_usec = 100000 };
	struct sockaddr_nl own = { .nl_family = AF_NETLINK };
	socklen_t size = sizeof(own);
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

	require(fd >= 0 && bind(fd, (struct sockaddr *)&own, sizeof(own)) == 0 &&
			getsockname(fd, (struct sockaddr *)&own, &size) == 0 &&
			setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0,
		"a netlink socket");
	*port = own.nl_pid;
	return fd;
}

/* Another program of the user's writes to our socket; the kernel lets anybody do so for this protocol. */
static void forged_answers(void)
{
	const struct answer good = answer(OURS, 0), bad = answer(OURS, -EBUSY);
	struct sockaddr_nl to = { .nl_family = AF_NETLINK };
	uint32_t port;
	int forger = open_socket(NETLINK_USERSOCK, &port), us = open_socket(NETLINK_USERSOCK, &to.nl_pid);

	require(sendto(forger, &good, sizeof(good), 0, (struct sockaddr *)&to, sizeof(to)) == sizeof(good), "sending");
	require(netlink_answer(us, OURS, true) == -EAGAIN, "a forged acknowledgement is passed over");
	require(sendto(forger, &bad, sizeof(bad), 0, (struct sockaddr *)&to, sizeof(to)) == sizeof(bad), "sending");
	require(netlink_answer(us, OURS, false) == 0, "a forged error is passed over");
	close(forger);
	close(us);
}

static void request(int fd, uint16_t type, uint32_t sequence)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg info;
	} r = {
		.head = { .nlmsg_len = sizeof(r), .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
			  .nlmsg_seq = sequence },
		.info.ifi_index = type == RTM_GETLINK ? 1 : INT32_MAX,
	};

	require(send(fd, &r, sizeof(r), 0) == sizeof(r), "sending a request");
}

/* The kernel's own: the refusal of a request that nobody asked about any more, then data, then an acknowledgement. */
static void true_answers(void)
{
	uint32_t port;
	int fd = open_socket(NETLINK_ROUTE, &port);

	request(fd, RTM_DELLINK, OTHERS);
	request(fd, RTM_GETLINK, OURS);
	require(netlink_answer(fd, OURS, true) == 0, "the answer to the request before is passed over");
	request(fd, RTM_DELLINK, OURS);
	require(netlink_answer(fd, OURS, false) < 0, "a refusal is there once the request has been sent");
	close(fd);
}

/* Some answers in a row; then a few bytes of them become others, preferably those of lengths. */
static size_t noise(uint8_t *data, uint32_t *random)
{
	static const int errors[] = { 0, -EPERM, 5, INT32_MIN };
	static const uint32_t edges[] = { 0, 15, 16, 17, 35, 36, 37, 0x7fffffff, 0xfffffffc, 0xffffffff };
	size_t size = 0;

	for (uint32_t left = 1 + next_random(random) % 4; left > 0; left--) {
		const struct answer a = answer(next_random(random) % 2 ? OURS : OTHERS, errors[next_random(random) % 4]);

		memcpy(data + size, &a, sizeof(a));
		size += sizeof(a);
	}
	for (uint32_t left = next_random(random) % 4; left > 0; left--) {
		uint32_t edge = edges[next_random(random) % 10];

		if (next_random(random) % 2)
			memcpy(data + next_random(random) % (size / 4) * 4, &edge, sizeof(edge));
		else
			data[next_random(random) % size] = (uint8_t)next_random(random);
	}
	return next_random(random) % 4 ? size : next_random(random) % (size + 1);
}

int main(int argc, char **argv)
{
	uint32_t rounds = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 10000000;
	uint32_t random = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1;
	uint8_t data[ROOM];

	known_cases();
	forged_answers();
	true_answers();
	while (rounds-- > 0) {
		int result = verdict(data, noise(data, &random));

		require(result <= NETLINK_NOTHING && result >= -4095, "a verdict is an errno, success or nothing");
	}
	return 0;
}
