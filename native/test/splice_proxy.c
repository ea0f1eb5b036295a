/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What splicing costs by itself, for the benchmarks: splice-proxy LISTEN-PORT TARGET-PORT [TARGET NETWORK], listening on
 * 127.0.0.1 and connecting to it, or to TARGET from within the network namespace NETWORK. A process for each direction of each
 * connection, which does nothing else: no events, no limits, no care.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIPE_SIZE = 1 << 20 };

static int tcp_socket(const char *address, const char *port, bool listens)
{
	const struct sockaddr_in at = { .sin_family = AF_INET,
					.sin_port = htons((uint16_t)atoi(port)),
					.sin_addr.s_addr = inet_addr(address) };
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (!listens)
		return connect(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 ? -1 : fd;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 64) < 0 ? -1 : fd;
}

static _Noreturn void move(int from, int to)
{
	int ends[2];
	ssize_t held, n;

	if (pipe(ends) < 0)
		_exit(1);
	(void)fcntl(ends[0], F_SETPIPE_SZ, PIPE_SIZE);
	while ((held = splice(from, NULL, ends[1], NULL, PIPE_SIZE, SPLICE_F_MOVE)) > 0)
		for (; held > 0; held -= n) {
			n = splice(ends[0], NULL, to, NULL, (size_t)held, SPLICE_F_MOVE);
			if (n <= 0)
				_exit(1);
		}
	shutdown(to, SHUT_WR);
	_exit(0);
}

int main(int argc, char **argv)
{
	const char *target_address = argc == 5 ? argv[3] : "127.0.0.1";
	int listener = argc == 3 || argc == 5 ? tcp_socket("127.0.0.1", argv[1], true) : -1;

	if (listener < 0 || (argc == 5 && setns(open(argv[4], O_RDONLY | O_CLOEXEC), CLONE_NEWNET) < 0))
		return 64;
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int client = accept(listener, NULL, NULL);
		int target = tcp_socket(target_address, argv[2], false);

		for (int d = 0; d < 2; d++)
			if (fork() == 0) {
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				move(d == 0 ? client : target, d == 0 ? target : client);
			}
		close(client);
		close(target);
	}
}
