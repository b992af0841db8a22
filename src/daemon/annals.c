/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "annals.h"

void annals_add(struct annals *a, struct chores *chores, const struct store_record *record)
{
	const struct action_record *change = &record->change;
	struct annal *annal = &a->of[record->group];

	chores_record(chores, record);
	if (change->from == change->to ||
		(change->from != GROUP_MASTER && change->to != GROUP_MASTER))
		return;
	annal->at = change->at;
	annal->known = 0;
	annal->sequel = (struct store_record){
		.group = record->group,
		.sequel = true,
		.change = { .to = change->to, .term = change->term, .at = change->at },
	};
}

void annals_step(struct annals *a, uint8_t group, enum step step, mono_t at)
{
	struct annal *annal = &a->of[group];
	struct action_record *sequel = &annal->sequel.change;
	uint64_t us = mono_since_us(annal->at, at);

	if (!annal->sequel.sequel || (annal->known >> step & 1))
		return;
	annal->known |= 1u << step;
	sequel->steps |= 1u << step;
	sequel->step_us[step] = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

void annals_tell(struct annals *a, struct chores *chores, uint8_t group)
{
	struct annal *annal = &a->of[group];

	if (annal->sequel.change.steps == 0)
		return;
	chores_record(chores, &annal->sequel);
	annal->sequel.change.steps = 0;
}
