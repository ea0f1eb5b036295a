/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kept program, and the init that it lives under: in a process namespace of their own, so that the program may put itself
 * into the background, or take its parent's death lightly, and still ends with its keeper.
 */
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Gives the program what one outside the network gets. Its working directory are the keeper's descriptors, for a program
 * that closes its own before it looks at them.
 */
static bool take_outside(pid_t keeper)
{
	int dir = proc_open(keeper, "fd", O_PATH | O_DIRECTORY);

	for (int fd = PROGRAM_HANGUP; fd <= PROGRAM_NAMESPACE; fd++)
		fcntl(fd, F_SETFD, 0);
	return dir >= 0 && fchdir(dir) == 0;
}

static _Noreturn void become_program(const struct args_keep *a, pid_t keeper)
{
	char **argv = argv_make(a->argv, 0), **env = argv_make(a->env, 0);

	signals_reset(false);
	/* Until it says what it does about that signal, it has not read its files. */
	signal(SIGHUP, SIG_IGN);
	if (argv == NULL || env == NULL || (a->outside && !take_outside(keeper)) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || bounding_drop(a->capabilities) < 0)
		_exit(127);
	execve(argv[0], argv, env);
	_exit(127);
}

/*
 * Passes SIGHUP on to everybody in here; ends when nobody is left, with the first status that was not 0.
 * @watched: a pidfd of the keeper, of whose death the kernel tells only from now on
 */
static _Noreturn void be_init(const struct args_keep *a, pid_t keeper, int watched)
{
	int number, status, worst;
	sigset_t set;
	pid_t pid;

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (process_gone(watched))
		_exit(127);
	syscall(SYS_close_range, a->outside ? PROGRAM_NAMESPACE + 1 : PROGRAM_HANGUP, ~0U, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	pid = sys_clone(0, NULL, -1);
	if (pid == 0)
		become_program(a, keeper);
	syscall(SYS_close_range, PROGRAM_HANGUP, ~0U, 0);
	for (worst = pid < 0 ? 127 : 0; pid >= 0;) {
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			worst = worst != 0 ? worst : status_code(status);
		if (pid == 0 && sigwait(&set, &number) == 0 && number == SIGHUP)
			kill(-1, SIGHUP);
	}
	_exit(worst);
}

pid_t kept_start(const struct args_keep *a, int *pidfd)
{
	const pid_t keeper = getpid();
	int self = (int)syscall(SYS_pidfd_open, keeper, 0);
	pid_t pid;

	if (self < 0)
		return -errno;
	pid = sys_clone(CLONE_NEWPID, pidfd, -1);
	if (pid == 0)
		be_init(a, keeper, self);
	close(self);
	return pid;
}
