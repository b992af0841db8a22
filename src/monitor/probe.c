/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe.h"

#include <assert.h>

void probe_init(struct probe *p, uint32_t interval_ms, mono_t first_at)
{
	assert(interval_ms > 0);
	*p = (struct probe){
		.interval_us = interval_ms > UINT32_MAX / 1000 ? UINT32_MAX : interval_ms * 1000,
		.next_at = first_at,
	};
}

mono_t probe_deadline(const struct probe *p)
{
	return p->waits ? p->judge_at : p->next_at;
}

bool probe_expired(struct probe *p, mono_t now)
{
	if (!p->waits || !mono_reached(p->judge_at, now))
		return false;
	uint64_t late_us = mono_since_us(p->judge_at, now);

	if (late_us > PROBE_LATE_US && p->extensions < PROBE_EXTENSIONS) {
		p->extensions++;
		p->judge_at =
			mono_after_us(now, late_us < p->interval_us ? late_us : p->interval_us);
		return false;
	}
	p->waits = false;
	p->failed = true;
	return true;
}

bool probe_is_due(const struct probe *p, mono_t now)
{
	return !p->waits && mono_reached(p->next_at, now);
}

uint16_t probe_sent(struct probe *p, mono_t now, bool patient)
{
	assert(!p->waits);
	uint32_t wait_us = patient ? p->interval_us : patience_us(&p->patience, p->interval_us);

	p->waits = true;
	p->failed = false;
	p->extensions = 0;
	p->sequence++;
	p->sent_at = now;
	p->judge_at = mono_after_us(now, wait_us);
	/* From now: after a stall one probe goes out, not those missed. */
	p->next_at = mono_after_us(now, p->interval_us);
	return p->sequence;
}

enum probe_answer probe_heard(struct probe *p, uint16_t sequence, mono_t now)
{
	if (sequence != p->sequence || (!p->waits && !p->failed))
		return PROBE_STALE;
	uint64_t rtt_us = mono_since_us(p->sent_at, now);
	bool waited = p->waits;

	patience_measured(&p->patience, rtt_us < UINT32_MAX ? (uint32_t)rtt_us : UINT32_MAX);
	p->waits = p->failed = false;
	return waited ? PROBE_GOOD : PROBE_TAKEN_BACK;
}
