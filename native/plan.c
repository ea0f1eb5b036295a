/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading plans: bounds, types and order are all checked here, before anything runs (PLAN.md, "Wire form").
 *
 * The file is copied into one private mapping first. Checking a shared mapping would prove nothing, because
 * whoever has the file open could still change it.
 */
#define PLAN_OPS_TABLE
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEADER_SIZE = 32, RECORD_SIZE = 8, PLAN_LIMIT = 4 << 20 };

/* The arguments of one record that are still to be read. */
struct reader {
	const uint8_t *data;
	uint32_t left;
};

static bool take(struct reader *r, void *to, uint32_t size)
{
	if (r->left < size)
		return false;
	memcpy(to, r->data, size);
	r->data += size;
	r->left -= size;
	return true;
}

/* Bytes with their length before them and, for a string (@nul 1), a NUL after them; padded with zeros to 4. */
static bool take_text(struct reader *r, struct text *text, uint32_t nul)
{
	uint32_t size, whole;

	if (!take(r, &size, sizeof(size)) || size > r->left)
		return false;
	whole = (size + nul + 3) & ~3U;
	if (whole > r->left || (nul && memchr(r->data, '\0', size) != NULL))
		return false;
	for (uint32_t i = size; i < whole; i++)
		if (r->data[i] != 0)
			return false;
	*text = (struct text){ (const char *)r->data, size };
	r->data += whole;
	r->left -= whole;
	return true;
}

static bool take_texts(struct reader *r, struct texts *texts)
{
	struct text item;

	if (!take(r, &texts->count, sizeof(texts->count)))
		return false;
	texts->data = r->data;
	for (uint32_t i = 0; i < texts->count; i++)
		if (!take_text(r, &item, 1))
			return false;
	return true;
}

static bool take_arg(struct reader *r, uint8_t kind, void *to)
{
	switch (kind) {
	case ARG_U64:
		return take(r, to, sizeof(uint64_t));
	case ARG_STR:
		return take_text(r, to, 1);
	case ARG_BLOB:
		return take_text(r, to, 0);
	case ARG_STRV:
		return take_texts(r, to);
	default:
		return take(r, to, sizeof(uint32_t));
	}
}

/* plan_def() - how the arguments of an opcode lie; NULL if there is no such opcode */
const struct op_def *plan_def(uint16_t code)
{
	return code < OP_LIMIT && op_defs[code].stages != 0 ? &op_defs[code] : NULL;
}

/*
 * plan_next() - decode the operation at *at and step over it
 * Return: 1, 0 at the end, or -EBADMSG. Used for checking and for running, so that nothing is ever run that
 * was not decoded by the code that checked it.
 */
int plan_next(const struct plan *plan, struct cursor *at, struct op *op)
{
	struct reader r = { plan->data + at->offset, plan->size - at->offset };
	const struct op_def *def;
	uint32_t length;

	if (at->index == plan->count)
		return r.left == 0 ? 0 : -EBADMSG;
	memset(op, 0, sizeof(*op));
	if (!take(&r, &op->code, 2) || !take(&r, &op->stage, 1) || !take(&r, &op->tolerate, 1) ||
	    !take(&r, &length, 4) || length > r.left || length % 4 != 0)
		return -EBADMSG;
	def = plan_def(op->code);
	if (def == NULL || op->stage >= STAGE_COUNT || !(def->stages & 1 << op->stage))
		return -EBADMSG;
	r.left = length;
	for (uint8_t i = 0; i < def->argc; i++)
		if (!take_arg(&r, def->arg[i].kind, (char *)&op->args + def->arg[i].offset))
			return -EBADMSG;
	if (r.left != 0)
		return -EBADMSG;
	op->index = at->index++;
	at->offset += RECORD_SIZE + length;
	return 1;
}

/* Slots must exist before they are used; records and jobs of the first process may appear once only. */
static bool op_sound(const struct op *op, uint64_t *slots, uint32_t *records)
{
	const struct op_def *def = plan_def(op->code);

	for (uint8_t i = 0; i < def->argc; i++) {
		uint32_t slot;

		if (def->arg[i].kind != ARG_SLOT && def->arg[i].kind != ARG_INTO)
			continue;
		memcpy(&slot, (const char *)&op->args + def->arg[i].offset, sizeof(slot));
		if (slot == NO_SLOT)
			continue;
		if (slot >= SLOT_COUNT)
			return false;
		if (def->arg[i].kind == ARG_INTO)
			*slots |= UINT64_C(1) << slot;
		else if (op->stage != STAGE_CONFIG && !(*slots & UINT64_C(1) << slot))
			return false;
	}
	if (op->stage == STAGE_CONFIG) {
		if (*records & 1U << op->code)
			return false;
		*records |= 1U << op->code;
	}
	return true;
}

/* plan_check() - is this a plan? Sets plan->count; looks at every byte and touches nothing else. 0 or -EBADMSG */
int plan_check(struct plan *plan)
{
	static const uint8_t head[8] = { 'K', 'E', 'L', 'P', 'P', 'L', 'A', 'N' };
	static const uint8_t hash[8] = PLAN_TABLE_HASH;
	static const uint8_t zero[8];
	struct cursor at = { HEADER_SIZE, 0 };
	uint32_t size, records = 0;
	uint64_t slots = 0;
	uint8_t stage = 0;
	struct op op;
	int more;

	if (plan->size < HEADER_SIZE || memcmp(plan->data, head, 8) != 0)
		return -EBADMSG;
	memcpy(&size, plan->data + 8, 4);
	memcpy(&plan->count, plan->data + 12, 4);
	if (size != plan->size || memcmp(plan->data + 16, hash, 8) != 0 || memcmp(plan->data + 24, zero, 8) != 0)
		return -EBADMSG;
	while ((more = plan_next(plan, &at, &op)) == 1) {
		if (op.stage < stage || !op_sound(&op, &slots, &records))
			return -EBADMSG;
		stage = op.stage;
	}
	return more;
}

/* plan_map() - the bytes of a descriptor, from its position on, as a private mapping; 0 or -errno */
int plan_map(struct plan *plan, int fd, uint32_t size)
{
	uint32_t have = 0;
	uint8_t *data;
	int error;

	if (size > PLAN_LIMIT || size == 0)
		return -EBADMSG;
	data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (data == MAP_FAILED)
		return -errno;
	*plan = (struct plan){ .data = data, .size = size };
	while (have < size) {
		ssize_t n = read_some(fd, data + have, size - have);

		if (n <= 0) {
			plan_drop(plan);
			return n < 0 ? (int)n : -EBADMSG;
		}
		have += (uint32_t)n;
	}
	mprotect(data, size, PROT_READ);
	error = plan_check(plan);
	if (error != 0)
		plan_drop(plan);
	return error;
}

/* plan_load() - read and check the plan in a regular file beneath a directory, or AT_FDCWD; 0 or -errno */
int plan_load(struct plan *plan, int dir, const char *path)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	int error;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		error = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_size > PLAN_LIMIT)
		error = -EBADMSG;
	else
		error = plan_map(plan, fd, (uint32_t)st.st_size);
	close(fd);
	return error;
}

/* plan_drop() - a plan that nothing points into any more */
void plan_drop(struct plan *plan)
{
	if (plan->data)
		munmap((void *)(uintptr_t)plan->data, plan->size);
	*plan = (struct plan){ 0 };
}

/* plan_seek() - the first operation of a stage; false if the plan has none (then *at is where it would be) */
bool plan_seek(const struct plan *plan, uint8_t stage, struct cursor *at)
{
	struct cursor next = { HEADER_SIZE, 0 };
	struct op op = { .stage = 0 };

	do
		*at = next;
	while (plan_next(plan, &next, &op) == 1 && op.stage < stage);
	return at->index < plan->count && op.stage == stage;
}

/* plan_records() - collect the static records */
void plan_records(const struct plan *plan, struct records *records)
{
#define PLACE(member) { offsetof(struct records, member), sizeof(records->member) }
	static const struct {
		size_t at, size;
	} places[RECORD_LIMIT] = {
		[OP_CONTAINER] = PLACE(container), [OP_MONITOR_FILES] = PLACE(files), [OP_LOG] = PLACE(log),
		[OP_CLIENT] = PLACE(client),	   [OP_ON_FAILURE] = PLACE(on_failure), [OP_LIFE] = PLACE(life),
		[OP_HEALTH] = PLACE(health),	   [OP_STARTUP] = PLACE(startup),	[OP_EVENTS] = PLACE(events),
		[OP_NOTIFY] = PLACE(notify),	   [OP_RUNTIME] = PLACE(runtime),
	};
#undef PLACE
	struct cursor at = { HEADER_SIZE, 0 };
	struct op op;

	memset(records, 0, sizeof(*records));
	while (plan_next(plan, &at, &op) == 1 && op.stage == STAGE_CONFIG) {
		memcpy((char *)records + places[op.code].at, &op.args, places[op.code].size);
		records->have |= 1U << op.code;
		records->index[op.code] = op.index;
	}
}

/*
 * plan_trim() - give back the memory of the operations that have run
 * A monitor lives as long as its container and needs the records and `finish` only; the rest (environment,
 * seccomp filter) is most of the plan. Whole pages strictly between the two are dropped.
 */
void plan_trim(const struct plan *plan)
{
	const uintptr_t page = 4096;
	struct cursor from, to;
	uintptr_t start, end;

	plan_seek(plan, STAGE_LAUNCH, &from);
	plan_seek(plan, STAGE_FINISH, &to);
	start = ((uintptr_t)plan->data + from.offset + page - 1) & ~(page - 1);
	end = ((uintptr_t)plan->data + to.offset) & ~(page - 1);
	if (start < end)
		madvise((void *)start, end - start, MADV_DONTNEED);
}
