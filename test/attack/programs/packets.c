/* Packets no friendly neighbour sends. `packets advertise IFACE`: "I am the router"; `packets noise IFACE COUNT`: anything. */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Only who says so from its link-local address is a router. */
static int bind_local(int fd, unsigned link)
{
	struct ifaddrs *all, *at;

	if (getifaddrs(&all) < 0)
		return -1;
	for (at = all; at != NULL; at = at->ifa_next) {
		struct sockaddr_in6 *address = (struct sockaddr_in6 *)(void *)at->ifa_addr;

		if (address != NULL && address->sin6_family == AF_INET6 && if_nametoindex(at->ifa_name) == link &&
		    IN6_IS_ADDR_LINKLOCAL(&address->sin6_addr) && bind(fd, at->ifa_addr, sizeof(*address)) == 0)
			return 0;
	}
	return -1;
}

static int advertise(unsigned link)
{
	const int hops = 255;
	struct {
		struct nd_router_advert head;
		struct nd_opt_prefix_info prefix;
	} message = { .head = { .nd_ra_type = ND_ROUTER_ADVERT, .nd_ra_curhoplimit = 64, .nd_ra_router_lifetime = htons(1800) },
		      .prefix = { .nd_opt_pi_type = ND_OPT_PREFIX_INFORMATION, .nd_opt_pi_len = 4, .nd_opt_pi_prefix_len = 64,
				  .nd_opt_pi_flags_reserved = 0xc0, .nd_opt_pi_valid_time = htonl(3600),
				  .nd_opt_pi_preferred_time = htonl(3600) } };
	struct sockaddr_in6 all = { .sin6_family = AF_INET6, .sin6_scope_id = link };
	int fd = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);

	inet_pton(AF_INET6, "ff02::1", &all.sin6_addr);
	inet_pton(AF_INET6, "2001:db8:bad::", &message.prefix.nd_opt_pi_prefix);
	if (fd < 0 || bind_local(fd, link) < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &link, sizeof(link)) < 0) {
		perror("packets");
		return 1;
	}
	for (int i = 0; i < 5; i++, usleep(50000))
		if (sendto(fd, &message, sizeof(message), 0, (struct sockaddr *)&all, sizeof(all)) < 0)
			perror("packets");
	return 0;
}

/* Headers that are nearly right, of every length: IPv4, IPv6, ARP; fragments, options, TCP, UDP, ICMP, DHCP, DNS. */
static size_t make(uint8_t *p, uint32_t number)
{
	static const uint8_t types[][2] = { { 8, 0 }, { 8, 0 }, { 8, 0 }, { 0x86, 0xdd }, { 8, 6 } };
	static const uint8_t protocols[] = { 6, 17, 1, 17, 6, 58 };
	static const uint8_t ports[] = { 53, 67, 68, 69, 80, 1 };
	size_t size = 14 + (size_t)(rand() % 1480);

	for (size_t i = 0; i < size; i++)
		p[i] = (uint8_t)rand();
	memcpy(p, "\x52\x55\x0a\x00\x02\x02", 6);
	memcpy(p + 12, types[number % 5], 2);
	if (p[12] == 8 && p[13] == 0) {
		p[14] = (uint8_t)(0x40 | (number % 7 == 0 ? rand() % 16 : 5));
		p[16] = (uint8_t)((size - 14) >> 8);
		p[17] = (uint8_t)(number % 5 == 0 ? rand() : (int)(size - 14));
		if (number % 3)
			p[20] = p[21] = 0;
		p[23] = protocols[number % 6];
		memcpy(p + 26, "\x0a\x00\x02\x64\x0a\x00\x02", 7);
		p[33] = (uint8_t)(2 + number % 3);
		p[24] = p[25] = 0;
		uint32_t sum = 0;
		for (int i = 14; i < 34; i += 2)
			sum += (uint32_t)p[i] << 8 | p[i + 1];
		while (sum >> 16)
			sum = (sum & 0xffff) + (sum >> 16);
		p[24] = (uint8_t)(~sum >> 8);
		p[25] = (uint8_t)~sum;
		p[36] = 0;
		p[37] = ports[number % 6];
	}
	return size;
}

static int noise(unsigned link, int count)
{
	const struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = (int)link, .sll_halen = 6 };
	int fd = socket(AF_PACKET, SOCK_RAW, 0);
	uint8_t packet[1500];

	if (fd < 0) {
		perror("packets");
		return 1;
	}
	srand(20261121);
	for (int i = 0; i < count; i++) {
		size_t size = make(packet, (uint32_t)i);

		if (sendto(fd, packet, size, 0, (const struct sockaddr *)&to, sizeof(to)) < 0)
			usleep(1000);
	}
	puts("sent");
	return 0;
}

int main(int argc, char **argv)
{
	unsigned link = argc > 2 ? if_nametoindex(argv[2]) : 0;

	if (link == 0)
		return 64;
	return strcmp(argv[1], "noise") == 0 ? noise(link, argc > 3 ? atoi(argv[3]) : 1000) : advertise(link);
}
