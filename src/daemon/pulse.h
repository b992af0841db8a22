/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pulse: by when the engine wants to be awake again, in memory that its guardian reads.
 *
 * An engine that is not, is late; no message could say so. Times are those of loop_now().
 */
#ifndef NSRP_DAEMON_PULSE_H
#define NSRP_DAEMON_PULSE_H

#include <stdatomic.h>
#include <sys/mman.h>

#include "nsrp/base.h"

struct pulse {
	_Atomic uint64_t due_us;
};

/* Memory that a forked child shares; NULL: there is none. The caller's, until pulse_free(). */
static inline struct pulse *pulse_new(void)
{
	void *memory = mmap(NULL, sizeof(struct pulse), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static inline void pulse_free(struct pulse *p)
{
	if (p != NULL)
		(void)munmap(p, sizeof(*p));
}

static inline void pulse_set(struct pulse *p, mono_t due)
{
	atomic_store_explicit(&p->due_us, due.us, memory_order_relaxed);
}

static inline mono_t pulse_get(struct pulse *p)
{
	return (mono_t){ atomic_load_explicit(&p->due_us, memory_order_relaxed) };
}

#endif
