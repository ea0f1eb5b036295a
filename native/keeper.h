/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that live as long as a network is needed: what their keeper and its two neighbours share. keep.c is the monitor's
 * side, keeper.c the keeper, kept.c the program's.
 */
#ifndef KEEPER_H
#define KEEPER_H

#include "vm.h"

/* A keeper's descriptors; the first three are also those of a program outside the network (PLAN.md promises their numbers). */
enum keeper_fd {
	PROGRAM_HANGUP = 3,
	PROGRAM_READY,
	PROGRAM_NAMESPACE,
	KEEPER_OWN, /* the file that says we are there */
	KEEPER_LOCK,
	KEEPER_HOLDERS,
	KEEPER_CHANGES,
	KEEPER_MONITOR, /* a socket to who started us */
	KEEPER_HANGUP, /* the other ends of the first two */
	KEEPER_READY,
	KEEPER_DEMAND,
	KEEPER_FREE_FD,
};

/* What a monitor gives its keeper from inside, each in a message: the namespace, and a socket that hears of addresses looked for. */
enum { KEEPER_GIVEN = 2 };

/* Does not return. @own: the locked file; @monitor: our end of the socket */
_Noreturn void keeper_run(const struct vm *vm, const struct args_keep *args, int own, int monitor);

/* Starts the program in a process namespace of its own: the pid of its init, with a pidfd, or -errno. */
pid_t kept_start(const struct args_keep *args, int *pidfd);

#endif
