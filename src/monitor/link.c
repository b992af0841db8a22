/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "link.h"

void link_init(struct link *l, bool carrier)
{
	*l = (struct link){ .carrier = carrier, .passes = carrier, .passes_at = MONO_NEVER };
}

bool link_changed(struct link *l, bool carrier, uint32_t debounce_ms, mono_t now)
{
	bool passed = l->passes;

	if (carrier && !l->carrier)
		l->passes_at = mono_after_ms(now, debounce_ms);
	if (!carrier) {
		l->passes = false;
		l->passes_at = MONO_NEVER;
	}
	l->carrier = carrier;
	return l->passes != passed;
}

bool link_settled(struct link *l, mono_t now)
{
	if (!mono_reached(l->passes_at, now))
		return false;
	l->passes_at = MONO_NEVER;
	l->passes = true;
	return true;
}

mono_t link_deadline(const struct link *l)
{
	return l->passes_at;
}
