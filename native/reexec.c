/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Going on as another image of ourselves, one that nobody inside a container can write to.
 *
 * A process that enters a container is visible there as /proc/PID/exe, and root inside could open that for writing
 * once it is no longer running (CVE-2019-5736). So holdfast executes itself again from a read-only detached copy of
 * the mount its file is on; that mount, and not only a check, is what /proc/PID/exe then leads to. As a second gain
 * the process belongs to the base's user namespace from then on, so the user's own processes may look at it although
 * it is not dumpable, and its memory is that of a fresh image.
 */
#include "forward.h"
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <linux/mount.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char self_exe[] = "/proc/self/exe";

/* Our own file by name, if this mount namespace has the same file there: only a mount of ours can be cloned. */
static int open_own_name(void)
{
	char path[PATH_MAX];
	struct stat own, named;
	ssize_t length = readlink(self_exe, path, sizeof(path) - 1);
	int fd;

	if (length < 0)
		return -errno;
	path[length] = '\0';
	fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (stat(self_exe, &own) == 0 && fstat(fd, &named) == 0 && own.st_dev == named.st_dev &&
	    own.st_ino == named.st_ino)
		return fd;
	close(fd);
	return -ESTALE;
}

static int open_read_only(void)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV };
	int named = open_own_name();
	int tree;

	if (named < 0)
		return named;
	tree = (int)syscall(SYS_open_tree, named, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	close(named);
	if (tree < 0)
		return -errno;
	if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0) {
		close(tree);
		return -errno;
	}
	return tree;
}

/* The same protection where the file has no name here (kelp was replaced or moved meanwhile): a sealed copy. */
static int open_sealed_copy(void)
{
	int from = open(self_exe, O_RDONLY | O_CLOEXEC);
	int to = memfd_create("holdfast", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ssize_t n = -1;

	if (from >= 0 && to >= 0) {
		do
			n = sendfile(to, from, NULL, 1 << 30);
		while (n > 0);
		if (n == 0)
			n = fcntl(to, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
	}
	if (n < 0) {
		n = -errno;
		close_fd(&to);
	}
	close_fd(&from);
	return n < 0 ? (int)n : to;
}

/* The state of the interpreter and the plan's bytes, in a file at FD_CARRY. */
static int pack(const struct vm *vm)
{
	int fd = memfd_create("plan", MFD_CLOEXEC);
	int error;

	if (fd < 0)
		return -errno;
	error = write_all(fd, vm, sizeof(*vm));
	if (error == 0)
		error = write_all(fd, vm->plan.data, vm->plan.size);
	if (error == 0 && (lseek(fd, 0, SEEK_SET) < 0 || dup3(fd, FD_CARRY, O_CLOEXEC) < 0))
		error = -errno;
	close(fd);
	return error;
}

/* Our fixed descriptors and the slots are close-on-exec at all times but for this one execve. */
static void keep_over_exec(bool keep)
{
	if (!keep)
		syscall(SYS_close_range, FIXED_FIRST_FD, ~0U, CLOSE_RANGE_CLOEXEC);
	for (int fd = FIXED_FIRST_FD; keep && fd < SLOT_FIRST_FD + SLOT_COUNT; fd++)
		fcntl(fd, F_SETFD, 0);
}

static void keep_listeners(uint32_t count)
{
	for (int fd = FORWARD_FIRST_FD; fd < FORWARD_FIRST_FD + (int)count; fd++)
		fcntl(fd, F_SETFD, 0);
}

/*
 * op_reexec_read_only() - execute holdfast again from a read-only mount, and go on with the next operation
 * Runs in: monitor. Returns on failure only; the new image starts in reexec_resume().
 */
int op_reexec_read_only(struct vm *vm, const union args *args)
{
	char *const argv[] = { (char[]){ "holdfast" }, (char[]){ "resume" }, NULL };
	char *const env[] = { NULL };
	int exe, error;

	(void)args;
	if (vm->again)
		return 0;
	exe = open_read_only();
	if (exe < 0)
		exe = open_sealed_copy();
	if (exe < 0)
		return exe;
	error = pack(vm);
	if (error == 0) {
		keep_over_exec(true);
		keep_listeners(vm->published);
		syscall(SYS_execveat, exe, "", argv, env, AT_EMPTY_PATH);
		error = -errno;
		keep_over_exec(false);
		close(FD_CARRY);
	}
	close(exe);
	return error;
}

/* reexec_resume() - the new image: unpack, and go on where the old one stopped */
_Noreturn void reexec_resume(void)
{
	struct stat st;
	struct vm vm;

	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	prctl(PR_SET_NAME, "holdfast", 0, 0, 0);
	keep_over_exec(false);
	if (fstat(FD_CARRY, &st) < 0 || st.st_size <= (off_t)sizeof(vm) ||
	    read_some(FD_CARRY, &vm, sizeof(vm)) != sizeof(vm) ||
	    plan_map(&vm.plan, FD_CARRY, (uint32_t)((size_t)st.st_size - sizeof(vm))) != 0)
		_exit(65);
	close(FD_CARRY);
	vm_reserve(&vm);
	holder_continue(&vm);
}
