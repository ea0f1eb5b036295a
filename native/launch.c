/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that kelp became: finds or makes the base, forks the process inside it, waits for word of it, and
 * ends as its client, with its status, or as kelp's handler of the failure.
 */
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_NOT_A_PLAN = 65, EXIT_FAILED = 125 };

/* What the launcher alone holds. */
struct launcher {
	struct vm vm;
	struct records records;
	int outer; /* read end of the status pipe */
	int sync; /* write end: a byte says that the maps of the new base are written */
	int client; /* our end of the socketpair, if we are to be the client */
	pid_t holder;
	int holder_fd; /* pidfd */
	uint64_t holder_start;
	sigset_t held; /* signals that are passed on: they wait from before there is somebody to pass them to */
};

/* Holds back what is passed on: SIGINT in the moment after the fork would end us, and not the container. */
static void hold_signals(sigset_t *set)
{
	static const int forwarded[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM };

	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	for (size_t i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++)
		sigaddset(set, forwarded[i]);
	sigprocmask(SIG_BLOCK, set, NULL);
}

/* There is nobody to pass them on to any more; a cleanup follows that they should not end. */
static void drop_signals(const sigset_t *held)
{
	static const struct timespec at_once;

	while (sigtimedwait(held, NULL, &at_once) > 0)
		;
}

/*
 * Ends as kelp's own program for failures, with stage, index and errno as further words. It runs where kelp ran: the
 * launcher has entered nothing.
 */
static int fail(struct launcher *l)
{
	uint32_t count = l->records.on_failure.argv.count;
	char **argv = argv_make(l->records.on_failure.argv, 3);
	char **env = argv_make(l->records.on_failure.env, 0);

	drop_signals(&l->held);
	signals_reset(false);
	if (count > 0 && argv != NULL && env != NULL)
		report_exec(argv, count, env, &l->vm.failure);
	return EXIT_FAILED;
}

/* 0, 1, 2 are open from here on, as is FD_NULL; what the caller left where ours will be is closed. */
static int ready_descriptors(void)
{
	int null;

	syscall(SYS_close_range, FIXED_FIRST_FD, ~0U, 0);
	do
		null = open("/dev/null", O_RDWR);
	while (null >= 0 && null < 3);
	if (null < 0 || null == FD_NULL)
		return null < 0 ? -errno : 0;
	return fd_place(null, FD_NULL);
}

/* Finds how many descriptors after 2 the container's process gets, and keeps ours away from them. */
static int reserve_kept(struct vm *vm)
{
	struct op op;

	if (!plan_seek(&vm->plan, STAGE_EXEC, &vm->cursor))
		return 0;
	while (plan_next(&vm->plan, &vm->cursor, &op) == 1)
		if (op.code == OP_KEEP_FDS) {
			if (op.args.keep_fds.count > KEEP_LIMIT)
				return vm_fail(vm, STAGE_EXEC, op.index, EMFILE);
			vm->keep_fds = op.args.keep_fds.count;
		}
	vm_reserve(vm);
	return 0;
}

/* The pipes and sockets between us and the process to be forked. */
static int open_channels(struct launcher *l)
{
	int ends[2], error;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	l->outer = ends[0];
	error = fd_place(ends[1], FD_OUTER);
	if (error == 0 && pipe2(ends, O_CLOEXEC) < 0)
		error = -errno;
	if (error != 0)
		return error;
	l->sync = ends[1];
	error = fd_place(ends[0], FD_SYNC);
	if (error != 0 || l->records.client.attach == 0 || l->vm.verb == VERB_ENTER)
		return error;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	l->client = ends[0];
	return fd_place(ends[1], FD_FOREGROUND);
}

/*
 * A service's monitor is made a child of who runs us, its manager: of another's child systemd does not wait for the end,
 * and when it ends the service kills it at once.
 */
static uint64_t whose_child(const struct launcher *l)
{
	return l->vm.verb == VERB_START && l->records.have & 1U << OP_NOTIFY ? CLONE_PARENT : 0;
}

/* Waits for the end of the process, whose child it may be. */
static void await_end(const struct launcher *l)
{
	struct pollfd end = { .fd = l->holder_fd, .events = POLLIN };

	while (poll(&end, 1, -1) < 0 && errno == EINTR)
		;
	(void)waitpid(l->holder, NULL, WNOHANG);
}

/* Forks the process inside the base. Return: 0, or -errno with the failure noted */
static int fork_holder(struct launcher *l)
{
	struct vm *vm = &l->vm;
	int error = open_channels(l);

	if (error == 0) {
		l->holder = sys_clone((vm->base == BASE_NEW ? vm->namespaces : 0) | whose_child(l), &l->holder_fd, -1);
		error = l->holder < 0 ? l->holder : 0;
	}
	if (error != 0)
		return vm_fail(vm, STAGE_LAUNCH, vm->base_index, -error);
	if (l->holder == 0)
		holder_main(vm);
	l->holder_start = process_start(l->holder);
	close(FD_OUTER);
	close(FD_SYNC);
	close(FD_FOREGROUND);
	return 0;
}

/* Writes the maps of a new base, whose process waits for the byte on `sync`, or dies by its end. */
static int write_maps(struct launcher *l)
{
	int error = 0;

	if (l->vm.base == BASE_NEW) {
		l->vm.subject = l->holder;
		error = vm_run(&l->vm, STAGE_MAP);
		if (error == 0) /* if it has been killed, its end is what is waited for next */
			(void)write_all(l->sync, "", 1);
	}
	close_fd(&l->sync);
	close(FD_LOCK);
	syscall(SYS_close_range, FD_NAMESPACE, FD_NAMESPACE + NAMESPACE_KINDS - 1, 0);
	/* A client that nobody reads from may outlive the container: its ports are not to be taken by us. */
	syscall(SYS_close_range, SLOT_FIRST_FD, ~0U, 0);
	if (error != 0)
		await_end(l);
	return error;
}

/* Waits for word of the process. An end without a word is success for `enter` (the execve) and death otherwise. */
static int await_report(struct launcher *l)
{
	struct report report = { .kind = 0 };
	int error = report_take(l->outer, &report);

	close_fd(&l->outer);
	if (report.kind == REPORT_STARTED)
		return 0;
	if (error != 0) {
		l->vm.failure = report;
		await_end(l);
		return error;
	}
	if (l->vm.verb == VERB_ENTER)
		return 0;
	await_end(l);
	return vm_fail(&l->vm, STAGE_MONITOR, l->vm.base_index, EOWNERDEAD);
}

/*
 * `enter`: passes signals on until the command has ended. Those that the terminal sent have reached it already, since it
 * is in our process group.
 */
static int forward_until_end(pid_t pid, const sigset_t *held)
{
	int status = 0;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		siginfo_t info;
		int number = sigwaitinfo(held, &info);

		if (number > 0 && number != SIGCHLD && info.si_code != SI_KERNEL)
			kill(pid, number);
	}
	return status_code(status);
}

/* The process runs: be its client, or its waiter, or gone. Return: the exit status */
static int conclude(struct launcher *l)
{
	int status;

	if (l->vm.verb == VERB_ENTER) {
		status = forward_until_end(l->holder, &l->held);
		if (plan_seek(&l->vm.plan, STAGE_FINISH, &l->vm.cursor))
			vm_finish(&l->vm, l->vm.cursor, STAGE_FINISH, true);
		base_unregister(l->holder, l->holder_start);
		return status;
	}
	if (l->records.client.attach == 0) {
		write_all(1, l->records.client.announce.data, l->records.client.announce.size);
		return 0;
	}
	status = client_run(l->client, &l->records.client, NULL);
	return status == CLIENT_LOST ? EXIT_FAILED : status;
}

static bool has_records(const struct records *records, enum verb verb)
{
	uint32_t needed = 1U << OP_CLIENT | 1U << OP_CONTAINER;

	if (verb == VERB_START)
		needed |= 1U << OP_MONITOR_FILES;
	return verb == VERB_ENTER || (records->have & needed) == needed;
}

/* launch() - carry out a plan. Return: the exit status, unless the failure handler took over */
int launch(enum verb verb, const char *path)
{
	struct launcher l = { .vm = { .verb = verb }, .outer = -1, .sync = -1, .client = -1 };

	signals_reset(true);
	if (ready_descriptors() < 0)
		return EXIT_FAILED;
	if (plan_load(&l.vm.plan, AT_FDCWD, path) != 0)
		return EXIT_NOT_A_PLAN;
	plan_records(&l.vm.plan, &l.records);
	if (!has_records(&l.records, verb))
		return EXIT_NOT_A_PLAN;
	l.vm.tty = l.records.container.tty;
	sigemptyset(&l.held);
	if (verb == VERB_ENTER)
		hold_signals(&l.held);
	if (reserve_kept(&l.vm) != 0 || vm_run(&l.vm, STAGE_LAUNCH) != 0)
		return fail(&l);
	if (verb != VERB_ENTER && l.records.client.attach != 0 && l.records.client.signals != 0)
		hold_signals(&l.held);
	if (fork_holder(&l) != 0 || write_maps(&l) != 0 || await_report(&l) != 0)
		return fail(&l);
	return conclude(&l);
}
