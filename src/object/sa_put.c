/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the kernel is told of SAs. */
#include "sa.h"

#include <errno.h>

enum { SA_DIRECTION = 33, SA_DIRECTION_IN = 1, SA_DIRECTION_OUT = 2 }; /* Linux 6.10 */

static struct xfrm_usersa_id id_of(const struct sa *sa)
{
	return (struct xfrm_usersa_id){
		.daddr = sa->daddr,
		.spi = sa->spi,
		.family = sa->family,
		.proto = sa->proto,
	};
}

static struct message start_id(uint16_t type, const struct sa *sa, void *room)
{
	struct xfrm_usersa_id id = id_of(sa);
	struct message m = xfrm_start(room, type, 0, &id, sizeof(id));

	xfrm_put_mark(&m, &sa->mark);
	return m;
}

/* ---- times ------------------------------------------------------------------------------ */

static uint64_t staged(uint64_t seconds, enum sa_stage stage)
{
	static const uint64_t bits[] = {
		[SA_JUMPED] = SA_TIME_JUMPED, [SA_HELD] = SA_TIME_HELD, [SA_COPIED] = SA_TIME_COPIED
	};

	seconds &= UINT32_MAX;
	return seconds == 0 ? 0 : seconds | bits[stage];
}

static void put_times(struct message *m, const struct sa *sa, enum sa_stage stage)
{
	struct xfrm_lifetime_cur times = sa->times;

	/* Of one whose creation is not known, the stage still has to be seen. */
	times.add_time = staged(times.add_time != 0 ? times.add_time : 1, stage);
	times.use_time = staged(times.use_time, stage);
	attr_put(m, XFRMA_LTIME_VAL, &times, sizeof(times));
}

/* ---- numbers ---------------------------------------------------------------------------- */

/* How far, at least, and whose blocks; by 0: not at all. */
struct jump {
	uint32_t by;
	uint8_t node;
};

static uint64_t jumped(uint64_t number, struct jump jump)
{
	uint64_t block = (number + jump.by + SA_JUMP - 1) / SA_JUMP;

	block += block % 2 != jump.node;
	return jump.by == 0 ? number : block * SA_JUMP;
}

/* Numbers that are used up stay so: the kernel then refuses to send. */
static uint32_t jumped_short(uint32_t number, struct jump jump)
{
	uint64_t next = jumped(number, jump);

	return next > UINT32_MAX ? UINT32_MAX : (uint32_t)next;
}

static void put_esn(struct message *m, const struct sa *sa, struct jump jump)
{
	struct xfrm_replay_state_esn esn;
	uint8_t *at = m->at + sizeof(struct nlattr);

	attr_put(m, XFRMA_REPLAY_ESN_VAL, sa->esn, sa->esn_len);
	memcpy(&esn, at, sizeof(esn));
	if (sa->info.flags & XFRM_STATE_ESN) {
		uint64_t number = jumped((uint64_t)esn.oseq_hi << 32 | esn.oseq, jump);

		esn.oseq = (uint32_t)number;
		esn.oseq_hi = (uint32_t)(number >> 32);
	} else {
		esn.oseq = jumped_short(esn.oseq, jump);
	}
	memcpy(at, &esn, sizeof(esn));
}

static void put_numbers(struct message *m, const struct sa *sa, struct jump jump)
{
	struct xfrm_replay_state replay = sa->replay;

	if (sa->esn != NULL) {
		put_esn(m, sa, jump);
		return;
	}
	replay.oseq = jumped_short(replay.oseq, jump);
	attr_put(m, XFRMA_REPLAY_VAL, &replay, sizeof(replay));
}

static bool has_sent(const struct sa *sa)
{
	return sa_number(sa->esn, &sa->replay) > 0;
}

static bool has_received(const struct sa *sa)
{
	struct xfrm_replay_state_esn esn = { 0 };

	if (sa->esn == NULL)
		return sa->replay.seq > 0;
	memcpy(&esn, sa->esn, sizeof(esn));
	return esn.seq > 0 || esn.seq_hi > 0;
}

/* The kernel writes the numbers of both directions at once: those of an SA that receives are left
 * alone, lest it goes back to where it was a moment ago. */
static bool sends(const struct object_host *host, const struct sa *sa)
{
	struct attrs in = xfrm_rest(&sa->value, sizeof(sa->info));
	struct attr a;

	while (attr_next(&in, &a)) {
		if (a.type == SA_DIRECTION && a.len == 1)
			return a.data[0] == SA_DIRECTION_OUT;
	}
	if (xfrm_is_here(host, sa->family, &sa->info.saddr))
		return true;
	if (xfrm_is_here(host, sa->family, &sa->daddr))
		return false;
	return has_sent(sa) || !has_received(sa);
}

/* ---- messages --------------------------------------------------------------------------- */

static struct message start_numbers(const struct sa *sa, void *room)
{
	struct xfrm_aevent_id id = { .sa_id = id_of(sa), .saddr = sa->info.saddr };
	struct message m = xfrm_start(room, XFRM_MSG_NEWAE, NLM_F_REPLACE, &id, sizeof(id));

	xfrm_put_mark(&m, &sa->mark);
	return m;
}

static int put_change(const struct sa *sa, void *room)
{
	struct message m = start_numbers(sa, room);

	put_numbers(&m, sa, (struct jump){ .by = 0 });
	put_times(&m, sa, SA_COPIED);
	return message_end(&m);
}

static int put_hold(const struct sa *sa, void *room)
{
	struct message m = start_numbers(sa, room);

	put_times(&m, sa, SA_HELD);
	return message_end(&m);
}

static struct jump jump_of(const struct object_host *host, uint32_t by)
{
	return (struct jump){ .by = by, .node = host->node };
}

static int put_jump(
	const struct object_host *host, const struct sa *sa, enum sa_stage stage, void *room)
{
	struct message m = start_numbers(sa, room);

	if (sends(host, sa))
		put_numbers(&m, sa, jump_of(host, stage == SA_JUMPED ? SA_JUMP : SA_LEAP));
	else if (stage != SA_JUMPED)
		return 0;
	if (stage == SA_JUMPED)
		put_times(&m, sa, SA_JUMPED);
	return message_end(&m);
}

static int put_whole(const struct sa *sa, uint16_t type, enum sa_stage stage, void *room)
{
	struct message m = xfrm_start(room, type, 0, &sa->info, sizeof(sa->info));
	struct attrs in = xfrm_rest(&sa->value, sizeof(sa->info));
	struct attr a;

	xfrm_put_mark(&m, &sa->mark);
	put_numbers(&m, sa, (struct jump){ .by = 0 });
	put_times(&m, sa, stage);
	while (attr_next(&in, &a))
		attr_put(&m, a.type, a.data, a.len);
	return message_end(&m);
}

/* The kernel looks at limits when their time comes, or when the SA is updated. An update changes no
 * numbers, and no times. */
static int put_live(const struct sa *sa, struct jump jump, uint8_t *room)
{
	struct message m = start_numbers(sa, room);
	int len, more;

	if (jump.by > 0)
		put_numbers(&m, sa, jump);
	put_times(&m, sa, SA_LIVE);
	len = message_end(&m);
	more = put_whole(sa, XFRM_MSG_UPDSA, SA_LIVE, room + len);
	return len + more;
}

static int put_settle(const struct object_host *host, const struct sa *sa, void *room)
{
	switch (sa_stage(&sa->times)) {
	case SA_HELD:
	case SA_COPIED: return put_jump(host, sa, SA_JUMPED, room);
	case SA_JUMPED: return put_live(sa, jump_of(host, 0), room);
	case SA_LIVE: break;
	}
	return 0;
}

/* Both at once. */
static int put_retime(const struct object_host *host, const struct sa *sa, void *room)
{
	enum sa_stage stage = sa_stage(&sa->times);

	if (stage == SA_LIVE)
		return 0;
	return put_live(
		sa, jump_of(host, stage != SA_JUMPED && sends(host, sa) ? SA_JUMP : 0), room);
}

int sa_put_dump(void *room)
{
	struct message m = xfrm_start(room, XFRM_MSG_GETSA, NLM_F_DUMP, NULL, 0);

	return message_end(&m);
}

int sa_put_get(struct span key, void *room)
{
	struct message m;
	struct sa sa;

	if (sa_decode(key, span_of(NULL, 0), &sa) != 0)
		return -EBADMSG;
	m = start_id(XFRM_MSG_GETSA, &sa, room);
	return message_end(&m);
}

static int put_remove(const struct sa *sa, void *room)
{
	struct message m = start_id(XFRM_MSG_DELSA, sa, room);

	return message_end(&m);
}

int sa_put_order(const struct object_host *host, enum object_op op, struct span key,
	struct span value, void *room)
{
	struct sa sa;

	if (op == OBJECT_REMOVE || op == OBJECT_EVICT)
		value.len = 0;
	if (sa_decode(key, value, &sa) != 0)
		return -EBADMSG;
	if (op == OBJECT_REMOVE)
		return put_remove(&sa, room);
	if (op == OBJECT_EVICT)
		return 0;
	if (value.len == 0 || (op != OBJECT_CHANGE && !sa.value.whole))
		return -EBADMSG;
	if (op != OBJECT_CHANGE && (xfrm_is_own(host, sa.family, &sa.daddr) ||
					   xfrm_is_own(host, sa.family, &sa.info.saddr)))
		return -EADDRNOTAVAIL;
	switch (op) {
	case OBJECT_CHANGE: return put_change(&sa, room);
	case OBJECT_HOLD: return put_hold(&sa, room);
	case OBJECT_LOOSEN: return put_jump(host, &sa, SA_LIVE, room);
	case OBJECT_SETTLE: return put_settle(host, &sa, room);
	case OBJECT_RETIME: return put_retime(host, &sa, room);
	case OBJECT_WHOLE:
	case OBJECT_CREATE:
	case OBJECT_REMOVE:
	case OBJECT_EVICT: break;
	}
	return put_whole(&sa, XFRM_MSG_NEWSA, SA_COPIED, room);
}

int object_put_pace(const struct nlmsghdr *dumped, void *room)
{
	const uint32_t packets = OBJECT_NUMBERS_PACKETS, tenths = OBJECT_NUMBERS_TENTHS;
	struct xfrm_usersa_info info;
	struct attrs in;
	struct attr a;

	if (dumped->nlmsg_type != XFRM_MSG_NEWSA || !xfrm_attrs_of(dumped, sizeof(info), &in))
		return 0;
	memcpy(&info, (const uint8_t *)dumped + NLMSG_HDRLEN, sizeof(info));

	struct xfrm_aevent_id id = {
		.sa_id = { .daddr = info.id.daddr,
			.spi = info.id.spi,
			.family = info.family,
			.proto = info.id.proto },
		.saddr = info.saddr,
	};
	struct message m = xfrm_start(room, XFRM_MSG_NEWAE, NLM_F_REPLACE, &id, sizeof(id));

	while (attr_next(&in, &a)) {
		if (a.type == XFRMA_MARK && a.len == sizeof(struct xfrm_mark))
			attr_put(&m, XFRMA_MARK, a.data, a.len);
	}
	attr_put(&m, XFRMA_REPLAY_THRESH, &packets, sizeof(packets));
	attr_put(&m, XFRMA_ETIMER_THRESH, &tenths, sizeof(tenths));
	return message_end(&m);
}
