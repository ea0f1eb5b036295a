/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts. Trees are made detached, changed while nobody can see them, and put in place through descriptors;
 * a target inside a container is resolved beneath its root and never again by name.
 */
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* <sys/mount.h> and <linux/mount.h> exclude each other in some libcs; these two are all that is needed of the first. */
int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data);
int umount2(const char *target, int flags);
enum { DETACH = 2 };

static int sys_open_tree(int dir, const char *path, uint32_t flags)
{
	int fd = (int)syscall(SYS_open_tree, dir, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags);

	return fd < 0 ? -errno : fd;
}

static int sys_move_mount(int tree, int target, const char *path)
{
	unsigned int flags = MOVE_MOUNT_F_EMPTY_PATH | (path[0] == '\0' ? MOVE_MOUNT_T_EMPTY_PATH : 0);

	return syscall(SYS_move_mount, tree, "", target, path, flags) < 0 ? -errno : 0;
}

/* op_propagation() - change how mounts spread at a mount point */
int op_propagation(struct vm *vm, const union args *args)
{
	(void)vm;
	return mount(NULL, args->propagation.path.data, NULL, args->propagation.flags, NULL) < 0 ? -errno : 0;
}

/* op_open_tree() - a detached copy of the mounts at a host path */
int op_open_tree(struct vm *vm, const union args *args)
{
	const struct args_open_tree *a = &args->open_tree;

	return slot_put(vm, a->into, sys_open_tree(AT_FDCWD, a->path.data, a->flags));
}

/* op_open_tree_at() - the same beneath a root; with an empty path of what the slot itself is */
int op_open_tree_at(struct vm *vm, const union args *args)
{
	const struct args_open_tree_at *a = &args->open_tree_at;
	int root = slot_fd(vm, a->root);
	int at, tree;

	if (a->path.size == 0)
		return slot_put(vm, a->into, sys_open_tree(root, "", a->flags | AT_EMPTY_PATH));
	at = sys_openat2(root, a->path.data, O_PATH, 0, a->resolve);
	if (at < 0)
		return at;
	tree = sys_open_tree(at, "", a->flags | AT_EMPTY_PATH);
	close(at);
	return slot_put(vm, a->into, tree);
}

/* op_mount_attr() - read-only, nosuid, … and propagation of a tree; a descriptor, because a path could be led astray */
int op_mount_attr(struct vm *vm, const union args *args)
{
	const struct args_mount_attr *a = &args->mount_attr;
	struct mount_attr attr = { .attr_set = a->set, .attr_clr = a->clear, .propagation = a->propagation };
	unsigned int flags = AT_EMPTY_PATH | (a->recursive ? AT_RECURSIVE : 0);

	return syscall(SYS_mount_setattr, slot_fd(vm, a->tree), "", flags, &attr, sizeof(attr)) < 0 ? -errno : 0;
}

/* One `key=value` or `key` for a file system being configured. */
static int configure(int fs, const struct text *option)
{
	const char *equals = memchr(option->data, '=', option->size);
	char key[256];
	size_t length;

	if (equals == NULL)
		return syscall(SYS_fsconfig, fs, FSCONFIG_SET_FLAG, option->data, NULL, 0) < 0 ? -errno : 0;
	length = (size_t)(equals - option->data);
	if (length >= sizeof(key))
		return -EINVAL;
	memcpy(key, option->data, length);
	key[length] = '\0';
	return syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, key, equals + 1, 0) < 0 ? -errno : 0;
}

/* op_new_mount() - a new file system, mounted nowhere yet */
int op_new_mount(struct vm *vm, const union args *args)
{
	const struct args_new_mount *a = &args->new_mount;
	struct texts options = a->options;
	struct text option;
	int mounted, error = 0;
	int fs = (int)syscall(SYS_fsopen, a->type.data, FSOPEN_CLOEXEC);

	if (fs < 0)
		return -errno;
	while (error == 0 && texts_next(&options, &option))
		error = configure(fs, &option);
	if (error == 0 && syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		error = -errno;
	if (error == 0) {
		mounted = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, (unsigned int)a->attrs);
		error = slot_put(vm, a->into, mounted < 0 ? -errno : mounted);
	}
	close(fs);
	return error;
}

/* op_move_mount() - put a tree in its place beneath a root, making the place if asked (1 directory, 2 file) */
int op_move_mount(struct vm *vm, const union args *args)
{
	const struct args_move_mount *a = &args->move_mount;
	int root = slot_fd(vm, a->root);
	int target, error;

	target = sys_openat2(root, a->target.data, O_PATH, 0, a->resolve);
	if (target == -ENOENT && a->create != 0) {
		error = beneath_make(root, a->target.data, a->create == 1 ? S_IFDIR | 0755 : S_IFREG | 0644);
		if (error < 0)
			return error;
		target = sys_openat2(root, a->target.data, O_PATH, 0, a->resolve);
	}
	if (target < 0)
		return target;
	error = sys_move_mount(slot_fd(vm, a->tree), target, "");
	close(target);
	return error;
}

/*
 * op_overlay() - mount an overlay by mount(2)
 * Through the old call, with layers named relative to @cwd, because a page of options is all there is and the new
 * one takes no relative layers on the kernels of our floor.
 */
int op_overlay(struct vm *vm, const union args *args)
{
	const struct args_overlay *a = &args->overlay;
	int fd, error = 0;

	if (chdir(a->cwd.data) < 0)
		return -errno;
	if (mount("overlay", a->target.data, "overlay", a->flags, a->data.data) < 0) {
		error = -errno;
	} else {
		fd = open(a->target.data, O_PATH | O_DIRECTORY | O_CLOEXEC);
		error = slot_put(vm, a->into, fd < 0 ? -errno : fd);
	}
	if (chdir("/") < 0 && error == 0)
		error = -errno;
	return error;
}

/* op_attach_root() - put a tree at a host path of kelp's own */
int op_attach_root(struct vm *vm, const union args *args)
{
	const struct args_attach_root *a = &args->attach_root;
	int error = sys_move_mount(slot_fd(vm, a->tree), AT_FDCWD, a->target.data);
	int fd;

	if (error != 0)
		return error;
	fd = open(a->target.data, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return slot_put(vm, a->into, fd < 0 ? -errno : fd);
}

/* op_pivot_root() - the container's root becomes this process's; the old one is gone with everything in it */
int op_pivot_root(struct vm *vm, const union args *args)
{
	if (fchdir(slot_fd(vm, args->pivot_root.root)) < 0)
		return -errno;
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return -errno;
	if (umount2(".", DETACH) < 0)
		return -errno;
	return chdir("/") < 0 ? -errno : 0;
}

/* op_unmount() - of a host path of kelp's own */
int op_unmount(struct vm *vm, const union args *args)
{
	(void)vm;
	return umount2(args->unmount.path.data, (int)args->unmount.flags) < 0 ? -errno : 0;
}
