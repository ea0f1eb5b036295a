/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include <string.h>

/* The longest beginning of the sequence that the last bytes (@held of it, then @byte) can still be. */
static uint32_t keys_fall_back(const struct keys *k, uint8_t byte)
{
	for (uint32_t n = k->held; n > 0; n--) {
		/* The candidate: held[held - n + 1 ..] followed by byte, n bytes in all. */
		if (k->sequence[n - 1] == byte && memcmp(k->sequence, k->sequence + k->held - n + 1, n - 1) == 0)
			return n;
	}
	return 0;
}

uint32_t keys_scan(struct keys *k, const uint8_t *from, uint32_t size, uint8_t *to, bool *found)
{
	uint32_t put = 0;

	if (k->size == 0) {
		memcpy(to, from, size);
		return size;
	}
	for (uint32_t i = 0; i < size; i++) {
		if (k->held < k->size && from[i] == k->sequence[k->held]) {
			if (++k->held < k->size)
				continue;
			*found = true;
			return put;
		}
		const uint32_t keep = keys_fall_back(k, from[i]);
		const uint32_t release = k->held + 1 - keep;

		/* Of held + 1 bytes the last `keep` stay back; the present byte is the last of them. */
		memcpy(to + put, k->sequence, release < k->held ? release : k->held);
		put += release < k->held ? release : k->held;
		if (keep == 0)
			to[put++] = from[i];
		k->held = keep;
	}
	return put;
}
