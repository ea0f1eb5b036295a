/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the attach client: the caller's terminal and the detach keys. */
#ifndef CLIENT_H
#define CLIENT_H

#include "holdfast.h"

#include <termios.h>

enum { STATUS_FAILED = 125 }; /* an exit status of ours, not the container's */

/* ---- terminal.c ---- */

/* The caller's terminal; `saved` is valid while `raw`. */
struct terminal {
	int fd;
	bool raw;
	struct termios saved;
};

/* Raw mode, if @t->fd is a terminal. From the background it stops the process, as job control has it. */
void terminal_raw(struct terminal *t);
/* Back to what was found, from wherever we are. */
void terminal_restore(struct terminal *t);
/* The size of the first terminal among 0, 1, 2. */
bool terminal_size(uint16_t *rows, uint16_t *columns);

enum sink_kind { SINK_BLOCKING, SINK_NONBLOCK, SINK_SOCKET };

/*
 * caller_open() - a descriptor of our own for one of the caller's
 * O_NONBLOCK belongs to the open file, which the caller's shell shares; a pipe or terminal is therefore opened anew.
 * @kind says how to write to it. Returns @fd itself where that is not possible.
 */
int caller_open(int fd, int access, enum sink_kind *kind);
/* Writes what goes without waiting (a few hundred bytes at least once poll says so): bytes, or -errno. */
ssize_t sink_write(int fd, enum sink_kind kind, const void *data, size_t size);

/* ---- keys.c ---- */

/* Recognises a sequence of keys in a stream of input; `held` of its first bytes have been seen and held back. */
struct keys {
	const uint8_t *sequence;
	uint32_t size, held;
};

enum { KEYS_MAX = 64 };

/*
 * keys_scan() - pass input on, except a detach sequence
 * @to must have room for @size + KEYS_MAX bytes. Held bytes that turn out to be something else come first.
 * Return: bytes put to @to; *@found is set at the end of the sequence, and what follows it is dropped.
 */
uint32_t keys_scan(struct keys *k, const uint8_t *from, uint32_t size, uint8_t *to, bool *found);

#endif
