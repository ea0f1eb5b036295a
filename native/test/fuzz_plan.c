/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mutates a plan against the decoder, under the sanitizers: fuzz-plan SEED [ROUNDS [RANDOM-SEED]]. With clang's
 * libFuzzer (-fsanitize=fuzzer -DLIBFUZZER) the same function is its target.
 */
#include "../vm.h"
#include "fuzz.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The decoder's caller: checks, and walks what passed as the interpreter would, touching every byte of every argument. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* An exact copy, so that the sanitizer sees the first byte read too far. */
	uint8_t *copy = malloc(size + 1);
	struct plan plan = { .data = copy, .size = (uint32_t)size };
	struct cursor at = { 32, 0 };
	volatile uint8_t sum = 0;
	struct records records;
	struct op op;

	memcpy(copy, data, size);
	copy = realloc(copy, size > 0 ? size : 1);
	plan.data = copy;
	if (plan_check(&plan) == 0) {
		plan_records(&plan, &records);
		while (plan_next(&plan, &at, &op) == 1) {
			const struct op_def *def = plan_def(op.code);

			for (uint8_t i = 0; i < def->argc; i++) {
				void *arg = (char *)&op.args + def->arg[i].offset;
				struct text item;

				if (def->arg[i].kind == ARG_STRV)
					while (texts_next(arg, &item))
						sum = (uint8_t)(sum + strlen(item.data));
				if (def->arg[i].kind == ARG_STR)
					sum = (uint8_t)(sum + strlen(((struct text *)arg)->data));
			}
		}
	}
	free(copy);
	return 0;
}

#ifndef LIBFUZZER
enum { LARGEST = 1 << 16 };

/* Flips, sets or copies some bytes, or writes a number that is likely to be a length. */
static void mutate(uint8_t *data, size_t size, uint32_t *random)
{
	static const uint32_t edges[] = { 0, 1, 3, 4, 63, 64, 0x7fffffff, 0xfffffffc, 0xffffffff };

	for (uint32_t n = 1 + next_random(random) % 4; n > 0; n--) {
		size_t at = 8 + next_random(random) % (size - 8);
		uint32_t edge = edges[next_random(random) % (sizeof(edges) / sizeof(edges[0]))];

		switch (next_random(random) % 4) {
		case 0:
			data[at] ^= (uint8_t)(1U << next_random(random) % 8);
			break;
		case 1:
			data[at] = (uint8_t)next_random(random);
			break;
		case 2:
			memcpy(data + at / 4 * 4, &edge, sizeof(edge));
			break;
		default:
			data[at] = data[8 + next_random(random) % (size - 8)];
		}
	}
}

int main(int argc, char **argv)
{
	static uint8_t seed[LARGEST], data[LARGEST + 4];
	uint32_t rounds = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1000000;
	uint32_t random = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 1;
	int fd = argc > 1 ? open(argv[1], O_RDONLY) : -1;
	ssize_t size = fd < 0 ? -1 : read(fd, seed, sizeof(seed));

	if (size < 40)
		return 64;
	for (uint32_t i = 0; i < rounds; i++) {
		uint32_t left = (uint32_t)size;

		memcpy(data, seed, left);
		mutate(data, left, &random);
		if (next_random(&random) % 8 == 0)
			left = 32 + next_random(&random) % (left - 32);
		/* A wrong total length would end most rounds at the header. */
		if (next_random(&random) % 16 != 0)
			memcpy(data + 8, &left, sizeof(left));
		LLVMFuzzerTestOneInput(data, left);
	}
	return 0;
}
#endif
