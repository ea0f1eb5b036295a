/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Published UDP ports: one socket towards the container for each client and local address it spoke to, in a table of
 * fixed size. When that is full, the flow that has been silent longest goes; a flood costs others their flows and
 * nobody memory.
 */
#include "forward.h"
#include "holdfast.h"
#include "serve.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	DATAGRAM_MAX = 65535,
	BATCH = 32, /* datagrams of one socket before others have their turn */
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
static uint8_t datagram[DATAGRAM_MAX];

/* The control data to answer with, from that of a datagram that came. */
static uint8_t answer_control(struct msghdr *came, uint8_t *to)
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

/* udp_start() - serve a bound socket */
bool udp_start(uint32_t index, int fd)
{
	return event_watch(fd, EPOLLIN, EVENT_LISTENER, index);
}

/* udp_from_client() - pass on what has come from outside */
void udp_from_client(uint32_t index)
{
	for (int i = 0; i < BATCH; i++) {
		uint8_t came[CONTROL_SIZE] __attribute__((aligned(8))), control[CONTROL_SIZE] __attribute__((aligned(8)));
		union address client = { 0 };
		struct iovec data = { datagram, sizeof(datagram) };
		struct msghdr message = { .msg_name = &client, .msg_namelen = sizeof(client), .msg_iov = &data,
					  .msg_iovlen = 1, .msg_control = came, .msg_controllen = sizeof(came) };
		ssize_t n = recvmsg(FORWARD_FIRST_FD + (int)index, &message, MSG_DONTWAIT);
		struct flow *f;
		uint8_t used;

		if (n < 0)
			return;
		used = answer_control(&message, control);
		f = flow_find(index, &client, control, used);
		if (f == NULL)
			f = flow_make(index, &client, control, used);
		if (f == NULL)
			continue; /* no descriptor or no way: datagrams may be lost */
		f->last = now_ms();
		(void)send(f->fd, datagram, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
}

/* udp_from_target() - pass on what the container answers */
void udp_from_target(uint32_t index)
{
	struct flow *f = &flows[index];

	for (int i = 0; i < BATCH && f->fd >= 0; i++) {
		ssize_t n = recv(f->fd, datagram, sizeof(datagram), MSG_DONTWAIT);
		struct iovec data = { datagram, (size_t)n };
		struct msghdr message = { .msg_name = &f->client, .msg_namelen = address_size(&f->client),
					  .msg_iov = &data, .msg_iovlen = 1, .msg_control = f->control,
					  .msg_controllen = f->control_used };

		if (n < 0 && errno == ECONNREFUSED)
			continue; /* nobody listens inside; the next may be luckier */
		if (n < 0)
			return;
		f->last = now_ms();
		(void)sendmsg(FORWARD_FIRST_FD + (int)f->listener, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
}
