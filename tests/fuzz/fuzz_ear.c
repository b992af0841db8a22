/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as ARP or IPv6 from a virtual MAC, by the first of them. What it claims is an address,
 * and lies within it.
 */
#include "io/ear.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ear_claim claim = { .ip = { .family = 0 } };
	size_t len = 14 + size - (size > 0);
	uint8_t *frame = calloc(1, len);

	if (frame == NULL || size == 0) {
		free(frame);
		return 0;
	}
	memcpy(frame + 12, data[0] & 1 ? "\x86\xdd" : "\x08\x06", 2);
	memcpy(frame + 14, data + 1, size - 1);
	if (ear_parse(frame, len, &claim) &&
		((claim.ip.family != AF_INET && claim.ip.family != AF_INET6) ||
			!memmem(frame, len, claim.ip.bytes, claim.ip.family == AF_INET ? 4 : 16)))
		abort();
	free(frame);
	return 0;
}
