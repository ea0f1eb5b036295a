/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's process from its birth to its execve and, with `init`, the reaper that stays as PID 1.
 */
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * The process dies with its parent. The parent may have died before that was arranged, and its pid means nothing
 * in here; but then nobody reads the pipe any more.
 */
static void die_with_parent(const struct vm *vm, int inner)
{
	struct pollfd pipe = { .fd = inner };

	if (vm->death_signal == 0)
		return;
	prctl(PR_SET_PDEATHSIG, vm->death_signal, 0, 0, 0);
	if (poll(&pipe, 1, 0) > 0)
		_exit(125);
}

/*
 * 0, 1, 2 are the streams; with a terminal they are nothing until openPty has made it. Of the monitor's descriptors,
 * some of which lead to directories of the host, the slots, FD_NULL, the status pipe and openPty's socket stay.
 * Return: where the status pipe is now
 */
static int take_descriptors(struct vm *vm, const struct streams *streams, int inner)
{
	for (int i = 0; i < 3; i++)
		dup2(streams->child[i] >= 0 ? streams->child[i] : FD_NULL, i);
	dup3(inner, FD_OUTER, O_CLOEXEC);
	close(FD_FOREGROUND);
	vm->pty = -1;
	if (streams->pty_child >= 0)
		vm->pty = dup3(streams->pty_child, FD_FOREGROUND, O_CLOEXEC);
	syscall(SYS_close_range, 3 + vm->keep_fds, FD_OUTER - 1, 0);
	syscall(SYS_close_range, FD_LOCK, FD_LIVE, 0);
	syscall(SYS_close_range, FD_CARRY, SLOT_FIRST_FD - 1, 0);
	syscall(SYS_close_range, SLOT_FIRST_FD + SLOT_COUNT, ~0U, 0);
	return FD_OUTER;
}

/* A forwarding monitor takes all the descriptors it may have; that is not to be seen in the container. */
static void lower_limit(const struct vm *vm)
{
	struct rlimit limit;

	if (vm->soft_files == 0 || getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = vm->soft_files;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static _Noreturn void report_and_exit(const struct vm *vm, int inner)
{
	write_all(inner, &vm->failure, sizeof(vm->failure));
	_exit(127);
}

static _Noreturn void become_program(struct vm *vm, int inner)
{
	if (vm_run(vm, STAGE_EXEC) == 0)
		vm_fail(vm, STAGE_EXEC, vm->cursor.index, ENOEXEC);
	report_and_exit(vm, inner);
}

/* Reaps whatever has ended; exits as the container's command did when it has. */
static void reap(pid_t child)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == child)
			_exit(status_code(status));
}

/*
 * PID 1 with `init`: forwards every signal, reaps every orphan. It holds no descriptor at all, so that nothing of
 * the container stays open because of it and nothing of the host is left in the container.
 */
static _Noreturn void serve_as_init(pid_t child, const sigset_t *all)
{
	syscall(SYS_close_range, 0, ~0U, 0);
	for (;;) {
		int number = sigwaitinfo(all, NULL);

		if (number == SIGCHLD)
			reap(child);
		else if (number > 0)
			kill(child, number);
	}
}

static _Noreturn void split_init(struct vm *vm, int inner)
{
	sigset_t all, none;
	pid_t child;

	sigfillset(&all);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	child = sys_clone(0, NULL, -1);
	if (child < 0) {
		vm_fail(vm, STAGE_EXEC, vm->cursor.index, -child);
		report_and_exit(vm, inner);
	}
	if (child > 0)
		serve_as_init(child, &all);
	sigprocmask(SIG_SETMASK, &none, NULL);
	become_program(vm, inner);
}

/*
 * process_held() - whether the first process waits between `setup` and `exec`
 * One that an OCI runtime makes waits in the runtime's hands; a further one does not wait at all.
 */
bool process_held(const struct vm *vm, const struct records *records)
{
	return (records->have & (1U << OP_HELD | 1U << OP_RUNTIME)) == 1U << OP_HELD && !vm->again;
}

/*
 * Says that all is ready and waits for the monitor's word. Nothing that is still to come needs a slot; who joins the
 * container meanwhile shall find none.
 */
static void await_word(int inner)
{
	const struct report held = { .kind = REPORT_HELD };
	char go;

	syscall(SYS_close_range, SLOT_FIRST_FD, SLOT_FIRST_FD + SLOT_COUNT - 1, 0);
	if (write_all(inner, &held, sizeof(held)) < 0 || read_some(inner, &go, 1) != 1)
		_exit(125);
}

/*
 * first_process() - carry out `setup` and `exec` in the process just cloned
 * @inner: where a failure is reported; it closes by itself at the execve, which is how success is known.
 */
_Noreturn void first_process(struct vm *vm, const struct records *records, const struct streams *streams, int inner)
{
	die_with_parent(vm, inner);
	signals_reset(false);
	inner = take_descriptors(vm, streams, inner);
	lower_limit(vm);
	if (vm_run(vm, STAGE_SETUP) != 0)
		report_and_exit(vm, inner);
	if (process_held(vm, records))
		await_word(inner);
	if (records->container.init != 0)
		split_init(vm, inner);
	become_program(vm, inner);
}

/*
 * check_process() - a health check, from its clone to its execve
 * It is in the container already and has nothing of ours but @out, which is its stdout and stderr.
 */
_Noreturn void check_process(struct vm *vm, uint8_t stage, int out)
{
	const struct streams streams = { { -1, out, out }, { -1, -1, -1 }, -1, -1 };

	vm->keep_fds = 0;
	vm->filled = 0;
	vm->death_signal = SIGKILL;
	die_with_parent(vm, out);
	signals_reset(false);
	take_descriptors(vm, &streams, FD_NULL);
	vm_run(vm, stage);
	_exit(127);
}
