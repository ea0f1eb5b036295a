/* SPDX-License-Identifier: Apache-2.0 */
/* The verb `attach`: a client of a monitor that runs already. */
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { STATUS_USAGE = 64, WORDS_MAX = 60 };

/* Connects by way of the directory, since a path of more than 107 bytes does not fit an address. */
static int connect_path(char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	int fd;

	if (strlen(name) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, name);
	if (slash) {
		*slash = '\0';
		if (chdir(slash == path ? "/" : path) < 0)
			return -errno;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	int error = errno;

	close_fd(&fd);
	return -error;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes in place. Returns the number of bytes, or -1. */
static int hex_decode(char *text)
{
	int n = 0;

	for (const char *at = text; *at; at += 2, n++) {
		int high = hex_digit(at[0]), low = high < 0 ? -1 : hex_digit(at[1]);

		if (low < 0 || n == KEYS_MAX)
			return -1;
		text[n] = (char)(high << 4 | low);
	}
	return n;
}

/* A caller may have closed 0, 1 or 2; nothing of ours may land there. */
static int fill_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd < 3);
	close_fd(&fd);
	return fcntl(2, F_GETFD);
}

/* Ends as kelp's program for failures, whose words the caller has given, in the environment that we were given. */
static int fail(char **words, int count, const struct report *failure)
{
	char *argv[WORDS_MAX + 4];

	memcpy(argv, words, (size_t)count * sizeof(*argv));
	signals_reset(false);
	report_exec(argv, (uint32_t)count, environ, failure);
	return STATUS_FAILED;
}

int client_attach(int argc, char **argv)
{
	struct args_client options = { .attach = 1 };
	int keys = argc >= 4 && argc <= 4 + WORDS_MAX ? hex_decode(argv[3]) : -1;
	struct report failure;

	if (fill_standard() < 0)
		return STATUS_FAILED;
	if (keys < 0 || argv[1][0] < '0' || argv[1][0] > '7' || argv[1][1] || (argv[2][0] | 1) != '1' || argv[2][1])
		return STATUS_USAGE;
	options.streams = (uint32_t)(argv[1][0] - '0');
	options.signals = argv[2][0] == '1';
	options.detach_keys = (struct text){ .data = argv[3], .size = (uint32_t)keys };
	int sock = connect_path(argv[0]);
	int r = sock < 0 ? CLIENT_LOST : client_run(sock, &options, argc > 4 ? &failure : NULL);

	if (r == CLIENT_FAILED)
		return fail(argv + 4, argc - 4, &failure);
	return r == CLIENT_LOST ? STATUS_FAILED : r;
}
