/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process inside the base namespaces: the monitor of `start`, the parent of `exec`, or what `enter` becomes.
 */
#include "forward.h"
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct streams no_streams = { { -1, -1, -1 }, { -1, -1, -1 }, -1, -1 };

/* What the monitor carries out. */
static struct {
	struct vm *vm;
	struct records records;
	struct cursor finish; /* where that stage begins: it cannot be looked for in a plan that has been trimmed */
} life;

/* Tells the launcher; it waits for this, or for the end of the pipe. */
static int tell_launcher(const struct report *report)
{
	int error = write_all(FD_OUTER, report, sizeof(*report));

	dup3(FD_NULL, FD_OUTER, O_CLOEXEC); /* the number stays ours */
	return error;
}

int monitor_started(struct monitor *m)
{
	const struct report started = { .kind = REPORT_STARTED };

	(void)m;
	return tell_launcher(&started);
}

/*
 * With published ports descriptors come and go all the time. The numbers of slots and of what is fixed are kept from
 * them, for another first process will need those.
 */
static void keep_numbers(int cgroup)
{
	for (int fd = FIXED_FIRST_FD; fd < SLOT_FIRST_FD + SLOT_COUNT; fd++)
		if (fd != cgroup && (fd >= SLOT_FIRST_FD || fcntl(fd, F_GETFD) < 0))
			dup3(FD_NULL, fd, O_CLOEXEC);
}

/*
 * Lets go of what only the container's process needed: the caller's kept descriptors, the working directory, the
 * slots but for that of the cgroup.
 */
static void let_go(const struct vm *vm, int cgroup)
{
	if (vm->keep_fds > 0)
		syscall(SYS_close_range, 3, 2 + vm->keep_fds, 0);
	if (chdir("/") < 0)
		return;
	if (forward_fd() >= 0) {
		keep_numbers(cgroup);
		return;
	}
	if (cgroup < 0)
		cgroup = SLOT_FIRST_FD + SLOT_COUNT;
	if (cgroup > SLOT_FIRST_FD)
		syscall(SYS_close_range, SLOT_FIRST_FD, cgroup - 1, 0);
	syscall(SYS_close_range, cgroup + 1, ~0U, 0);
}

/*
 * Clones the container's process. The caller's 0, 1, 2 are let go before, so that nobody inside can ever find them
 * there. @inner: gets our end of its status pipe, a socket if it is to be held. Return: its pid or -errno
 */
static pid_t clone_process(struct vm *vm, const struct records *records, struct streams *streams, int *pidfd, int *inner)
{
	const struct args_container *container = &records->container;
	pid_t pid;
	int ends[2];

	if (process_held(vm, records) ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0 :
					pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	for (int fd = 0; fd < 3; fd++)
		dup2(FD_NULL, fd);
	pid = sys_clone(container->clone_flags, pidfd, slot_fd(vm, container->cgroup));
	if (pid == 0)
		first_process(vm, records, streams, ends[1]);
	close(ends[1]);
	streams_close_child(streams);
	*inner = ends[0];
	if (pid < 0)
		close_fd(inner);
	return pid;
}

/* Whoever carries out nothing again needs the records, `finish` and `vanish` only. */
static void trim(void)
{
	if (life.records.life.restart == 0 && !(life.records.have & 1U << OP_HEALTH))
		plan_trim(&life.vm->plan);
}

static void take_plan(struct vm *vm)
{
	life.vm = vm;
	plan_records(&vm->plan, &life.records);
	plan_seek(&vm->plan, STAGE_FINISH, &life.finish);
}

int monitor_amend(struct monitor *m)
{
	const uint32_t needed = 1U << OP_CONTAINER | 1U << OP_MONITOR_FILES;
	struct records records;
	struct plan plan;
	int error = plan_load(&plan, m->run_dir, life.records.files.amend_name.data);

	if (error != 0)
		return error;
	plan_records(&plan, &records);
	if ((records.have & needed) != needed) {
		plan_drop(&plan);
		return -EBADMSG;
	}
	/* Log, events and others look at life.records, whose texts are the new plan's from here on. */
	plan_drop(&life.vm->plan);
	life.vm->plan = plan;
	take_plan(life.vm);
	trim();
	return 0;
}

/* Clones the first process and serves it to its end. Return: 0, or -errno with m->failure set */
static int monitor_process(struct vm *vm, const struct records *records, struct monitor *m)
{
	m->init = clone_process(vm, records, &m->streams, &m->init_fd, &m->inner);
	if (m->init < 0) {
		m->failure = (struct report){ REPORT_FAILED, STAGE_CONFIG, records->index[OP_CONTAINER],
					      (uint32_t)-m->init };
		streams_close(&m->streams);
		return -(int)m->failure.error;
	}
	let_go(vm, m->cgroup);
	trim();
	return monitor_serve(m);
}

/* `start`: everything from the attach socket to the process's end. Return: 0, or -errno with vm->failure set */
static int monitor_run(struct vm *vm, const struct records *records, struct monitor *m)
{
	int error = monitor_prepare(m);

	if (error == 0) {
		error = monitor_process(vm, records, m);
		if (error != 0)
			unlinkat(m->run_dir, records->files.socket_name.data, 0);
	}
	if (error != 0)
		vm->failure = m->failure;
	return error;
}

/*
 * Another first process, from the same plan: what `monitor` mounted is undone and made again, then `setup` and `exec`
 * run in the new process. The caller's kept descriptors were the first one's only. The cgroup is as it has become:
 * its slot is void while `monitor` runs.
 */
static void monitor_rerun(struct vm *vm, const struct records *records, struct monitor *m)
{
	const uint64_t cgroup = m->cgroup < 0 ? 0 : UINT64_C(1) << (m->cgroup - SLOT_FIRST_FD);

	vm->again = true;
	vm->filled = 0;
	vm->keep_fds = 0;
	vm_finish(vm, life.finish, STAGE_FINISH, false);
	bool ready = vm_run(vm, STAGE_MONITOR) == 0;

	vm->filled |= cgroup;
	if (!ready || monitor_streams(m) != 0 || monitor_process(vm, records, m) != 0)
		monitor_missed(m);
}

static int start_forwarding(struct vm *vm)
{
	int error = publish_forward(vm);

	if (error == 0)
		error = forward_start();
	return error == 0 ? 0 : vm_fail(vm, STAGE_LAUNCH, vm->base_index, -error);
}

/*
 * The monitor's life. `finish` runs before anybody is told of the end; where the container never ran, only its
 * unmounting.
 */
static _Noreturn void be_monitor(struct vm *vm, int error)
{
	const struct records *records = &life.records;
	uint64_t start = process_start(0);
	struct monitor m = { .records = records, .streams = no_streams, .run_dir = -1, .listen_fd = -1, .foreground = -1,
			     .init_fd = -1, .inner = -1, .cgroup = -1, .notify = -1, .base_pid_start = start };

	take_plan(vm);
	if (records->client.attach != 0)
		m.foreground = FD_FOREGROUND;
	if (error == 0)
		error = start_forwarding(vm);
	if (error == 0) {
		m.cgroup = slot_fd(vm, records->container.cgroup);
		m.notify = records->have & 1U << OP_NOTIFY ? slot_fd(vm, records->notify.target) : -1;
		error = monitor_run(vm, records, &m);
	}
	while (error == 0 && monitor_again(&m))
		monitor_rerun(vm, records, &m);
	/* A client that does not read holds us back, and is not to hold the ports. */
	if (vm->published > 0)
		syscall(SYS_close_range, FORWARD_FIRST_FD, FORWARD_FIRST_FD + vm->published - 1, 0);
	if (error == 0)
		monitor_end(&m);
	vm_finish(vm, life.finish, STAGE_FINISH, error == 0);
	if (error == 0 && !monitor_kept())
		vm_finish(vm, life.finish, STAGE_VANISH, true);
	keeper_end(vm);
	base_unregister(getpid(), start);
	monitor_farewell(&m);
	if (error != 0)
		tell_launcher(&vm->failure);
	_exit(error != 0 ? 1 : monitor_status());
}

/* Closes everything but these, which it sorts. */
static void close_but(int *keep, int count)
{
	int from = 0;

	for (int i = 1; i < count; i++)
		for (int j = i; j > 0 && keep[j] < keep[j - 1]; j--) {
			int other = keep[j];

			keep[j] = keep[j - 1];
			keep[j - 1] = other;
		}
	for (int i = 0; i < count; from = keep[i++] + 1)
		if (keep[i] > from)
			syscall(SYS_close_range, from, keep[i] - 1, 0);
	syscall(SYS_close_range, from, ~0U, 0);
}

/*
 * The helper of check_spawn: joins the namespaces, leaves a process in them that is its parent's child, and says its pid.
 * It stays out of the container's cgroup: there it could be frozen, and the monitor waits for it. And out of its cgroup
 * namespace: where that is a boundary (the mount option nsdelegate), nobody in it can have a child in a cgroup from without. A
 * child joins it with the user namespace: that one has no power over it.
 */
static _Noreturn void check_enter(struct vm *vm, const struct records *records, enum stage stage, int process_fd, int out,
				  int answer)
{
	const int all = (int)records->health.namespaces, late = all & (CLONE_NEWCGROUP | CLONE_NEWUSER);
	int cgroup = slot_fd(vm, records->container.cgroup);
	/* What it is born with can be taken by who may trace in the container: nothing of it leads to the host. */
	int keep[] = { FD_NULL, process_fd, out, answer, cgroup };
	pid_t pid;

	close_but(keep, cgroup < 0 ? 4 : 5);
	if (all != late && setns(process_fd, all & ~late) < 0)
		_exit(1);
	pid = sys_clone(CLONE_PARENT, NULL, cgroup);
	if (pid == 0 && late != 0 && setns(process_fd, late) < 0)
		_exit(127);
	if (pid == 0)
		check_process(vm, stage, out);
	write_all(answer, &pid, sizeof(pid));
	_exit(0);
}

pid_t check_spawn(enum stage stage, int process_fd, int out, int *pidfd)
{
	struct vm *vm = life.vm;
	int ends[2], fd;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	pid_t helper = sys_clone(0, NULL, -1);

	if (helper == 0)
		check_enter(vm, &life.records, stage, process_fd, out, ends[1]);
	close(ends[1]);
	if (helper < 0 || read_some(ends[0], &pid, sizeof(pid)) != sizeof(pid))
		pid = -EAGAIN;
	close(ends[0]);
	if (helper > 0)
		process_wait(helper);
	if (pid < 0)
		return pid;
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0) {
		kill(pid, SIGKILL);
		process_wait(pid);
		return -EMFILE;
	}
	*pidfd = fd;
	return pid;
}

/* Waits until the process has become its program, or has said why not. */
static int await_program(struct vm *vm, int inner, pid_t pid)
{
	int error = report_take(inner, &vm->failure);

	close(inner);
	if (error != 0)
		process_wait(pid);
	return error;
}

/* The streams of exec's process: served by us if there is a client or a terminal, else /dev/null. */
static int exec_streams(struct relay *relay, const struct records *records)
{
	int ends[2];

	relay->tty = records->container.tty != 0;
	relay->sock = FD_FOREGROUND;
	if (records->client.attach == 0) {
		relay->sock = -1;
		if (!relay->tty)
			return 0;
		/* A terminal hangs up with its master: somebody has to hold that, and a client that has gone is enough. */
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
			return -errno;
		close(ends[1]);
		relay->sock = ends[0];
	}
	return streams_open(&relay->streams, relay->tty, records->client.streams & 1);
}

static int start_exec(struct vm *vm, const struct records *records, struct relay *relay)
{
	int error = exec_streams(relay, records);
	int inner = -1;

	if (error == 0) {
		relay->child = clone_process(vm, records, &relay->streams, &relay->child_fd, &inner);
		error = relay->child < 0 ? relay->child : 0;
	}
	if (error != 0)
		return vm_fail(vm, STAGE_CONFIG, records->index[OP_CONTAINER], -error);
	return await_program(vm, inner, relay->child);
}

/* `exec`: the parent of the new process, outside the container's pid namespace. */
static _Noreturn void be_parent(struct vm *vm, int error)
{
	const struct report started = { .kind = REPORT_STARTED };
	struct relay relay = { .streams = no_streams, .sock = -1, .child_fd = -1 };
	struct records records;

	plan_records(&vm->plan, &records);
	vm->death_signal = records.client.attach != 0 || records.container.tty != 0 ? SIGKILL : 0;
	if (error == 0)
		error = start_exec(vm, &records, &relay);
	if (error != 0) {
		tell_launcher(&vm->failure);
		_exit(1);
	}
	let_go(vm, -1);
	tell_launcher(&started);
	if (relay.sock >= 0)
		relay_run(&relay);
	_exit(0);
}

/* `enter`: this process itself becomes the command, or is done where the plan has none. */
static _Noreturn void be_command(struct vm *vm, int error)
{
	struct cursor command;

	if (error == 0)
		error = vm_run(vm, STAGE_SETUP);
	if (error == 0 && !plan_seek(&vm->plan, STAGE_EXEC, &command))
		_exit(0);
	if (error == 0 && vm_run(vm, STAGE_EXEC) == 0)
		vm_fail(vm, STAGE_EXEC, vm->cursor.index, ENOEXEC);
	base_unregister(getpid(), process_start(0));
	tell_launcher(&vm->failure);
	_exit(127);
}

static _Noreturn void holder_go(struct vm *vm, int error)
{
	if (vm->verb == VERB_START)
		be_monitor(vm, error);
	if (vm->verb == VERB_EXEC)
		be_parent(vm, error);
	be_command(vm, error);
}

/* holder_continue() - after the re-exec: the rest of `monitor`, and then what the verb says */
_Noreturn void holder_continue(struct vm *vm)
{
	holder_go(vm, vm_continue(vm, STAGE_MONITOR));
}

/* Into the base: join it, or wait until the launcher has written the maps of the new one. */
static int enter_base(struct vm *vm)
{
	char go;
	int error = 0;

	if (vm->base == BASE_NEW && read_some(FD_SYNC, &go, 1) != 1)
		_exit(1);
	close(FD_SYNC);
	if (vm->base == BASE_JOINED)
		error = base_join(vm);
	if (error == 0 && vm->base != BASE_NONE)
		error = base_become_root(vm->verb != VERB_ENTER);
	return error == 0 ? 0 : vm_fail(vm, STAGE_LAUNCH, vm->base_index, -error);
}

/* Into the shared network or one of our own, if the plan asks for it. What leads out of it is started, or found, on this side of the door. */
static int enter_net(struct vm *vm)
{
	int error;

	if (vm->net == NET_NONE)
		return 0;
	if (vm_run(vm, STAGE_UPLINK) != 0)
		return -(int)vm->failure.error;
	error = base_enter_net(vm);
	if (error == 0)
		error = keeper_give();
	if (error != 0)
		return vm_fail(vm, STAGE_LAUNCH, vm->base_index, -error);
	return vm->net != NET_JOINED ? vm_run(vm, STAGE_NETBASE) : 0;
}

/* holder_main() - the process just forked from the launcher; in a new base already in its namespaces */
_Noreturn void holder_main(struct vm *vm)
{
	int error;

	syscall(SYS_close_range, 3 + vm->keep_fds, FIXED_FIRST_FD - 1, 0);
	if (vm->verb != VERB_ENTER)
		setsid();
	signals_reset(vm->verb != VERB_ENTER);
	umask(022);
	vm->death_signal = SIGKILL;
	error = enter_base(vm);
	if (error == 0 && vm->base == BASE_NEW)
		error = vm_run(vm, STAGE_BASE);
	if (error == 0)
		error = enter_net(vm);
	if (error == 0)
		error = vm_run(vm, STAGE_MONITOR);
	holder_go(vm, error);
}
