/* SPDX-License-Identifier: Apache-2.0 */
/* The small functions of the monitor's side, in TAP: dates, detach keys, log records. */
#include "../client.h"
#include "../serve.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int count, failures;

static void ok(bool passed, const char *name)
{
	printf("%sok %d - %s\n", passed ? "" : "not ", ++count, name);
	failures += !passed;
}

static void test_time(void)
{
	char mine[64], theirs[64];
	bool same = true;

	/* Every 13 hours or so from 1966 to 2170: each leap rule, each month's end. */
	for (int64_t t = -130000000; t < 6311433600LL; t += 46811) {
		time_t seconds = (time_t)t;
		struct tm tm;

		mine[log_time(mine, t, 7)] = '\0';
		strftime(theirs, sizeof(theirs), "%Y-%m-%dT%H:%M:%S.000000007", gmtime_r(&seconds, &tm));
		same &= strcmp(mine, theirs) == 0;
	}
	ok(same, "dates agree with the C library's");
}

/* Feeds @input in pieces of @step bytes; what is passed on goes to @to. */
static bool scan(const char *sequence, const char *input, uint32_t step, char *to)
{
	struct keys keys = { .sequence = (const uint8_t *)sequence, .size = (uint32_t)strlen(sequence) };
	uint8_t out[256];
	uint32_t used = 0, size = (uint32_t)strlen(input);
	bool found = false;

	for (uint32_t at = 0; at < size && !found; at += step)
		used += keys_scan(&keys, (const uint8_t *)input + at, size - at < step ? size - at : step, out + used,
				  &found);
	memcpy(to, out, used);
	to[used] = '\0';
	return found;
}

static void test_keys(void)
{
	static const struct {
		const char *sequence, *input, *passed;
		bool found;
	} cases[] = {
		{ "PQ", "abcPQdef", "abc", true },	 { "PQ", "aPbPPQ", "aPbP", true },
		{ "PQ", "PaPbQP", "PaPbQ", false },	 { "aab", "aaab", "a", true },
		{ "abab", "abaabab", "aba", true },	 { "abcabd", "abcabcabd", "abc", true },
		{ "", "PQ", "PQ", false },		 { "x", "abxc", "ab", true },
		{ "aaaa", "aaabaaab", "aaabaaab", false },
	};
	char got[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool right = true;

		for (uint32_t step = 1; step <= 9; step++)
			right &= scan(cases[i].sequence, cases[i].input, step, got) == cases[i].found &&
				 strcmp(got, cases[i].passed) == 0;
		ok(right, cases[i].input);
	}
}

static void test_file_kinds(const char *path)
{
	struct args_log conf = { .driver = 1, .path = { path, (uint32_t)strlen(path) } };

	ok(symlink("/dev/null", path) == 0 && log_open(&conf) < 0, "refuses a symbolic link");
	unlink(path);
	ok(mkfifo(path, 0600) == 0 && log_open(&conf) < 0, "refuses a FIFO without waiting");
	int reader = open(path, O_RDONLY | O_NONBLOCK);
	ok(log_open(&conf) < 0, "refuses a FIFO with a reader");
	close(reader);
	unlink(path);
	log_write(0, (const uint8_t *)"x\n", 2);
	ok(true, "writing without a file does nothing");
	log_close();
}

int main(int argc, char **argv)
{
	char path[256];

	if (argc != 2)
		return 64;
	snprintf(path, sizeof(path), "%s/test-log", argv[1]);
	test_time();
	test_keys();
	test_file_kinds(path);
	printf("1..%d\n", count);
	return failures != 0;
}
