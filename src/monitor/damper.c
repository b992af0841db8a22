/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "damper.h"

#include <assert.h>

static void count(uint32_t *in_a_row)
{
	if (*in_a_row < UINT32_MAX)
		(*in_a_row)++;
}

bool damper_probed(struct damper *d, unsigned fall, unsigned rise, bool ok)
{
	assert(fall > 0 && rise > 0);
	bool before = d->failed;

	if (ok) {
		d->failures = 0;
		count(&d->passes);
		d->failed = d->failed && d->passes < rise;
	} else {
		d->passes = 0;
		count(&d->failures);
		d->failed = d->failed || d->failures >= fall;
	}
	d->just_failed = d->failed && !before;
	return d->failed != before;
}

bool damper_taken_back(struct damper *d)
{
	bool news = d->just_failed;

	d->failed = d->failed && !d->just_failed;
	d->just_failed = false;
	d->failures = 0;
	d->passes = 1;
	return news;
}
