/* SPDX-License-Identifier: Apache-2.0 */
/* The frames of PROTOCOL.md: their numbers, and little-endian fields without alignment. */
#ifndef PROTO_H
#define PROTO_H

#include <stdint.h>

enum frame_type {
	FRAME_HELLO = 1,
	FRAME_STDIN = 2,
	FRAME_STDIN_EOF = 3,
	FRAME_RESIZE = 4,
	FRAME_SIGNAL = 5,
	FRAME_REOPEN_LOG = 6,
	FRAME_CHECK = 7,
	FRAME_TARGET = 8,
	FRAME_KEEP = 9,
	FRAME_AMEND = 10,
	FRAME_START = 11,
	FRAME_READY = 0x81,
	FRAME_STDOUT = 0x82,
	FRAME_STDERR = 0x83,
	FRAME_EXIT = 0x84,
	FRAME_ACK = 0x85,
	FRAME_ENDED = 0x86,
	FRAME_CHECKED = 0x87,
	FRAME_FAILED = 0x88,
};

enum { AMEND_HEALTH = 1 };
enum { WANT_STDIN = 1, WANT_STDOUT = 2, WANT_STDERR = 4, WANT_ENDS = 8 };

enum {
	FRAME_HEAD = 4,
	FRAME_BODY_MAX = 16384,
	FRAME_SMALL = FRAME_HEAD + 12, /* the largest frame that is not STDIN, STDOUT or STDERR */
};

static inline uint16_t get_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t get_u32(const uint8_t *p)
{
	return get_u16(p) | (uint32_t)get_u16(p + 2) << 16;
}

static inline void put_u16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline void put_u32(uint8_t *p, uint32_t v)
{
	put_u16(p, v & 0xffff);
	put_u16(p + 2, v >> 16);
}

static inline void put_head(uint8_t *p, enum frame_type type, uint32_t body)
{
	p[0] = (uint8_t)type;
	p[1] = 0;
	put_u16(p + 2, body);
}

#endif
