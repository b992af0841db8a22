/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the kernel is to find policies. */
#include "policy.h"

enum {
	LOCAL,
	REMOTE,
	FEW = 16,       /* of so many policies one may have shorter prefixes */
	REMOTE_MIN = 8, /* bits; a hash of fewer would find too many in one place */
	COUNT_MAX = 1 << 20,
};

static const uint16_t attributes[] = { XFRMA_SPD_IPV4_HTHRESH, XFRMA_SPD_IPV6_HTHRESH };

bool object_lengths_add(struct object_lengths *lengths, struct span key)
{
	struct policy p;

	if (policy_decode(key, span_of(NULL, 0), &p) != 0)
		return false;
	unsigned family = p.sel.family == AF_INET6, *n = &lengths->n[family];
	bool out = p.dir == XFRM_POLICY_OUT;

	/* What came and went long ago counts no more. */
	if (*n == COUNT_MAX) {
		*n = 0;
		memset(lengths->at[family], 0, sizeof(lengths->at[family]));
	}
	lengths->at[family][LOCAL][out ? p.sel.prefixlen_s : p.sel.prefixlen_d]++;
	lengths->at[family][REMOTE][out ? p.sel.prefixlen_d : p.sel.prefixlen_s]++;
	(*n)++;
	return *n >= OBJECT_LENGTHS_MANY && (*n & (*n - 1)) == 0;
}

/* The longest that nearly all reach. */
static uint8_t reached(const unsigned at[OBJECT_LENGTHS_MAX + 1], unsigned n)
{
	unsigned shorter = 0;
	uint8_t bits = 0;

	while (bits < OBJECT_LENGTHS_MAX && (shorter + at[bits]) * FEW <= n)
		shorter += at[bits++];
	return bits;
}

static bool lower(
	const struct object_lengths *lengths, unsigned family, struct xfrmu_spdhthresh *thresholds)
{
	unsigned n = lengths->n[family];
	uint8_t local, remote;

	if (n < OBJECT_LENGTHS_MANY)
		return false;
	local = reached(lengths->at[family][LOCAL], n);
	remote = reached(lengths->at[family][REMOTE], n);
	if (remote < REMOTE_MIN || (local >= thresholds->lbits && remote >= thresholds->rbits))
		return false;
	thresholds->lbits = local < thresholds->lbits ? local : thresholds->lbits;
	thresholds->rbits = remote < thresholds->rbits ? remote : thresholds->rbits;
	return true;
}

int object_put_ask_thresholds(void *room)
{
	const uint32_t flags = UINT32_MAX;
	struct message m = xfrm_start(room, XFRM_MSG_GETSPDINFO, 0, &flags, sizeof(flags));

	return message_end(&m);
}

int object_put_thresholds(
	const struct object_lengths *lengths, const struct nlmsghdr *answer, void *room)
{
	const uint32_t flags = UINT32_MAX;
	struct message m = xfrm_start(room, XFRM_MSG_NEWSPDINFO, 0, &flags, sizeof(flags));
	struct xfrmu_spdhthresh thresholds;
	bool any = false;
	struct attrs in;
	struct attr a;

	if (answer->nlmsg_type != XFRM_MSG_NEWSPDINFO || !xfrm_attrs_of(answer, sizeof(flags), &in))
		return 0;
	while (attr_next(&in, &a)) {
		for (unsigned family = 0; family < ARRAY_LEN(attributes); family++) {
			if (a.type != attributes[family] || a.len != sizeof(thresholds))
				continue;
			memcpy(&thresholds, a.data, sizeof(thresholds));
			if (!lower(lengths, family, &thresholds))
				continue;
			attr_put(&m, a.type, &thresholds, sizeof(thresholds));
			any = true;
		}
	}
	return any ? message_end(&m) : 0;
}
