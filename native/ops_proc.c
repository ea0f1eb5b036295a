/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that holdfast runs for kelp, and the removal of what a container leaves.
 */
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * argv_make() - a string list as execve wants it, with room for @extra more
 * The array is a mapping of its own, which the execve that follows gives back. NULL: no memory.
 */
char **argv_make(struct texts list, uint32_t extra)
{
	size_t size = ((size_t)list.count + extra + 1) * sizeof(char *);
	char **argv = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct text item;

	if (argv == MAP_FAILED)
		return NULL;
	for (uint32_t i = 0; texts_next(&list, &item); i++)
		argv[i] = (char *)(uintptr_t)item.data;
	return argv;
}

/* In the child: become the helper program. It gets 0, 1, 2 and no other descriptor. */
static _Noreturn void helper_exec(struct texts argv_list, struct texts env_list, uint32_t pid_arg, pid_t pid)
{
	char **argv = argv_make(argv_list, 0), **env = argv_make(env_list, 0);
	char number[24];
	struct line l;

	signals_reset(false);
	line_init(&l, number, sizeof(number));
	line_number(&l, (uint64_t)pid);
	if (argv != NULL && env != NULL && argv_list.count > 0) {
		if (pid_arg < argv_list.count)
			argv[pid_arg] = number;
		syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC);
		execve(argv[0], argv, env);
	}
	_exit(127);
}

pid_t program_start(struct texts argv, struct texts env, uint32_t at, int number)
{
	pid_t pid = sys_clone(0, NULL, -1);

	if (pid == 0)
		helper_exec(argv, env, at, number);
	return pid;
}

int program_run(struct texts argv, struct texts env, uint32_t at, int number)
{
	pid_t pid = program_start(argv, env, at, number);

	return pid < 0 ? pid : process_wait(pid);
}

static pid_t helper_start(struct vm *vm, struct texts argv, struct texts env, uint32_t pid_arg)
{
	return program_start(argv, env, pid_arg, vm->subject != 0 ? vm->subject : getpid());
}

/* A status other than 0 is an error of its own kind. */
static int helper_wait(pid_t pid)
{
	int status = process_wait(pid);

	return status == 0 ? 0 : -(HELPER_ERRNO + status);
}

/* op_run() - execute a program and wait */
int op_run(struct vm *vm, const union args *args)
{
	const struct args_run *a = &args->run;
	pid_t pid = helper_start(vm, a->argv, a->env, a->pid_arg);

	return pid < 0 ? pid : helper_wait(pid);
}

/* op_begin() - execute a program beside the operations up to `await` */
int op_begin(struct vm *vm, const union args *args)
{
	const struct args_begin *a = &args->begin;

	if (vm->begun != 0)
		return -EBUSY;
	vm->begun = helper_start(vm, a->argv, a->env, a->pid_arg);
	return vm->begun < 0 ? vm->begun : 0;
}

/* op_await() - wait for the program that was begun */
int op_await(struct vm *vm, const union args *args)
{
	pid_t pid = vm->begun;

	(void)args;
	if (pid <= 0)
		return -ECHILD;
	vm->begun = 0;
	return helper_wait(pid);
}

/* op_spawn() - start a program that outlives us, in a session of its own */
int op_spawn(struct vm *vm, const union args *args)
{
	pid_t pid = sys_clone(0, NULL, -1);

	(void)vm;
	if (pid != 0)
		return pid < 0 ? pid : 0;
	setsid();
	helper_exec(args->spawn.argv, args->spawn.env, NO_SLOT, 0);
}

/* op_event() - a line in the log of events, about what `finish` has done */
int op_event(struct vm *vm, const union args *args)
{
	const struct args_event *a = &args->event;

	const struct event_place place = { &a->path, a->max_bytes, a->journal != 0 };

	(void)vm;
	event_append(&place, a->line, &(struct event_values){ 0 });
	return 0;
}

/* The directory a tree is being removed in, and the next name for what is moved up into it. */
struct removal {
	int top;
	uint64_t next;
};

/* Moves a subdirectory of @dir up into the top, under a name that nothing has there. */
static int lift(struct removal *r, int dir, const char *name)
{
	char fresh[32];
	struct line l;

	do {
		line_init(&l, fresh, sizeof(fresh));
		line_text(&l, ".");
		line_number(&l, r->next++);
		if (syscall(SYS_renameat2, dir, name, r->top, fresh, 1 /* RENAME_NOREPLACE */) == 0)
			return 0;
	} while (errno == EEXIST);
	return -errno;
}

static int empty_directory(struct removal *r, int dir);

/* Removes one entry. A full directory is lifted into the top; in the top itself it is emptied. */
static int remove_entry(struct removal *r, int dir, const char *name)
{
	int sub, error;

	if (unlinkat(dir, name, 0) == 0)
		return 0;
	if (errno != EISDIR)
		return -errno;
	if (unlinkat(dir, name, AT_REMOVEDIR) == 0)
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return -errno;
	if (dir != r->top)
		return lift(r, dir, name);
	sub = sys_openat2(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0,
			  RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
	if (sub < 0)
		return sub;
	error = empty_directory(r, sub);
	close(sub);
	if (error == 0 && unlinkat(dir, name, AT_REMOVEDIR) < 0)
		error = -errno;
	return error;
}

/*
 * Removes or lifts everything in a directory, reading it again until a whole reading finds nothing: what was lifted
 * into the top while it was read may or may not have been seen. Depth is two, however deep the tree is.
 */
static int empty_directory(struct removal *r, int dir)
{
	bool found = true;
	int error = 0;

	while (found && error == 0) {
		struct listing listing = { .fd = dir };
		const char *name;

		found = false;
		lseek(dir, 0, SEEK_SET);
		while (error == 0 && (name = listing_next(&listing, &error)) != NULL) {
			error = remove_entry(r, dir, name);
			if (error == -ENOENT)
				error = 0;
			found = true;
		}
	}
	return error;
}

/*
 * op_remove_tree() - remove a directory of kelp's own and everything in it
 * Its content is a container's: arbitrarily deep, full of links. No name is resolved but in an open directory, no link
 * is followed, no mount is crossed, and neither stack nor descriptors grow with the depth.
 */
int op_remove_tree(struct vm *vm, const union args *args)
{
	const char *path = args->remove_tree.path.data;
	struct removal r = { .top = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) };
	int error;

	(void)vm;
	if (r.top < 0)
		return -errno;
	error = empty_directory(&r, r.top);
	close(r.top);
	return error == 0 && rmdir(path) < 0 ? -errno : error;
}
