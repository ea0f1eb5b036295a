/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Published UDP ports: one socket towards the container for each client and local address it spoke to, in a table of
 * fixed size. When that is full, the flow that has been silent longest goes; a flood costs others their flows and
 * nobody memory.
 *
 * Datagrams are taken several at a time, and neighbours of one size are handed on as one, which the kernel takes apart again at
 * the receiver's socket (UDP_SEGMENT): each is what it was, and the way there is gone once.
 */
#include "forward.h"
#include "holdfast.h"
#include "serve.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	DATAGRAM_MAX = 65535,
	BATCH = 16, /* datagrams of one socket before others have their turn */
	RUN_MAX = 60000, /* bytes of datagrams that are handed on as one */
	SILENT_MS = 180000, /* a flow that is free to go */
	CONTROL_SIZE = 64,
};

struct flow {
	int fd; /* towards the container */
	uint32_t listener;
	union address client;
	uint8_t control[CONTROL_SIZE]; /* tells the kernel which local address to answer from */
	uint8_t control_used;
	uint64_t last; /* now_ms() of the last datagram */
};

static struct flow flows[FLOWS_MAX];
static uint32_t flow_count;

/* What has come at once; of the room only what was needed has ever been touched. */
static struct {
	struct mmsghdr head[BATCH];
	struct iovec part[BATCH];
	union address from[BATCH];
	uint8_t control[BATCH][CONTROL_SIZE] __attribute__((aligned(8)));
	uint8_t data[BATCH][DATAGRAM_MAX];
} batch;

/* The control data to answer with, from that of a datagram that came. */
static uint8_t answer_control(const struct msghdr *came, uint8_t *to)
{
	struct msghdr answer = { .msg_control = to, .msg_controllen = CONTROL_SIZE };
	const struct cmsghdr *head = CMSG_FIRSTHDR(came);
	struct cmsghdr *out = CMSG_FIRSTHDR(&answer);

	memset(to, 0, CONTROL_SIZE);
	if (head == NULL)
		return 0;
	*out = *head;
	if (head->cmsg_level == IPPROTO_IP && head->cmsg_type == IP_PKTINFO) {
		struct in_pktinfo info;

		memcpy(&info, CMSG_DATA(head), sizeof(info));
		info.ipi_spec_dst = info.ipi_addr;
		info.ipi_ifindex = 0;
		memcpy(CMSG_DATA(out), &info, sizeof(info));
		return CMSG_SPACE(sizeof(info));
	}
	if (head->cmsg_level == IPPROTO_IPV6 && head->cmsg_type == IPV6_PKTINFO) {
		struct in6_pktinfo info;

		memcpy(&info, CMSG_DATA(head), sizeof(info));
		if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
			info.ipi6_ifindex = 0;
		memcpy(CMSG_DATA(out), &info, sizeof(info));
		return CMSG_SPACE(sizeof(info));
	}
	return 0;
}

static void flow_drop(struct flow *f)
{
	close(f->fd);
	f->fd = -1;
}

/* An entry for a new flow: a free one, or that of the flow that has been silent longest; those long silent go too. */
static struct flow *flow_entry(void)
{
	struct flow *oldest = NULL;
	uint64_t now = now_ms();

	for (struct flow *f = flows; f < flows + flow_count; f++) {
		if (f->fd >= 0 && now - f->last > SILENT_MS)
			flow_drop(f);
		if (f->fd < 0)
			oldest = f;
		else if (oldest == NULL || (oldest->fd >= 0 && f->last < oldest->last))
			oldest = f;
	}
	if (oldest == NULL || (flow_count < FLOWS_MAX && oldest->fd >= 0)) {
		oldest = &flows[flow_count++];
		oldest->fd = -1;
	}
	if (oldest->fd >= 0)
		flow_drop(oldest);
	return oldest;
}

static struct flow *flow_find(uint32_t listener, const union address *client, const uint8_t *control, uint8_t used)
{
	for (struct flow *f = flows; f < flows + flow_count; f++)
		if (f->fd >= 0 && f->listener == listener && f->control_used == used &&
		    memcmp(&f->client, client, address_size(client)) == 0 && memcmp(f->control, control, used) == 0)
			return f;
	return NULL;
}

static struct flow *flow_make(uint32_t listener, const union address *client, const uint8_t *control, uint8_t used)
{
	struct flow *f = flow_entry();
	int fd = target_socket(listener_at(listener), SOCK_DGRAM, client);

	if (fd < 0)
		return NULL;
	*f = (struct flow){ .fd = fd, .listener = listener, .client = *client, .control_used = used };
	memcpy(f->control, control, used);
	if (!event_watch(fd, EPOLLIN, EVENT_FLOW, (uint32_t)(f - flows))) {
		flow_drop(f);
		return NULL;
	}
	return f;
}

/* Return: how many datagrams have come at a socket, or -1 */
static int receive(int fd)
{
	for (int i = 0; i < BATCH; i++) {
		batch.part[i] = (struct iovec){ batch.data[i], DATAGRAM_MAX };
		batch.head[i].msg_hdr = (struct msghdr){ .msg_name = &batch.from[i], .msg_namelen = sizeof(batch.from[i]),
							 .msg_iov = &batch.part[i], .msg_iovlen = 1,
							 .msg_control = batch.control[i], .msg_controllen = CONTROL_SIZE };
	}

	int count = recvmmsg(fd, batch.head, BATCH, MSG_DONTWAIT, NULL);

	for (int i = 0; i < count; i++)
		batch.part[i].iov_len = batch.head[i].msg_len;
	return count;
}

static bool same_sender(int a, int b)
{
	const struct msghdr *one = &batch.head[a].msg_hdr, *other = &batch.head[b].msg_hdr;

	return one->msg_namelen == other->msg_namelen && one->msg_controllen == other->msg_controllen &&
	       memcmp(&batch.from[a], &batch.from[b], one->msg_namelen) == 0 &&
	       memcmp(batch.control[a], batch.control[b], one->msg_controllen) == 0;
}

/* How many from @first on the kernel takes as one: of one sender and one size, but for a smaller one at the end. */
static int run_from(int first, int count)
{
	size_t size = batch.part[first].iov_len, total = size;
	int next = first + 1;

	for (; next < count; next++) {
		size_t more = batch.part[next].iov_len;

		if (more == 0 || more > size || total + more > RUN_MAX || batch.part[next - 1].iov_len < size ||
		    !same_sender(first, next))
			break;
		total += more;
	}
	return next - first;
}

/* Sends datagrams of a run as one. Return: whether there is nothing left to do about them */
static bool send_as_one(int fd, const struct msghdr *to, int first, int count)
{
	uint8_t control[CONTROL_SIZE + CMSG_SPACE(sizeof(uint16_t))] __attribute__((aligned(8))) = { 0 };
	struct msghdr message = *to;
	struct cmsghdr *segment = (struct cmsghdr *)(void *)(control + to->msg_controllen);
	uint16_t size = (uint16_t)batch.part[first].iov_len;

	if (to->msg_controllen > 0)
		memcpy(control, to->msg_control, to->msg_controllen);
	segment->cmsg_level = IPPROTO_UDP;
	segment->cmsg_type = UDP_SEGMENT;
	segment->cmsg_len = CMSG_LEN(sizeof(size));
	memcpy(CMSG_DATA(segment), &size, sizeof(size));
	message.msg_control = control;
	message.msg_controllen = to->msg_controllen + CMSG_SPACE(sizeof(size));
	message.msg_iov = &batch.part[first];
	message.msg_iovlen = (size_t)count;
	return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 || errno == EAGAIN;
}

/* Hands a run on; one by one where its datagrams are too large to go as one, or the kernel had to report an earlier failure. */
static void send_run(int fd, const struct msghdr *to, int first, int count)
{
	struct msghdr message = *to;

	if (count > 1 && send_as_one(fd, to, first, count))
		return;
	message.msg_iovlen = 1;
	for (int i = first; i < first + count; i++) {
		message.msg_iov = &batch.part[i];
		(void)sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
}

/* The flow that a datagram from outside belongs to, new if need be; NULL: no descriptor or no way */
static struct flow *flow_of(uint32_t listener, int datagram)
{
	uint8_t control[CONTROL_SIZE] __attribute__((aligned(8)));
	const union address *client = &batch.from[datagram];
	uint8_t used = answer_control(&batch.head[datagram].msg_hdr, control);
	struct flow *f = flow_find(listener, client, control, used);

	return f != NULL ? f : flow_make(listener, client, control, used);
}

/* udp_from_client() - pass on what has come from outside */
void udp_from_client(uint32_t index)
{
	const struct msghdr connected = { .msg_control = NULL };
	int count = receive(FORWARD_FIRST_FD + (int)index);

	for (int at = 0, run; at < count; at += run) {
		struct flow *f = flow_of(index, at);

		run = run_from(at, count);
		if (f == NULL)
			continue;
		f->last = now_ms();
		send_run(f->fd, &connected, at, run);
	}
}

/* udp_from_target() - pass on what the container answers; or that nobody listens inside, of which nobody needs to know */
void udp_from_target(uint32_t index)
{
	struct flow *f = &flows[index];
	struct msghdr client = { .msg_name = &f->client, .msg_namelen = address_size(&f->client), .msg_control = f->control,
				 .msg_controllen = f->control_used };
	int count = f->fd < 0 ? 0 : receive(f->fd);

	if (count > 0)
		f->last = now_ms();
	for (int at = 0, run; at < count; at += run) {
		run = run_from(at, count);
		send_run(FORWARD_FIRST_FD + (int)f->listener, &client, at, run);
	}
}
