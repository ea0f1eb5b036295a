/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NETLINK_ANSWER_H
#define NETLINK_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NETLINK_NOTHING = 1 };
int netlink_verdict(const uint8_t *data, size_t size, uint32_t sequence);
int netlink_answer(int fd, uint32_t sequence, bool wait);

#endif
