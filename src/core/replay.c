/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "replay.h"

#include <assert.h>

static uint64_t bit_of(uint64_t sequence)
{
	return UINT64_C(1) << (sequence % 64);
}

bool replay_is_new(const struct replay *r, uint64_t sequence)
{
	if (sequence == 0)
		return false;
	if (sequence > r->highest)
		return true;
	if (r->highest - sequence >= REPLAY_WINDOW)
		return false;
	return (r->word[sequence / 64 % REPLAY_WORDS] & bit_of(sequence)) == 0;
}

void replay_accepted(struct replay *r, uint64_t sequence)
{
	assert(replay_is_new(r, sequence));
	if (sequence > r->highest) {
		uint64_t from = r->highest / 64, to = sequence / 64;

		/* Words between the old and the new highest number are entered anew. */
		for (uint64_t i = 1; i <= to - from && i <= REPLAY_WORDS; i++)
			r->word[(from + i) % REPLAY_WORDS] = 0;
		r->highest = sequence;
	}
	r->word[sequence / 64 % REPLAY_WORDS] |= bit_of(sequence);
}
