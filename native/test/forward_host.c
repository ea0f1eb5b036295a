/* SPDX-License-Identifier: Apache-2.0 */
/* The forwarder of published ports alone, for test/native: forward_host LISTEN-PORT TARGET-PORT, both on 127.0.0.1. */
#include "forward.h"
#include "holdfast.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static union address loopback(const char *port)
{
	union address at = { .v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) } };

	at.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return at;
}

static int open_listener(const char *port, int type, int place)
{
	const union address at = loopback(port);
	const int on = 1;
	int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    (type == SOCK_DGRAM && setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) < 0) ||
	    bind(fd, &at.any, sizeof(at.v4)) < 0 || (type == SOCK_STREAM && listen(fd, 4096) < 0) || dup2(fd, place) < 0)
		return -1;
	return close(fd);
}

int main(int argc, char **argv)
{
	union address target;
	struct pollfd ready;

	if (argc != 3 || dup2(open("/dev/null", O_RDWR), FD_NULL) < 0)
		return 64;
	if (open_listener(argv[1], SOCK_STREAM, FORWARD_FIRST_FD) < 0 ||
	    open_listener(argv[1], SOCK_DGRAM, FORWARD_FIRST_FD + 1) < 0)
		return 1;
	signal(SIGPIPE, SIG_IGN); /* a monitor blocks every signal */
	target = loopback(argv[2]);
	if (forward_add(&target, 0, false) < 0 || forward_add(&target, 0, true) < 0 || forward_start() < 0)
		return 1;
	write_all(1, "ready\n", 6);
	ready = (struct pollfd){ .fd = forward_fd(), .events = POLLIN };
	while (poll(&ready, 1, -1) >= 0)
		forward_step();
	return 1;
}
