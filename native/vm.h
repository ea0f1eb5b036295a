/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interpreter of plans: what main, plan, vm, base, launch, init and ops_* share among themselves.
 */
#ifndef VM_H
#define VM_H

#include "holdfast.h"

/* ---- plan.c ---- */

/* A validated plan: the bytes of its file in one private mapping. */
struct plan {
	const uint8_t *data;
	uint32_t size;
	uint32_t count;
};

/* A position in a plan, and the operation found there with its arguments decoded. */
struct cursor {
	uint32_t offset;
	uint32_t index;
};
struct op {
	uint16_t code;
	uint8_t stage;
	uint8_t tolerate;
	uint32_t index;
	union args args;
};

int plan_load(struct plan *plan, int dir, const char *path);
void plan_drop(struct plan *plan);
int plan_check(struct plan *plan);
int plan_next(const struct plan *plan, struct cursor *at, struct op *op);
const struct op_def *plan_def(uint16_t code);
void plan_records(const struct plan *plan, struct records *records);
bool plan_seek(const struct plan *plan, uint8_t stage, struct cursor *at);
void plan_trim(const struct plan *plan);
int plan_map(struct plan *plan, int fd, uint32_t size);

/* ---- vm.c ---- */

enum verb { VERB_START, VERB_EXEC, VERB_ENTER };
enum base_state { BASE_NONE, BASE_JOINED, BASE_NEW };
enum net_state { NET_NONE, NET_JOINED, NET_NEW, NET_OWN }; /* the shared network namespace; NONE: not asked for; OWN: one for us alone */
enum { NAMESPACE_KINDS = 8 };

/* The state of one process of the chain. Plain data: it is copied by fork and, byte for byte, through a re-exec. */
struct vm {
	struct plan plan;
	struct cursor cursor; /* the operation after the running one */
	uint64_t filled; /* bit N: slot N holds a descriptor */
	uint32_t verb;
	uint32_t base; /* enum base_state */
	uint32_t net; /* enum net_state */
	uint64_t namespaces; /* CLONE_NEW* bits of the base */
	uint32_t base_index; /* the operation that found or refused it */
	uint32_t published; /* listeners, from FORWARD_FIRST_FD on */
	uint64_t soft_files; /* the caller's limit of descriptors, which the container's process gets; 0: as it is */
	uint32_t keep_fds; /* descriptors 3 .. 3 + keep_fds - 1 belong to the container's process */
	struct text pid_variable; /* which variable tells the program its pid; set in `exec`, and used there only; empty: none */
	uint32_t again; /* a further first process: what lasts as long as the monitor is there already */
	uint32_t tty; /* the container's process has a terminal */
	uint32_t death_signal; /* what the process gets when its parent dies; 0: nothing */
	int pty; /* where openPty sends the master */
	pid_t subject; /* whom `run`, `begin` and `idMap` are about */
	pid_t begun; /* what `await` waits for */
	struct report failure;
};

int vm_run(struct vm *vm, uint8_t stage);
int vm_continue(struct vm *vm, uint8_t stage);
void vm_finish(struct vm *vm, struct cursor from, uint8_t stage, bool ran);
int vm_fail(struct vm *vm, uint32_t stage, uint32_t index, int error);
void vm_reserve(const struct vm *vm);
int slot_fd(const struct vm *vm, uint32_t slot);
int slot_put(struct vm *vm, uint32_t slot, int fd);

/* One function per operation: 0 or -errno. */
#define VM_DECLARE(code, function) int function(struct vm *vm, const union args *args);
PLAN_OPS(VM_DECLARE)
#undef VM_DECLARE

/* ---- base.c ---- */
int base_join(const struct vm *vm);
int base_enter_net(const struct vm *vm);
int base_become_root(bool hide);
void base_unregister(pid_t pid, uint64_t start);
int holder_open(int dir);

/* ---- launch.c: the process kelp became ---- */
int launch(enum verb verb, const char *path);

/* ---- holder.c: the process inside the base (monitor, exec's parent, or what `enter` becomes) ---- */
_Noreturn void holder_main(struct vm *vm);
_Noreturn void holder_continue(struct vm *vm);

/* ---- keep.c ---- */
int keeper_give(void);
void keeper_end(const struct vm *vm);

/* ---- ops_publish.c ---- */
int publish_forward(struct vm *vm);

/* ---- reexec.c ---- */
_Noreturn void reexec_resume(void);

/* ---- init.c: the container's process, up to the execve ---- */
bool process_held(const struct vm *vm, const struct records *records);
_Noreturn void check_process(struct vm *vm, uint8_t stage, int out);
_Noreturn void first_process(struct vm *vm, const struct records *records, const struct streams *streams, int inner);

/* ---- ops_exec.c, ops_proc.c, ops_file.c, probe.c ---- */
char **argv_make(struct texts list, uint32_t extra);
int bounding_drop(uint64_t keep);
int beneath_make(int root, const char *path, mode_t mode);
int probe(const char *dir);

/* ---- vm.c: system calls that libc has no wrapper for ---- */
int sys_openat2(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);
pid_t sys_clone(uint64_t flags, int *pidfd, int cgroup);

#endif
