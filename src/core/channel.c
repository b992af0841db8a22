/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "channel.h"

#include <assert.h>
#include <string.h>

static struct channel_frame *frame_of(struct channel_out *c, uint32_t number)
{
	return &c->frame[number % CHANNEL_FRAMES];
}

static const struct channel_frame *frame_at(const struct channel_out *c, uint32_t number)
{
	return &c->frame[number % CHANNEL_FRAMES];
}

/* The frame being filled, once it holds anything. */
static bool is_open(const struct channel_out *c)
{
	return frame_at(c, c->next)->len > 0;
}

static void begin(struct channel_out *c)
{
	c->base = c->fresh = c->epoch = c->next;
	c->in_flight = c->in_flight_bytes = c->lost = 0;
	c->tail = c->head = 0;
	frame_of(c, c->next)->len = 0;
}

void channel_out_init(struct channel_out *c, unsigned frame_max, unsigned frames)
{
	assert(frames <= CHANNEL_FRAMES);
	c->frames = frames > 0 ? frames : CHANNEL_FRAMES;
	c->next = CHANNEL_FIRST;
	c->frame_max = frame_max;
	begin(c);
}

void channel_out_restart(struct channel_out *c)
{
	c->next++;
	begin(c);
}

/* Where a frame of frame_max bytes can begin; frames do not wrap. False: nowhere. */
static bool find_room(const struct channel_out *c, uint32_t *ret_at)
{
	uint32_t at = c->head;

	if (c->base == c->next) {
		*ret_at = 0; /* nothing is kept: the memory used before is used again */
		return true;
	}
	if (at >= c->tail) {
		if (CHANNEL_BYTES - at >= c->frame_max) {
			*ret_at = at;
			return true;
		}
		at = 0;
	}
	*ret_at = at;
	return c->tail - at > c->frame_max;
}

uint8_t *channel_out_record(struct channel_out *c, mono_t now, size_t len)
{
	struct channel_frame *f = frame_of(c, c->next);

	assert(len > 0 && len <= c->frame_max);
	if (f->len > 0 && f->len + len > c->frame_max) {
		channel_out_flush(c);
		f = frame_of(c, c->next);
	}
	if (f->len == 0) {
		uint32_t at;

		if (c->next - c->base >= c->frames - 1 || !find_room(c, &at))
			return NULL;
		if (c->base == c->next)
			c->tail = at;
		*f = (struct channel_frame){ .made_at = now, .heard = c->heard, .at = at };
	}
	uint8_t *room = c->bytes + f->at + f->len;

	f->len = (uint16_t)(f->len + len);
	c->head = f->at + f->len;
	return room;
}

void channel_out_flush(struct channel_out *c)
{
	if (!is_open(c))
		return;
	c->next++;
	frame_of(c, c->next)->len = 0;
}

void channel_out_heard(struct channel_out *c, struct channel_point heard)
{
	if (heard.epoch == c->heard.epoch && heard.next == c->heard.next)
		return;
	channel_out_flush(c);
	c->heard = heard;
}

struct channel_point channel_out_knows(const struct channel_out *c, uint32_t number)
{
	return frame_at(c, number)->heard;
}

uint32_t channel_out_number(const struct channel_out *c)
{
	return c->next;
}

static void mark_lost(struct channel_out *c, struct channel_frame *f)
{
	f->lost = true;
	c->lost++;
	c->in_flight--;
	c->in_flight_bytes -= f->len;
}

static bool is_under_way(const struct channel_frame *f)
{
	return !f->acked && !f->lost;
}

/* A peer that goes on acknowledging has not come to it yet. */
static mono_t overdue_at(const struct channel_out *c, const struct channel_frame *f)
{
	return mono_after_ms(mono_max(f->sent_at, c->moved_at), CHANNEL_RESEND_MS);
}

/* What stays unacknowledged for too long is lost. Frames are sent in order, but for those sent
 * again, so that the first that is young enough ends the search. */
static void expire(struct channel_out *c, mono_t now)
{
	for (uint32_t i = c->base; i != c->fresh; i++) {
		struct channel_frame *f = frame_of(c, i);

		if (!is_under_way(f))
			continue;
		if (!mono_reached(overdue_at(c, f), now))
			break;
		mark_lost(c, f);
	}
}

static bool find_lost(const struct channel_out *c, uint32_t *ret_number)
{
	if (c->lost == 0)
		return false;
	for (uint32_t i = c->base; i != c->fresh; i++) {
		if (frame_at(c, i)->lost) {
			*ret_number = i;
			return true;
		}
	}
	return false;
}

bool channel_out_due(
	struct channel_out *c, mono_t now, uint32_t *ret_number, struct span *ret_records)
{
	uint32_t number;

	expire(c, now);
	if (!find_lost(c, &number)) {
		number = c->fresh;
		if (number - c->base >= CHANNEL_WINDOW ||
			c->in_flight_bytes >= CHANNEL_WINDOW_BYTES)
			return false;
		channel_out_flush(c);
		if (number == c->next)
			return false;
	}
	const struct channel_frame *f = frame_at(c, number);

	*ret_number = number;
	*ret_records = span_of(c->bytes + f->at, f->len);
	return true;
}

void channel_out_sent(struct channel_out *c, mono_t now, uint32_t number, unsigned path)
{
	struct channel_frame *f = frame_of(c, number);

	if (f->lost) {
		f->lost = false;
		c->lost--;
	}
	if (number == c->fresh)
		c->fresh++;
	f->sent_at = now;
	f->path = (uint8_t)path;
	c->in_flight++;
	c->in_flight_bytes += f->len;
}

void channel_out_path_lost(struct channel_out *c, unsigned path)
{
	for (uint32_t i = c->base; i != c->fresh; i++) {
		struct channel_frame *f = frame_of(c, i);

		if (is_under_way(f) && f->path == path)
			mark_lost(c, f);
	}
}

static void acked(struct channel_out *c, uint32_t number)
{
	struct channel_frame *f = frame_of(c, number);

	if (f->acked)
		return;
	if (f->lost) {
		c->lost--;
	} else {
		c->in_flight--;
		c->in_flight_bytes -= f->len;
	}
	f->lost = false;
	f->acked = true;
}

/* Frames that later ones on the same path have overtaken. */
static void find_overtaken(struct channel_out *c, uint32_t highest)
{
	const struct channel_frame *h = frame_at(c, highest);

	for (uint32_t i = c->base; channel_before(i + CHANNEL_REORDER, highest); i++) {
		struct channel_frame *f = frame_of(c, i);

		if (is_under_way(f) && f->path == h->path && !mono_before(h->sent_at, f->sent_at))
			mark_lost(c, f);
	}
}

/* The peer has the oldest frame, and has not delivered it. Should it say so, and that be lost,
 * nothing else that is under way would make it say so again. */
static void ask_for_base(struct channel_out *c, mono_t now)
{
	struct channel_frame *f = frame_of(c, c->base);

	if (c->base == c->fresh || !f->acked)
		return;
	f->acked = false;
	f->sent_at = now;
	c->in_flight++;
	c->in_flight_bytes += f->len;
}

bool channel_out_acked(struct channel_out *c, mono_t now, const struct channel_ack *ack)
{
	uint32_t highest = ack->next;

	if (ack->epoch != c->epoch || channel_before(ack->next, c->base) ||
		channel_before(c->fresh, ack->next))
		return false;
	for (unsigned i = 0; i < ack->n; i++) {
		if (ack->range[i].first >= ack->range[i].end ||
			ack->range[i].end > c->fresh - ack->next)
			return false;
	}
	for (uint32_t i = c->base; i != ack->next; i++)
		acked(c, i);
	if (c->base != ack->next)
		c->moved_at = now;
	c->base = ack->next;
	for (unsigned i = 0; i < ack->n; i++) {
		for (uint32_t k = ack->range[i].first; k < ack->range[i].end; k++)
			acked(c, ack->next + k);
		highest = ack->next + ack->range[i].end - 1;
	}
	if (ack->n > 0)
		find_overtaken(c, highest);
	ask_for_base(c, now);
	c->tail = c->base == c->next && !is_open(c) ? c->head : frame_at(c, c->base)->at;
	return true;
}

mono_t channel_out_deadline(const struct channel_out *c)
{
	for (uint32_t i = c->base; i != c->fresh; i++) {
		const struct channel_frame *f = frame_at(c, i);

		if (is_under_way(f))
			return overdue_at(c, f);
	}
	return MONO_NEVER;
}

size_t channel_out_backlog(const struct channel_out *c)
{
	if (c->base == c->next && !is_open(c))
		return 0;
	return c->head > c->tail ? c->head - c->tail : CHANNEL_BYTES - c->tail + c->head;
}

bool channel_out_is_full(const struct channel_out *c)
{
	return c->next - c->base > CHANNEL_FRAMES / 4 || channel_out_backlog(c) > CHANNEL_BYTES / 4;
}

uint64_t channel_out_lag_us(const struct channel_out *c, mono_t now)
{
	if (c->base == c->next && !is_open(c))
		return 0;
	return mono_since_us(frame_at(c, c->base)->made_at, now);
}

static void open_epoch(struct channel_in *c, uint32_t epoch)
{
	c->open = true;
	c->epoch = c->next = c->end = epoch;
	c->unacked = c->held = 0;
	memset(c->len, 0, sizeof(c->len));
}

/* One before a frame that was heard has not come. */
static bool lacks_some(const struct channel_in *c)
{
	return c->end - c->next != c->held;
}

static void want_ack(struct channel_in *c, mono_t now)
{
	if (c->unacked++ == 0)
		c->ack_due = mono_after_us(now, CHANNEL_ACK_US);
	if (c->unacked >= CHANNEL_ACK_FRAMES)
		c->ack_now = true;
}

enum channel_heard channel_in_heard(
	struct channel_in *c, mono_t now, uint32_t epoch, uint32_t number, struct span records)
{
	bool is_new = !c->open || channel_before(c->epoch, epoch);

	if (channel_before(number, epoch) || number - epoch > INT32_MAX / 2 || records.len == 0 ||
		records.len > WIRE_FRAME_MAX)
		return CHANNEL_BEYOND;
	if (!is_new && epoch != c->epoch)
		return CHANNEL_AGAIN;
	if (is_new)
		open_epoch(c, epoch);
	uint32_t ahead = number - c->next;

	if (channel_before(number, c->next)) {
		want_ack(c, now);
		c->ack_now = true;
		return CHANNEL_AGAIN;
	}
	if (ahead >= CHANNEL_WINDOW)
		return CHANNEL_BEYOND;
	uint16_t *len = &c->len[number % CHANNEL_WINDOW];

	if (!channel_before(number, c->end))
		c->end = number + 1;
	if (ahead == 0 && *len == 0 && !c->rests) {
		c->next++;
		want_ack(c, now);
		c->ack_now |= lacks_some(c);
		return is_new ? CHANNEL_EPOCH : CHANNEL_NEXT;
	}
	if (*len == 0) {
		memcpy(c->bytes[number % CHANNEL_WINDOW], records.data, records.len);
		*len = (uint16_t)records.len;
		c->held++;
	}
	c->ack_now |= lacks_some(c);
	return is_new ? CHANNEL_WAITS_EPOCH : CHANNEL_WAITS;
}

bool channel_in_is_held(const struct channel_in *c)
{
	return c->open && c->len[c->next % CHANNEL_WINDOW] > 0;
}

bool channel_in_held(struct channel_in *c, mono_t now, struct span *ret_records)
{
	unsigned slot = c->next % CHANNEL_WINDOW;

	if (!channel_in_is_held(c))
		return false;
	*ret_records = span_of(c->bytes[slot], c->len[slot]);
	c->len[slot] = 0;
	c->held--;
	c->next++;
	want_ack(c, now);
	return true;
}

void channel_in_forget(struct channel_in *c)
{
	c->open = false;
	c->unacked = c->held = 0;
	c->ack_now = false;
	memset(c->len, 0, sizeof(c->len));
}

bool channel_in_ack_due(const struct channel_in *c, mono_t now)
{
	return c->ack_now || (c->unacked > 0 && mono_reached(c->ack_due, now));
}

void channel_in_take_ack(struct channel_in *c, struct channel_ack *ret_ack)
{
	struct channel_ack *ack = ret_ack;

	*ack = (struct channel_ack){ .epoch = c->epoch, .next = c->next };
	/* What only waits for the rest to be over is no news. */
	for (uint16_t i = 0; i < CHANNEL_WINDOW && lacks_some(c); i++) {
		if (c->len[(c->next + i) % CHANNEL_WINDOW] == 0)
			continue;
		if (ack->n > 0 && ack->range[ack->n - 1].end == i) {
			ack->range[ack->n - 1].end++;
		} else if (ack->n < CHANNEL_ACK_RANGES) {
			ack->range[ack->n].first = i;
			ack->range[ack->n++].end = (uint16_t)(i + 1);
		}
	}
	c->unacked = 0;
	c->ack_now = false;
}

mono_t channel_in_deadline(const struct channel_in *c)
{
	if (c->ack_now)
		return (mono_t){ 0 };
	return c->unacked > 0 ? c->ack_due : MONO_NEVER;
}
