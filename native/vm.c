/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interpreter: walks the operations of a stage, keeps the slots, stops at the first failure.
 */
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef int (*op_function)(struct vm *vm, const union args *args);

static const op_function functions[OP_LIMIT] = {
#define VM_ROW(code, function) [code] = function,
	PLAN_OPS(VM_ROW)
#undef VM_ROW
};

/* sys_openat2() - openat2(2), always close-on-exec; a descriptor or -errno */
int sys_openat2(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
	struct open_how how = { .flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve };
	int fd;

	do
		fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
	while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	return fd < 0 ? -errno : fd;
}

/*
 * sys_clone() - fork with namespaces, a pidfd, and the child born in a cgroup
 * @pidfd: where to put it, or NULL; @cgroup: descriptor of a cgroup directory, or -1
 * Return: like fork, -errno on failure. The child shares no memory, so no stack is needed.
 */
pid_t sys_clone(uint64_t flags, int *pidfd, int cgroup)
{
	struct clone_args args = { .flags = flags, .exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD };
	long pid;

	if (pidfd != NULL) {
		args.flags |= CLONE_PIDFD;
		args.pidfd = (uintptr_t)pidfd;
	}
	if (cgroup >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup;
	}
	pid = syscall(SYS_clone3, &args, sizeof(args));
	return pid < 0 ? -errno : (pid_t)pid;
}

/* vm_fail() - note where and why; Return: -error, for the caller to pass on */
int vm_fail(struct vm *vm, uint32_t stage, uint32_t index, int error)
{
	vm->failure = (struct report){ REPORT_FAILED, stage, index, (uint32_t)error };
	return -error;
}

/* slot_fd() - the descriptor in a slot; -1 for an empty slot or NO_SLOT */
int slot_fd(const struct vm *vm, uint32_t slot)
{
	if (slot >= SLOT_COUNT || !(vm->filled & UINT64_C(1) << slot))
		return -1;
	return SLOT_FIRST_FD + (int)slot;
}

/* slot_put() - move a descriptor into a slot (NO_SLOT: close it); a negative @fd is passed on as the error it is */
int slot_put(struct vm *vm, uint32_t slot, int fd)
{
	int moved;

	if (fd < 0)
		return fd;
	if (slot == NO_SLOT) {
		close(fd);
		return 0;
	}
	moved = dup3(fd, SLOT_FIRST_FD + (int)slot, O_CLOEXEC);
	if (moved < 0)
		moved = -errno;
	close(fd);
	if (moved < 0)
		return moved;
	vm->filled |= UINT64_C(1) << slot;
	return 0;
}

/*
 * vm_reserve() - take up those descriptors of the container's process that the caller did not give
 * So nothing of ours lands there. The placeholders close at every execve, also at our own.
 */
void vm_reserve(const struct vm *vm)
{
	for (int fd = 3; fd < 3 + (int)vm->keep_fds; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			dup3(FD_NULL, fd, O_CLOEXEC);
}

static bool is_tolerated(uint8_t set, int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
		return set & (TOLERATE_MISSING | TOLERATE_ANY);
	case EACCES:
	case EPERM:
		return set & (TOLERATE_DENIED | TOLERATE_ANY);
	case EINVAL:
	case ENOSYS:
	case EOPNOTSUPP:
	case ENODEV:
		return set & (TOLERATE_UNSUPPORTED | TOLERATE_ANY);
	case EEXIST:
		return set & (TOLERATE_EXISTS | TOLERATE_ANY);
	default:
		return set & TOLERATE_ANY;
	}
}

/* Does the operation use a slot whose maker was tolerated to fail? */
static bool uses_void(const struct vm *vm, const struct op *op)
{
	const struct op_def *def = plan_def(op->code);

	for (uint8_t i = 0; i < def->argc; i++) {
		uint32_t slot;

		if (def->arg[i].kind != ARG_SLOT)
			continue;
		memcpy(&slot, (const char *)&op->args + def->arg[i].offset, sizeof(slot));
		if (slot != NO_SLOT && slot_fd(vm, slot) < 0)
			return true;
	}
	return false;
}

/* A tolerated failure leaves the slots it was to fill void, whatever an earlier operation put there. */
static void empty_slots(struct vm *vm, const struct op *op)
{
	const struct op_def *def = plan_def(op->code);

	for (uint8_t i = 0; i < def->argc; i++) {
		uint32_t slot;

		if (def->arg[i].kind != ARG_INTO)
			continue;
		memcpy(&slot, (const char *)&op->args + def->arg[i].offset, sizeof(slot));
		if (slot_fd(vm, slot) < 0)
			continue;
		close(slot_fd(vm, slot));
		vm->filled &= ~(UINT64_C(1) << slot);
	}
}

/* vm_continue() - run the operations of a stage from vm->cursor on; 0, or -errno with vm->failure set */
int vm_continue(struct vm *vm, uint8_t stage)
{
	struct cursor next = vm->cursor;
	struct op op;

	while (plan_next(&vm->plan, &next, &op) == 1 && op.stage == stage) {
		int error;

		vm->cursor = next;
		if (uses_void(vm, &op))
			continue;
		error = -functions[op.code](vm, &op.args);
		if (error == 0)
			continue;
		if (!is_tolerated(op.tolerate, error))
			return vm_fail(vm, stage, op.index, error);
		empty_slots(vm, &op);
	}
	return 0;
}

/* vm_run() - run a whole stage; 0, or -errno with vm->failure set */
int vm_run(struct vm *vm, uint8_t stage)
{
	return plan_seek(&vm->plan, stage, &vm->cursor) ? vm_continue(vm, stage) : 0;
}

/*
 * vm_finish() - run `finish` or `vanish`, every operation whatever became of the others
 * @from: where `finish` begins. @ran: the container's process became its program. If not, mounts made on the way are
 * undone and nothing else: onFailure's program still needs the files to say why.
 */
void vm_finish(struct vm *vm, struct cursor from, uint8_t stage, bool ran)
{
	struct op op;

	vm->cursor = from;
	while (plan_next(&vm->plan, &vm->cursor, &op) == 1)
		if (op.stage == stage && (ran || op.code == OP_UNMOUNT))
			functions[op.code](vm, &op.args);
}
