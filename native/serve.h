/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the monitor side shares: one process, its streams, its log and the clients that look on.
 *
 * There is exactly one server in a process, and all of it is in static memory: a page of it costs nothing until
 * it is used, and nothing in it grows. A stream has one buffer; log and clients all take from that buffer, each
 * at its own offset, and it is filled again when the slowest of them has taken everything.
 */
#ifndef SERVE_H
#define SERVE_H

#include "holdfast.h"
#include "proto.h"

enum {
	BUFFER_SIZE = FRAME_BODY_MAX,
	PEERS_MAX = 64,
	ACCEPT_PAUSE_MS = 100,
	GRACE_MS = 250, /* how long a pipe that a surviving process holds, or a hurried client, delays the end */
};

/* stdout or stderr of the process; with a terminal the first one is the master, the second unused */
struct output {
	int fd; /* -1 once it has ended */
	uint32_t used;
	uint32_t owed; /* bytes that were in the pipe when the process ended: they are read, however long it takes */
	uint8_t data[BUFFER_SIZE];
};

struct input {
	int fd; /* -1: what clients send is thrown away */
	uint32_t start, used;
	bool closing; /* to be closed when empty */
	uint8_t data[BUFFER_SIZE];
};

/* One connection. */
struct peer {
	int fd; /* -1: a free entry */
	uint8_t in[FRAME_SMALL]; /* the frame being received, without the bytes of a STDIN */
	uint8_t got;
	uint16_t left; /* bytes of a STDIN frame still to come */
	uint8_t out[FRAME_SMALL]; /* a small frame, or the head of one with bytes of a stream */
	uint8_t out_start, out_used;
	uint8_t stream; /* whose bytes follow the head */
	uint16_t body; /* how many of them are still to be sent */
	uint16_t taken[2]; /* per output: offset in its buffer */
	uint8_t want; /* of HELLO */
	bool greeted, ready_due, ack_due, end_due, check_due, exit_due;
	bool asks; /* for the result of a health check */
	bool wrote; /* has sent STDIN */
	bool keeps; /* the container is to be left there when it ends, if this client sees the end */
	bool awaited; /* the launcher's connection: nothing is read before its HELLO, lest it miss the beginning */
	bool gone; /* cannot be sent anything any more; what it sent is still read */
	uint32_t ack;
};

struct server {
	int listen_fd; /* -1: nobody can connect (any more) */
	uid_t owner; /* besides our own uid: who may connect */
	pid_t process;
	int process_fd;
	int (*send)(int signal); /* how it is signalled; NULL: through process_fd */
	int tty_fd; /* our hold on the terminal's slave side while the process lives, or -1 */
	bool tty;
	bool keep_stdin; /* STDIN_EOF does not close it */
	bool ended; /* the process; its status is in the three fields below */
	bool leaving; /* EXIT, or FAILED, may be sent */
	bool hurry; /* SIGKILL was asked for: clients that do not read are not waited for */
	uint32_t code, signal, oom;
	uint64_t deadline; /* milliseconds of the monotonic clock; valid once ended */
	uint32_t stop_signal; /* that of the container */
	bool asked; /* a client sent SIGKILL, SIGINT or the stop signal: the container's end is wanted */
	uint64_t accept_from; /* milliseconds of the monotonic clock: until then nobody is let in, for want of descriptors */
	uint64_t alarm; /* milliseconds of the monotonic clock: when to call `wake`; 0: never */
	int term_fd; /* readable once the monitor itself is told to end; -1: it cannot be */
	void (*terminate)(struct server *s);
	int watch[2]; /* descriptors of a health check that, once readable, call `wake` as well; -1: none */
	void (*wake)(struct server *s);
	int (*amend)(struct server *s, uint32_t what); /* a client has written another plan: 0 or -errno; NULL: there is none */
	int (*start)(struct server *s); /* lets the process go that is held: 0 or -errno; NULL: none is held */
	bool failed; /* it could not be: clients get FAILED with `failure` instead of EXIT */
	uint32_t failure[3]; /* stage, index, errno */
	void (*check)(struct server *s); /* a client wants a health check; NULL: the container has none */
	uint32_t checked[2]; /* status and health_state of the last check */
	struct input in;
	struct output out[2];
	struct peer peers[PEERS_MAX];
};

/* ---- serve.c ---- */

/*
 * server_init() - take over the streams of @process and watch it
 * The descriptors in @streams become the server's. @stdin_mode is that of the container record.
 */
void server_init(struct server *s, const struct streams *streams, bool tty, uint32_t stdin_mode);
/* The same for the next process; clients stay, and what they have not read of the former one is theirs first. */
void server_next(struct server *s, const struct streams *streams, uint32_t stdin_mode);
/* Serves clients while there is no process, until @until (as now_ms() counts) or until one has asked for the end. */
void server_pause(struct server *s, uint64_t until);
/* Tells those clients that want to know it that the process has ended and another will follow. */
void server_tell_end(struct server *s);
/* Tells those who have asked what the last health check said. */
void server_tell_check(struct server *s);
/* Makes the launcher's connection, or -1, a client before anything is read from the process. */
void server_foreground(struct server *s, int fd);
/* Serves until the process has ended and its streams are drained; its status is in code, signal then. */
void server_run(struct server *s);
/* Sends EXIT, or FAILED, to every client as fast as each takes it, and closes everything. */
void server_leave(struct server *s);
/* Whether a client is there that keeps the container. */
bool server_kept(const struct server *s);
/* Sends the process a signal: 0 or -errno. */
int server_signal(const struct server *s, int number);

/* ---- stream.c ---- */

/* Reads once into an empty buffer and logs it. True: there is something new. Ends the stream at its end. */
bool output_fill(struct server *s, unsigned which);
/* Writes what is buffered as far as the process takes it, or throws it away; closes the stream if that is due. */
void input_drain(struct input *in);

/* ---- peer.c ---- */

/* A new client on @fd, which is closed if there is no room; the entry or NULL. */
struct peer *peer_add(struct server *s, int fd);
void peer_drop(struct server *s, struct peer *p);
/* The poll(2) events it waits for; 0 (its STDIN waits for room): it must not be polled, a hang-up would spin. */
short peer_events(const struct server *s, const struct peer *p);
/* Takes what the client sent, as far as there is room. */
void peer_receive(struct server *s, struct peer *p);
/* Sends what is due, as far as the client takes it. */
void peer_send(struct server *s, struct peer *p);
/* Whether every client has taken all of that output's buffer. */
bool peers_took(const struct server *s, unsigned which);

/* ---- log.c ---- */

/* What becomes of the output besides going to clients. LOG_PASSTHROUGH: it never comes to us. */
enum log_driver { LOG_NONE, LOG_FILE, LOG_JOURNAL, LOG_PASSTHROUGH };
/* Opens the log of the record: 0 or -errno; -ELOOP or -EINVAL if it is not a regular file. */
int log_open(const struct args_log *conf);
/* Logs bytes of stdout (0) or stderr (1). Never fails: what cannot be written is missing in the log. */
void log_write(unsigned stream, const uint8_t *data, size_t size);
/* Opens the path again, for an outside program that has renamed the file. */
void log_reopen(void);
void log_close(void);
/* "2026-11-21T08:34:57.123456789" of a time in UTC; returns its length (29). */
uint32_t log_time(char *to, int64_t seconds, uint32_t nanoseconds);

/* ---- journal.c ---- */

/* Makes the socket; the path is journald's, the fields are what every entry has. 0 or -errno. */
int journal_open(const struct args_log *conf);
/* Sends each line; nothing without journal_open. */
void journal_write(unsigned stream, const uint8_t *data, size_t size);
void journal_close(void);

/* ---- health.c ---- */

enum health_state { HEALTH_NONE, HEALTH_STARTING, HEALTH_HEALTHY, HEALTH_UNHEALTHY, HEALTH_STOPPED };

/* A first process runs: the records `health` and `startup`, if they are there, apply to it. */
void health_begin(struct server *s, const struct records *records, int cgroup);
/* Does what is due; returns when it wants to be called again (as now_ms() counts), or 0. */
uint64_t health_step(struct server *s);
/* The process has ended: a running check is over without a result. */
void health_end(struct server *s);
/* The records have changed: checks begin anew, if there are any. */
void health_change(struct server *s, const struct records *records, int cgroup);
/* Whether that end was brought about to start the container again; true once for each. */
bool health_restarts(void);

/* ---- monitor.c ---- */

/*
 * socket_in() - a socket bound to a name in a directory, replacing what has that name; the descriptor or -errno
 * By way of the working directory, so that the name alone fits sun_path always. Leaves us in "/", which pins nothing of
 * the user's. A SOCK_STREAM one listens.
 */
int socket_in(int dir, const struct text *name, int type, mode_t mode);

/* ---- notify.c ---- */

/* From here on the record `notify`, if it is there, is carried out: @target is the connected socket, or -1. 0 or -errno. */
int notify_open(const struct records *records, int target);
/* The container runs. Once, before anybody else is told. */
void notify_started(void);
/* It is healthy. The first time counts. */
void notify_healthy(void);
/* The descriptor to be watched for what the container says, and for which events; -1: none. */
int notify_fd(short *events);
/* Passes on what has come. */
void notify_step(void);
void notify_close(void);

/* ---- events.c ---- */

enum event { EVENT_START, EVENT_AGAIN, EVENT_DIED };

/* From here on the record `events`, if it is there, says what is written where. */
void events_open(const struct records *records);
/* Appends the lines of an event; nothing without the record. */
void event_say(enum event event, const struct event_values *values);
/* Appends such lines where the record says; nothing without it, or without lines. */
void event_put(struct texts lines, const struct event_values *values);

#endif
