/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's log: one line a line, with time and stream, in k8s-file format; or the journal.
 *
 * A log that cannot be written must not hurt the container. What a failing write leaves behind is cut back to the
 * last whole record, the rest of that record is dropped, and the next one is tried anew.
 */
#include "serve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct {
	const struct args_log *conf;
	int fd;
	uint64_t size; /* of the file, without what is buffered */
	uint64_t whole; /* of the file up to its last whole record */
	uint32_t used;
	uint32_t used_whole; /* of the buffer up to its last whole record; 0: none ends in it */
	bool broken; /* the present record is lost */
} log_state = { .fd = -1 };
static char log_data[8192];

/* ---- the file ---- */

/* Refuses what is not a regular file without following a link and without waiting for a FIFO's reader. */
static int log_open_file(const char *path)
{
	struct stat st;
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return -EINVAL;
	}
	close_fd(&log_state.fd);
	log_state.fd = fd;
	log_state.size = log_state.whole = (uint64_t)st.st_size;
	return 0;
}

int log_open(const struct args_log *conf)
{
	if (conf->driver == LOG_JOURNAL)
		return journal_open(conf);
	if (conf->driver != LOG_FILE)
		return 0;
	log_state.conf = conf;
	return log_open_file(conf->path.data);
}

/* Once in the life of the log: who reads it shall know that it lacks something. */
static void note_loss(int error)
{
	static bool noted;
	char data[16];
	struct line l;

	if (noted || log_state.conf->lost.size == 0)
		return;
	line_init(&l, data, sizeof(data));
	line_number(&l, (uint64_t)error);
	noted = file_replace(AT_FDCWD, log_state.conf->lost.data, data, l.used) == 0;
}

static void log_flush(void)
{
	const uint32_t used = log_state.used, used_whole = log_state.used_whole;
	ssize_t n = 0;
	uint32_t done = 0;

	log_state.used = log_state.used_whole = 0;
	while (done < used && (n = write(log_state.fd, log_data + done, used - done)) > 0)
		done += (uint32_t)n;
	if (done == used) {
		if (used_whole)
			log_state.whole = log_state.size + used_whole;
		log_state.size += used;
		return;
	}
	note_loss(n < 0 ? errno : EIO);
	/* Every record ends in a newline and has no other. */
	const char *end = memrchr(log_data, '\n', done);
	struct stat st;

	if (end)
		log_state.whole = log_state.size + (uint64_t)(end - log_data) + 1;
	log_state.size = log_state.whole;
	/* Somebody else may have shortened the file: never lengthen it. */
	if (fstat(log_state.fd, &st) == 0 && (uint64_t)st.st_size > log_state.whole)
		(void)!ftruncate(log_state.fd, (off_t)log_state.whole);
	log_state.broken = true;
}

static void log_put(const void *data, size_t size)
{
	const char *from = data;

	while (size > 0 && !log_state.broken) {
		size_t room = sizeof(log_data) - log_state.used, n = size < room ? size : room;

		memcpy(log_data + log_state.used, from, n);
		log_state.used += (uint32_t)n;
		from += n;
		size -= n;
		if (log_state.used == sizeof(log_data))
			log_flush();
	}
}

/* "PATH.N", or PATH itself for 0. */
static const char *rotated_name(char *to, uint32_t size, uint32_t n)
{
	struct line l;

	line_init(&l, to, size);
	line_bytes(&l, log_state.conf->path.data, log_state.conf->path.size);
	if (n > 0) {
		line_text(&l, ".");
		line_number(&l, n);
	}
	return to;
}

static void log_rotate(void)
{
	char from[PATH_MAX], to[PATH_MAX];

	log_flush();
	if (log_state.conf->keep == 0)
		(void)unlink(log_state.conf->path.data);
	for (uint32_t n = log_state.conf->keep; n > 0; n--)
		(void)rename(rotated_name(from, sizeof(from), n - 1), rotated_name(to, sizeof(to), n));
	/* Should that fail, the old file is still open and goes on. */
	(void)log_open_file(log_state.conf->path.data);
}

void log_reopen(void)
{
	if (log_state.conf)
		(void)log_open_file(log_state.conf->path.data);
}

void log_close(void)
{
	journal_close();
	close_fd(&log_state.fd);
	log_state.conf = NULL;
}

/* Begins a record of @size bytes. */
static void record_begin(size_t size)
{
	const uint64_t max = log_state.conf->max_bytes, before = log_state.size + log_state.used;

	if (max && before > 0 && before + size > max)
		log_rotate();
	log_state.broken = false;
}

static void record_end(void)
{
	if (log_state.broken)
		return;
	if (log_state.used)
		log_state.used_whole = log_state.used;
	else
		log_state.whole = log_state.size;
}

/* ---- time ---- */

static char *put_digits(char *to, uint32_t value, int digits)
{
	for (int i = digits - 1; i >= 0; i--, value /= 10)
		to[i] = (char)('0' + value % 10);
	return to + digits;
}

/* The Gregorian date of a day number (0: 1970-01-01), counted in years that begin in March. */
static char *put_date(char *to, int64_t days)
{
	const int64_t shifted = days + 719468, era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	const uint32_t doe = (uint32_t)(shifted - era * 146097);
	const uint32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	const uint32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	const uint32_t mp = (5 * doy + 2) / 153, month = mp < 10 ? mp + 3 : mp - 9;

	to = put_digits(to, (uint32_t)(yoe + era * 400 + (month <= 2)), 4);
	*to++ = '-';
	to = put_digits(to, month, 2);
	*to++ = '-';
	return put_digits(to, doy - (153 * mp + 2) / 5 + 1, 2);
}

uint32_t log_time(char *to, int64_t seconds, uint32_t nanoseconds)
{
	const char *start = to;
	int64_t days = seconds / 86400;
	int64_t rest = seconds % 86400;

	if (rest < 0)
		rest += 86400, days--;
	to = put_date(to, days);
	*to++ = 'T';
	to = put_digits(to, (uint32_t)(rest / 3600), 2);
	*to++ = ':';
	to = put_digits(to, (uint32_t)(rest / 60 % 60), 2);
	*to++ = ':';
	to = put_digits(to, (uint32_t)(rest % 60), 2);
	*to++ = '.';
	to = put_digits(to, nanoseconds, 9);
	return (uint32_t)(to - start);
}

/* ---- k8s-file ---- */

static void write_k8s(unsigned stream, const char *time, const uint8_t *text, size_t size, bool whole)
{
	char prefix[64];
	struct line l;

	line_init(&l, prefix, sizeof(prefix));
	line_text(&l, time);
	line_text(&l, stream ? "+00:00 stderr " : "+00:00 stdout ");
	line_text(&l, whole ? "F " : "P ");
	record_begin(l.used + size + 1);
	log_put(prefix, l.used);
	log_put(text, size);
	log_put("\n", 1);
	record_end();
}

static void file_write(unsigned stream, const uint8_t *data, size_t size)
{
	char time[32];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	time[log_time(time, now.tv_sec, (uint32_t)now.tv_nsec)] = '\0';
	while (size > 0) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t text = end ? (size_t)(end - data) : size;

		write_k8s(stream, time, data, text, end);
		data += text + (end ? 1 : 0);
		size -= text + (end ? 1 : 0);
	}
	log_flush();
}

void log_write(unsigned stream, const uint8_t *data, size_t size)
{
	if (log_state.conf)
		file_write(stream, data, size);
	else
		journal_write(stream, data, size);
}
