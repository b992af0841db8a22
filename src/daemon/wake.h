/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * wake: by when the engine wants to be awake again, in memory that its guardian reads.
 *
 * An engine that is not, is late; no message could say so. Times are those of loop_now(). And the
 * processor on which it runs, for the clerk, who keeps out of its way.
 */
#ifndef NSRP_DAEMON_WAKE_H
#define NSRP_DAEMON_WAKE_H

#include <stdatomic.h>
#include <sys/mman.h>

#include "nsrp/base.h"

struct wake {
	_Atomic uint64_t due_us;
	_Atomic int processor; /* -1: it is not known */
};

/* Memory that a forked child shares; NULL: there is none. The caller's, until wake_free(). */
static inline struct wake *wake_new(void)
{
	void *memory = mmap(NULL, sizeof(struct wake), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static inline void wake_free(struct wake *w)
{
	if (w != NULL)
		(void)munmap(w, sizeof(*w));
}

static inline void wake_set(struct wake *w, mono_t due, int processor)
{
	atomic_store_explicit(&w->processor, processor, memory_order_relaxed);
	atomic_store_explicit(&w->due_us, due.us, memory_order_relaxed);
}

static inline mono_t wake_get(struct wake *w)
{
	return (mono_t){ atomic_load_explicit(&w->due_us, memory_order_relaxed) };
}

static inline int wake_processor(struct wake *w)
{
	return atomic_load_explicit(&w->processor, memory_order_relaxed);
}

#endif
