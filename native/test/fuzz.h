/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzzers of this directory share. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdint.h>

/* xorshift: the same numbers for the same seed, which must not be 0 */
static inline uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

#endif
