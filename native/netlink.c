/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations on links, addresses, routes and packet filters: rtnetlink and nfnetlink requests, one acknowledgement
 * each. A socket acts in the network namespace it was opened in, whoever uses it; so one process sets up both ends of
 * a veth pair.
 */
#include "netlink_answer.h"
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_SIZE = 512 };

/* A request under construction; `full` says that something did not fit. */
struct request {
	union {
		struct nlmsghdr head;
		uint8_t bytes[REQUEST_SIZE];
	};
	bool full;
};

/* Room for @size zero bytes at the end, aligned as netlink wants it. */
static void *extend(struct request *r, uint32_t size)
{
	uint32_t at = NLMSG_ALIGN(r->head.nlmsg_len);

	if (size > REQUEST_SIZE || at + NLMSG_ALIGN(size) > REQUEST_SIZE) {
		r->full = true;
		return r->bytes + sizeof(r->head); /* never sent */
	}
	r->head.nlmsg_len = at + size;
	return r->bytes + at;
}

/* Begins a request; the family's header of @size bytes is returned to be filled in. */
static void *begin(struct request *r, uint16_t type, uint16_t flags, uint32_t size)
{
	memset(r, 0, sizeof(*r));
	r->head.nlmsg_len = sizeof(r->head);
	r->head.nlmsg_type = type;
	r->head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	return extend(r, size);
}

static struct rtattr *attribute(struct request *r, uint16_t type, const void *data, uint32_t size)
{
	struct rtattr *attr = extend(r, (uint32_t)RTA_LENGTH(size));

	if (r->full)
		return attr;
	attr->rta_type = type;
	attr->rta_len = (uint16_t)RTA_LENGTH(size);
	if (size > 0)
		memcpy(RTA_DATA(attr), data, size);
	return attr;
}

static void attribute_u32(struct request *r, uint16_t type, uint32_t value)
{
	attribute(r, type, &value, sizeof(value));
}

static void attribute_name(struct request *r, uint16_t type, const struct text *name)
{
	attribute(r, type, name->data, name->size + 1);
}

/* Ends a nested attribute: everything since is in it. */
static void nest_end(struct request *r, struct rtattr *nest)
{
	if (!r->full)
		nest->rta_len = (uint16_t)(r->bytes + r->head.nlmsg_len - (uint8_t *)nest);
}

/* Sends a request and waits for the kernel's answer: 0 or -errno */
static int talk(int fd, struct request *r)
{
	static uint32_t sequence;
	ssize_t n;

	if (r->full)
		return -EMSGSIZE;
	r->head.nlmsg_seq = ++sequence;
	do
		n = send(fd, r->bytes, r->head.nlmsg_len, 0);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : netlink_answer(fd, r->head.nlmsg_seq, true);
}

/* The number of a link in the socket's namespace, or -errno */
static int link_index(int fd, const struct text *name)
{
	struct ifreq request = { .ifr_ifindex = 0 };

	if (name->size >= sizeof(request.ifr_name))
		return -EINVAL;
	memcpy(request.ifr_name, name->data, name->size);
	return ioctl(fd, SIOCGIFINDEX, &request) < 0 ? -errno : request.ifr_ifindex;
}

/* op_open_netlink() - a socket for the following operations, in this process's network namespace */
int op_open_netlink(struct vm *vm, const union args *args)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	return slot_put(vm, args->open_netlink.into, fd < 0 ? -errno : fd);
}

/* What bridge and veth have in common. */
static void describe_link(struct request *r, const struct text *name, const struct text *mac, uint32_t mtu)
{
	attribute_name(r, IFLA_IFNAME, name);
	if (mac->size > 0)
		attribute(r, IFLA_ADDRESS, mac->data, mac->size);
	if (mtu > 0)
		attribute_u32(r, IFLA_MTU, mtu);
}

/* op_bridge_add() - a bridge, switched on */
int op_bridge_add(struct vm *vm, const union args *args)
{
	const struct args_bridge_add *a = &args->bridge_add;
	struct request r;
	struct ifinfomsg *info = begin(&r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(*info));
	struct rtattr *nest;

	info->ifi_flags = info->ifi_change = IFF_UP;
	describe_link(&r, &a->name, &a->mac, a->mtu);
	nest = attribute(&r, IFLA_LINKINFO, NULL, 0);
	attribute(&r, IFLA_INFO_KIND, "bridge", sizeof("bridge"));
	nest_end(&r, nest);
	return talk(slot_fd(vm, a->socket), &r);
}

/*
 * op_veth_add() - a pair of links: one end in the socket's namespace, the other, named @peer_name, in that of @peer_ns
 * Both end when either namespace does.
 */
int op_veth_add(struct vm *vm, const union args *args)
{
	const struct args_veth_add *a = &args->veth_add;
	const struct text no_mac = { .size = 0 };
	struct request r;
	struct rtattr *link, *data, *peer;

	begin(&r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg));
	describe_link(&r, &a->name, &a->mac, a->mtu);
	link = attribute(&r, IFLA_LINKINFO, NULL, 0);
	attribute(&r, IFLA_INFO_KIND, "veth", sizeof("veth"));
	data = attribute(&r, IFLA_INFO_DATA, NULL, 0);
	peer = attribute(&r, VETH_INFO_PEER, NULL, 0);
	extend(&r, sizeof(struct ifinfomsg));
	describe_link(&r, &a->peer_name, &no_mac, a->mtu);
	attribute_u32(&r, IFLA_NET_NS_FD, (uint32_t)slot_fd(vm, a->peer_ns));
	nest_end(&r, peer);
	nest_end(&r, data);
	nest_end(&r, link);
	return talk(slot_fd(vm, a->socket), &r);
}

/*
 * op_tap_add() - an interface whose other side is a program that may come and go: it stays without one
 * EBUSY where a program has it already.
 */
int op_tap_add(struct vm *vm, const union args *args)
{
	const struct args_tap_add *a = &args->tap_add;
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	struct request r;
	struct ifinfomsg *info;
	int tun, error = 0;

	if (a->name.size >= sizeof(request.ifr_name))
		return -EINVAL;
	memcpy(request.ifr_name, a->name.data, a->name.size);
	tun = open(a->device.data, O_RDWR | O_CLOEXEC);
	if (tun < 0)
		return -errno;
	if (ioctl(tun, TUNSETIFF, &request) < 0 || ioctl(tun, TUNSETPERSIST, 1) < 0)
		error = -errno;
	close(tun);
	if (error != 0)
		return error;
	info = begin(&r, RTM_NEWLINK, 0, sizeof(*info));
	info->ifi_flags = info->ifi_change = IFF_UP;
	describe_link(&r, &a->name, &(const struct text){ .size = 0 }, a->mtu);
	return talk(slot_fd(vm, a->socket), &r);
}

/* op_link_set() - switch a link on, as a port of the bridge @master unless that is empty */
int op_link_set(struct vm *vm, const union args *args)
{
	const struct args_link_set *a = &args->link_set;
	int fd = slot_fd(vm, a->socket);
	struct request r;
	struct ifinfomsg *info = begin(&r, RTM_NEWLINK, 0, sizeof(*info));
	int master;

	info->ifi_flags = info->ifi_change = IFF_UP;
	attribute_name(&r, IFLA_IFNAME, &a->name);
	if (a->master.size > 0) {
		master = link_index(fd, &a->master);
		if (master < 0)
			return master;
		attribute_u32(&r, IFLA_MASTER, (uint32_t)master);
	}
	return talk(fd, &r);
}

/* op_link_remove() - remove a link, and with it its peer or its addresses */
int op_link_remove(struct vm *vm, const union args *args)
{
	const struct args_link_remove *a = &args->link_remove;
	struct request r;

	begin(&r, RTM_DELLINK, 0, sizeof(struct ifinfomsg));
	attribute_name(&r, IFLA_IFNAME, &a->name);
	return talk(slot_fd(vm, a->socket), &r);
}

static uint8_t family_of(const struct text *address)
{
	return address->size == 16 ? AF_INET6 : AF_INET;
}

/* op_address_add() - an address for a link; an IPv6 one is usable at once, nobody else can have it */
int op_address_add(struct vm *vm, const union args *args)
{
	const struct args_address_add *a = &args->address_add;
	int fd = slot_fd(vm, a->socket), index = link_index(fd, &a->link);
	struct request r;
	struct ifaddrmsg *info = begin(&r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof(*info));

	if (index < 0)
		return index;
	info->ifa_family = family_of(&a->address);
	info->ifa_prefixlen = (uint8_t)a->prefix;
	info->ifa_index = (uint32_t)index;
	info->ifa_flags = info->ifa_family == AF_INET6 ? IFA_F_NODAD : 0;
	attribute(&r, IFA_LOCAL, a->address.data, a->address.size);
	attribute(&r, IFA_ADDRESS, a->address.data, a->address.size);
	if (a->broadcast.size > 0)
		attribute(&r, IFA_BROADCAST, a->broadcast.data, a->broadcast.size);
	return talk(fd, &r);
}

/* op_route_add() - a route; an empty destination is the default, an empty gateway means on the link itself */
int op_route_add(struct vm *vm, const union args *args)
{
	const struct args_route_add *a = &args->route_add;
	int fd = slot_fd(vm, a->socket), index = link_index(fd, &a->link);
	struct request r;
	struct rtmsg *info = begin(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, sizeof(*info));

	if (index < 0)
		return index;
	info->rtm_family = (uint8_t)a->family;
	info->rtm_dst_len = (uint8_t)a->prefix;
	info->rtm_protocol = RTPROT_STATIC;
	info->rtm_type = (uint8_t)a->type;
	info->rtm_scope = a->type == RTN_LOCAL ? RT_SCOPE_HOST :
			  a->gateway.size > 0  ? RT_SCOPE_UNIVERSE :
						 RT_SCOPE_LINK;
	attribute_u32(&r, RTA_TABLE, a->table);
	attribute_u32(&r, RTA_OIF, (uint32_t)index);
	if (a->destination.size > 0)
		attribute(&r, RTA_DST, a->destination.data, a->destination.size);
	if (a->gateway.size > 0)
		attribute(&r, RTA_GATEWAY, a->gateway.data, a->gateway.size);
	if (a->metric > 0)
		attribute_u32(&r, RTA_PRIORITY, a->metric);
	return talk(fd, &r);
}

/* op_rule_add() - packets with a mark are routed by a table of their own */
int op_rule_add(struct vm *vm, const union args *args)
{
	const struct args_rule_add *a = &args->rule_add;
	struct request r;
	struct fib_rule_hdr *info = begin(&r, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, sizeof(*info));

	info->family = (uint8_t)a->family;
	info->action = FR_ACT_TO_TBL;
	attribute_u32(&r, FRA_FWMARK, a->mark);
	attribute_u32(&r, FRA_TABLE, a->table);
	attribute_u32(&r, FRA_PRIORITY, a->priority);
	return talk(slot_fd(vm, a->socket), &r);
}

/* The messages carry no number and ask for no acknowledgement: the kernel answers within the sending, and only if it does not like one. */
static int send_batch(const struct text *batch)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	int error;

	if (fd < 0)
		return -errno;
	error = send(fd, batch->data, batch->size, 0) < 0 ? -errno : netlink_answer(fd, 0, false);
	close(fd);
	return error;
}

/*
 * op_netfilter() - a batch of nf_tables messages, complete from its begin to its end message: all of it or nothing
 * In this process's network namespace. @otherwise: another one, for a kernel that does not know all of the first (to send
 * one that is not needed would wait for the kernel's readers, 10 ms and more).
 */
int op_netfilter(struct vm *vm, const union args *args)
{
	const struct args_netfilter *a = &args->netfilter;
	int error = send_batch(&a->batch);

	(void)vm;
	if (a->otherwise.size > 0 && (error == -ENOENT || error == -EOPNOTSUPP))
		error = send_batch(&a->otherwise);
	return error;
}
