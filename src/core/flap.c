/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "flap.h"

void flap_moved(struct flap *f, mono_t now)
{
	if (mono_reached(mono_after_ms(f->moved_at, FLAP_FORGET_MS), now))
		f->moves = 0;
	f->moves++;
	f->moved_at = now;
}

mono_t flap_rests_until(const struct flap *f)
{
	uint64_t ms = FLAP_FIRST_MS;

	if (f->moves == 0)
		return (mono_t){ 0 };
	for (unsigned i = 1; i < f->moves && ms < FLAP_MAX_MS; i++)
		ms *= 2;
	return mono_after_ms(f->moved_at, ms < FLAP_MAX_MS ? ms : FLAP_MAX_MS);
}
