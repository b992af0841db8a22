/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * link: the verdict of a link monitor.
 *
 * Pure. A link without carrier fails at once; it passes again after carrier without a break for
 * the debounce time, for a port may flap while its switch boots.
 */
#ifndef NSRP_MONITOR_LINK_H
#define NSRP_MONITOR_LINK_H

#include "nsrp/base.h"

struct link {
	bool carrier;
	bool passes;
	mono_t passes_at; /* the debounce is over; MONO_NEVER: none under way */
};

/* The state at the start is taken as it is. */
void link_init(struct link *l, bool carrier);

/* The interface has carrier, or has none (or is not there). True if l->passes changed. */
bool link_changed(struct link *l, bool carrier, uint32_t debounce_ms, mono_t now);

/* True if l->passes changed, for the debounce is over: at link_deadline(). */
bool link_settled(struct link *l, mono_t now);

mono_t link_deadline(const struct link *l);

#endif
