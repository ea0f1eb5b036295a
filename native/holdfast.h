/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of holdfast share. PLAN.md says what the program does, PROTOCOL.md what a monitor and its
 * clients say to each other; this header is the border between those who carry out plans (main, plan, vm,
 * launch, ops_*) and those who serve a running container (monitor, log, client, relay, stream).
 *
 * Conventions: 0 or a descriptor on success, -errno on failure; nothing prints; nothing allocates from a heap.
 * Every descriptor is close-on-exec. Names of kernel facilities under /proc/self are mechanism; any other
 * path comes from the plan.
 */
#ifndef HOLDFAST_H
#define HOLDFAST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* Bytes of the plan. A `str` is followed by a NUL (use it as a C string), a `blob` is not. */
struct text {
	const char *data;
	uint32_t size;
};

/* A list of strings, still in wire form; texts_next() walks it. */
struct texts {
	const uint8_t *data;
	uint32_t count;
};

#include "plan_ops.h" /* enum opcode, enum stage, struct args_*, union args: generated from ops.ts */

enum {
	SLOT_COUNT = 64,
	SLOT_FIRST_FD = 128, /* slot N is descriptor 128 + N */
	FIXED_FIRST_FD = 96, /* descriptors 96..127: holdfast's own that survive its re-exec (enum fixed_fd) */
	KEEP_LIMIT = 64, /* descriptors that can be kept for the container's process; the rest up to 95 is ours */
	HELPER_ERRNO = 1000, /* a `run` program that exited with status N reports errno 1000 + N */
};

/* Fixed descriptors. */
enum fixed_fd {
	FD_OUTER = FIXED_FIRST_FD, /* status pipe to the launcher, write end */
	FD_FOREGROUND, /* the launcher's client connection, our end; only if client.attach */
	FD_LOCK, /* the lock that joinBase took */
	FD_LIVE, /* the directory of live holders */
	FD_NULL, /* the host's /dev/null, opened before any namespace was entered: dup it, never open a path for it */
	FD_CARRY, /* what a re-exec hands to itself */
	FD_SYNC, /* by which the process of a new base learns that its maps are written */
	FD_NAMESPACE, /* the namespaces of a base to be joined, one descriptor for each of 8 kinds */
	FD_NET_LIVE = FD_NAMESPACE + 8, /* the directory of holders of the shared network; only if the plan asks for that */
	FD_KEEPER, /* a socket to the keeper of a program outside the network; only in who started that: see keep.c */
	FD_CLAIM, /* the directory that op_claim() locked, for as long as this process lives */
	FIXED_LAST_FD = SLOT_FIRST_FD - 1,
};

/* What travels to the launcher, and from the first process to the monitor, as one write. */
struct report {
	uint32_t kind; /* enum report_kind */
	uint32_t stage;
	uint32_t index; /* of the operation or record that failed */
	uint32_t error; /* errno, or HELPER_ERRNO + exit status */
};
enum report_kind {
	REPORT_STARTED = 1,
	REPORT_FAILED = 2,
	REPORT_HELD = 3, /* from the first process: it is ready and waits for a byte on the same socket */
};

/* The static records of a plan; a record that the plan lacks has its bit in `have` clear and is all zero. */
struct records {
	struct args_container container;
	struct args_monitor_files files;
	struct args_log log;
	struct args_client client;
	struct args_on_failure on_failure;
	struct args_life life;
	struct args_health health;
	struct args_startup startup;
	struct args_events events;
	struct args_notify notify;
	struct args_runtime runtime;
	uint32_t have; /* bit N: record with opcode N is there (1 container, 2 files, 3 log, 4 client, 5 onFailure, 6 life, ...) */
	uint32_t index[RECORD_LIMIT]; /* by opcode: position in the plan, for reports */
};

/* ---- stream.c: the pipes or the terminal between a process of the container and us ---- */

/*
 * streams_open() - make the ends for a process about to be cloned
 * Pipes for stdin, stdout, stderr; with @tty instead a socketpair over which `openPty`, running in the
 * process, sends the terminal's master side (SCM_RIGHTS). Without @stdin_open child[0] is -1.
 */
struct streams {
	int child[3]; /* the process's 0, 1, 2; -1: FD_NULL (with a tty, until openPty has run) */
	int ours[3]; /* our side: write end, read end, read end; with a tty [0] is the master once received; else -1 */
	int pty_child; /* the process's end of the socketpair; -1 without a tty */
	int pty_ours; /* our end; -1 without a tty */
};
int streams_open(struct streams *s, bool tty, bool stdin_open);
/* All -1: neither pipes nor a terminal. */
void streams_none(struct streams *s);
/* Closes whatever is open on either side. */
void streams_close(struct streams *s);
/* Closes child[] and pty_child: called by the parent after the clone, and by nobody else. */
void streams_close_child(struct streams *s);
/* Receives the pty master that the process sent (after the inner pipe said "exec worked"); sets ours[0]. */
int streams_take_pty(struct streams *s);

/* ---- forward.c: published ports ---- */

int forward_start(void);
int forward_fd(void);
void forward_step(void);
void forward_target(const uint8_t address[4], uint32_t prefix);

/* ---- monitor.c: serving one container ---- */

struct monitor {
	const struct records *records;
	struct streams streams;
	int run_dir; /* O_PATH of records->files.runDir; opened by monitor_prepare */
	int listen_fd; /* the attach socket; made by monitor_prepare */
	int foreground; /* M's end of the launcher's socketpair (client.attach = 1), or -1; no output is read before its HELLO */
	pid_t init; /* the container's first process, as M sees it; 0 between two of them */
	int init_fd; /* its pidfd */
	int inner; /* a struct report if the first process failed before execve or is held, else EOF at execve */
	bool held; /* the first process waits for our word; its command has not run yet */
	int cgroup; /* descriptor of the container's cgroup directory (for oom events), or -1 */
	int notify; /* the service manager's socket, connected, or -1; only until monitor_prepare */
	int inherited[3]; /* log driver passthrough: the caller's 0, 1, 2, for every process; else -1 */
	uint64_t base_pid_start; /* M's own start time, field 22 of /proc/self/stat */
	uint32_t restarts; /* processes after the first one */
	struct report failure; /* filled when monitor_prepare or monitor_serve fails */
};

/*
 * monitor_prepare() - everything that can fail before a process exists: the socket, the log, the streams
 * On failure sets m->failure (stage, index of the record concerned, errno) and returns -errno.
 */
int monitor_prepare(struct monitor *m);

/* monitor_streams() - the streams for the next process: 0, or -errno with m->failure set */
int monitor_streams(struct monitor *m);

/*
 * monitor_serve() - from the clone of a first process to its end
 * Called with init, init_fd and inner set and the child's ends closed; 0, 1, 2 are /dev/null already.
 * Waits on `inner`. A report there: reaps the process, copies it to m->failure, returns -errno; at the first start it
 * also removes the socket (launch.c then tells the launcher). EOF: takes the pty, writes the status and pid files,
 * calls monitor_started(m) at the first start, serves until the process ended, drains, returns 0. Blocks every signal
 * (the monitor is not to be interrupted); `run` and `spawn` must reset the mask in their children. With the record
 * `held` all this happens while the process waits; should it fail once it is let go, the clients are still to be told.
 */
int monitor_serve(struct monitor *m);

/*
 * monitor_again() - whether another first process is to follow the one that has ended
 * By the record `life`. Serves the clients during the pause before it; one who asks for the container's end ends the pause.
 */
bool monitor_again(struct monitor *m);

/* monitor_status() - the exit status of the process that ended last: ours too, for whoever takes us for the service */
int monitor_status(void);

/* monitor_kept() - whether a client wants the container left there (KEEP) */
bool monitor_kept(void);

/* monitor_missed() - the next first process could not be started: counts as one that ended with status 127 */
void monitor_missed(struct monitor *m);

/*
 * monitor_end() - writes the exit file, removes socket and status
 * The caller then runs `finish` and, unless monitor_kept, `vanish`, calls monitor_farewell and unregisters.
 */
void monitor_end(struct monitor *m);
/*
 * monitor_farewell() - send EXIT, or FAILED, to every client and let them go; nothing if nobody was served
 * After `finish`, so that who waits for EXIT (run --rm, stop, wait, rm) finds the container's mounts gone.
 */
void monitor_farewell(struct monitor *m);

/*
 * check_spawn() - a process of a health check, in the namespaces of the container's first process
 * @stage: `check` or `startup`; @process_fd: pidfd of the first process; @out: its stdout and stderr
 * Return: its pid (it is our child) and its pidfd in @pidfd, or -errno
 */
pid_t check_spawn(enum stage stage, int process_fd, int out, int *pidfd);

/*
 * program_run() - execute a program with 0, 1, 2 and nothing else, and wait for it
 * @at: which of its arguments is replaced by @number in decimal; NO_SLOT: none. Return: its status, or -errno
 */
int program_run(struct texts argv, struct texts env, uint32_t at, int number);

/* program_start() - the same without the waiting. Return: its pid, or -errno */
pid_t program_start(struct texts argv, struct texts env, uint32_t at, int number);

/* ---- external.c: a container that an OCI runtime makes ---- */

/* Readies us for it, if the plan says so: after run_dir is open. 0, or -errno with m->failure set */
int external_prepare(struct monitor *m);
bool external_used(void);
/* What `create` has left behind becomes the first process. 0, or -errno with m->failure set */
int external_adopt(struct monitor *m);
/* Has the runtime start it. 0, or -errno with m->failure set */
int external_start(struct monitor *m);
/* 0 or -errno */
int external_signal(int number);
/* Ends what is left and forgets the container; does nothing without a runtime. */
void external_delete(void);

/* holder.c: from now on the plan that is there as files.amendName holds: its records, and its operations when they run next. 0 or -errno */
int monitor_amend(struct monitor *m);
/* holder.c: tells the launcher "started". Called once, after the status file exists. 0, or -errno: the launcher is gone. */
int monitor_started(struct monitor *m);

/* ---- client.c, relay.c ---- */

/*
 * client_run() - be the attach client on a connected socket until EXIT, detach or loss
 * Raw mode (if READY says the container has a terminal and fd 0 is one), window size, detach keys, signal
 * forwarding as the record says. For start the socket is the pair of monitor.foreground, for exec that of relay.sock.
 * With @failure the client has a container that is held let go, once it is there to see all that it writes.
 * Return: the exit status (0..255); 0 after a detach; CLIENT_LOST if the monitor vanished; CLIENT_FAILED if the
 * container could not be let go, which is then in *@failure.
 */
enum { CLIENT_LOST = 0x100, CLIENT_FAILED = 0x101 };
int client_run(int sock, const struct args_client *options, struct report *failure);
/* The verb `attach SOCKET STREAMS SIGNALS KEYS-HEX [START-FAILED...]`, argv without the verb; the process's exit status. */
int client_attach(int argc, char **argv);

/*
 * relay_run() - exec's parent P: a monitor without files, whose one client is the launcher
 * The launcher makes a socketpair before it forks P, keeps one end and calls client_run on it: it alone touches the
 * caller's 0, 1, 2 and gets the caller's signals. P has /dev/null there and serves the process on the other end until
 * it ended and its pipes are drained, then sends EXIT. A detached or killed launcher leaves P serving nobody.
 * Called after the inner pipe said "exec worked" (with a tty: streams_take_pty is called here). P exits after it.
 */
struct relay {
	struct streams streams;
	bool tty;
	int sock; /* P's end of the launcher's socketpair */
	pid_t child;
	int child_fd; /* pidfd */
};
void relay_run(struct relay *r);

/* ---- events.c ---- */

/* What a template's fields can stand for. */
struct event_values {
	uint32_t code; /* exit status */
	uint32_t oom;
	uint32_t failing; /* health checks in a row */
	struct timespec begun; /* the check */
	const uint8_t *output; /* what it wrote, so many bytes */
	uint32_t output_size;
};
struct event_place {
	const struct text *path; /* of the log, or of the journal's socket */
	uint64_t max; /* length of the log; 0: any */
	bool journal;
};
/* Puts the pieces there, of which every second one is the name of a field. Never fails. */
void event_append(const struct event_place *place, struct texts pieces, const struct event_values *values);

/* ---- util.c ---- */

/* Whole writes and EINTR-safe reads: 0 or -errno; bytes read, 0 at the end, or -errno. */
int write_all(int fd, const void *data, size_t size);
ssize_t read_some(int fd, void *data, size_t size);
/* Takes a report: 0 if none came, else its error as -errno, never 0. */
int report_take(int fd, struct report *report);
uint64_t now_ms(void);
void close_fd(int *fd); /* closes unless -1, sets -1 */
/* Moves a descriptor to a fixed number, close-on-exec: 0 or -errno. */
int fd_place(int fd, int fixed);
/* Passes a descriptor over a socket, and takes one: fd_send 0 or -errno; fd_receive as recvmsg, *fd -1 without one. */
int fd_send(int sock, int fd, const void *data, size_t size);
ssize_t fd_receive(int sock, void *data, size_t size, int flags, int *fd);

/* Reading an open directory, by the kernel's call: no memory is allocated and no descriptor is taken over. */
struct listing {
	int fd;
	uint32_t at, used;
	char data[2048] __attribute__((aligned(8)));
};
const char *listing_next(struct listing *l, int *error);

/* A text being built in a fixed buffer; what does not fit sets `full` and is dropped. Always NUL-terminated. */
struct line {
	char *data;
	uint32_t size, used;
	bool full;
};
void line_init(struct line *l, char *data, uint32_t size);
void line_text(struct line *l, const char *text);
void line_bytes(struct line *l, const void *data, uint32_t size);
void line_number(struct line *l, uint64_t number);

/* Writes a file that appears whole (temporary name beside it, rename), mode 0600. @dir: AT_FDCWD or a directory. */
int file_replace(int dir, const char *path, const void *data, size_t size);
/* Field 22 of /proc/PID/stat; 0 if there is no such process. pid 0 is oneself. */
uint64_t process_start(pid_t pid);
/* A file of /proc/PID, close-on-exec: the descriptor, or -1 with errno. pid 0 is oneself. */
int proc_open(pid_t pid, const char *name, int flags);
/* Whether the process of a pidfd has ended; then its pid may be somebody else's by now. */
bool process_gone(int pidfd);
/* pidfd_open, then the start time compared: the descriptor, or -ESRCH if it is another process or has ended. */
int process_open(pid_t pid, uint64_t start);
/* What waitpid says, as a shell says it (0..255, 128 + signal). */
int status_code(int status);
/* Waits for one child: its status_code(). */
int process_wait(pid_t pid);
/* SIGKILL for an own child and all that it has started (tree.c). */
void tree_kill(pid_t pid);
/*
 * report_exec() - become kelp's program for failures, with stage, index and errno as further words
 * @argv has room for them, and a NULL, after its @count words. Returns only if it cannot be executed.
 */
void report_exec(char **argv, uint32_t count, char **env, const struct report *failure);
/* All signal dispositions to default, mask empty; SIGPIPE ignored if asked. */
void signals_reset(bool ignore_pipe);

/* Steps through a string list; false at the end. */
bool texts_next(struct texts *list, struct text *item);

#endif
