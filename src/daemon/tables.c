/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine_state.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "io/neighbours.h"

enum {
	OBJECTS_MIN = 64 * 1024, /* that the mirror is made for at least */
	OBJECTS_FACTOR = 2,      /* times the kernel's limit: it may be raised while we run */
	NEIGHBOURS_PRESET = 2048,
};

/* ---- what the core wanted ------------------------------------------------------------------ */

struct table_refusal {
	uint32_t len; /* of all of it */
	uint32_t why; /* enum refusal */
};

static enum refusal refusal_of(int error)
{
	switch (error) {
	case EEXIST:
	case EBUSY: return REFUSED_CLASH;
	case ENOMEM:
	case ENOSPC:
	case ENOBUFS: return REFUSED_FULL;
	case ENOENT:
	case ESRCH: return REFUSED_MISSING;
	case EADDRNOTAVAIL: return REFUSED_SELF;
	default: return REFUSED_OTHER;
	}
}

/* The kernel did not carry an order out. Told during a write, noted for later. */
void tables_refused(struct engine *e, const struct object_order *order, int error)
{
	struct tables *t = &e->tables;
	struct object_order head = *order; /* and the key: the value is of no use any more */
	struct table_refusal r = { .why = refusal_of(error) };

	head.value_len = 0;
	r.len = (uint32_t)(sizeof(r) + object_order_len(&head));

	log_debug(e->log, "mirror: order %u of kind %u refused: %s", order->op, order->kind,
		strerror(error));
	if (t->n_refused + r.len > sizeof(t->refused))
		return; /* the next audit finds it */
	memcpy(t->refused + t->n_refused, &r, sizeof(r));
	memcpy(t->refused + t->n_refused + sizeof(r), &head, sizeof(head));
	memcpy(t->refused + t->n_refused + sizeof(r) + sizeof(head), object_order_key(order),
		order->key_len);
	t->n_refused += r.len;
}

static void refused(void *user, const struct object_order *order, int error)
{
	tables_refused(user, order, error);
}

static void write_here(struct engine *e, const uint8_t *from, const uint8_t *to)
{
	if (from < to)
		(void)kernel_write(e->tables.kernel, span_of(from, (size_t)(to - from)));
}

void tables_write(struct engine *e, struct span orders)
{
	const uint8_t *from = orders.data, *end = orders.data + orders.len;

	if (e->tables.kernel == NULL)
		return;
	for (const uint8_t *at = from; at < end;) {
		const struct object_order *order = (const void *)at;

		if (errands_has(order->kind)) {
			write_here(e, from, at);
			errands_add(e, order);
			from = at + object_order_len(order);
		}
		at += object_order_len(order);
	}
	write_here(e, from, end);
	errands_send(e);
}

void tables_fetch(struct engine *e, uint8_t kind, struct span key)
{
	struct tables *t = &e->tables;

	if (t->n_fetches + 2 + key.len > sizeof(t->fetch))
		return; /* likewise */
	t->fetch[t->n_fetches] = kind;
	t->fetch[t->n_fetches + 1] = (uint8_t)key.len;
	memcpy(t->fetch + t->n_fetches + 2, key.data, key.len);
	t->n_fetches += 2 + key.len;
}

static void tell_refusals(struct engine *e)
{
	struct tables *t = &e->tables;
	struct table_refusal r;

	for (size_t at = 0; at < t->n_refused; at += r.len) {
		struct event event = { .type = EVENT_REFUSED };

		memcpy(&r, t->refused + at, sizeof(r));
		event.refused.order = (const void *)(t->refused + at + sizeof(r));
		event.refused.why = (enum refusal)r.why;
		engine_step(e, &event);
	}
	t->n_refused = 0;
}

static void fetch(struct engine *e)
{
	struct tables *t = &e->tables;

	t->origin = OBJECT_FETCHED;
	for (size_t at = 0; at < t->n_fetches; at += 2u + t->fetch[at + 1])
		(void)kernel_get(
			t->kernel, t->fetch[at], span_of(t->fetch + at + 2, t->fetch[at + 1]));
	t->n_fetches = 0;
	t->origin = OBJECT_EVENT;
}

void tables_finish(struct engine *e)
{
	struct tables *t = &e->tables;

	if (t->kernel == NULL || t->reading)
		return;
	/* What is fetched may be written, and refused; that is not fetched again. */
	t->reading = true;
	if (t->n_fetches > 0)
		fetch(e);
	if (t->n_refused > 0)
		tell_refusals(e);
	t->reading = false;
}

/* ---- what the kernel says ------------------------------------------------------------------ */

static void heard(void *user, const struct object_batch *batch)
{
	struct engine *e = user;
	struct event event = { .type = EVENT_OBJECTS };

	event.objects.batch = batch;
	event.objects.origin = e->tables.origin;
	engine_step(e, &event);
}

void tables_counters(const struct engine *e, uint64_t sum[COUNTER_COUNT])
{
	if (e->tables.kernel == NULL)
		return;
	const struct kernel_counters *k = kernel_counters(e->tables.kernel);

	sum[COUNTER_KERNEL_EVENTS] += k->events;
	sum[COUNTER_KERNEL_IGNORED] += k->events_ignored;
	sum[COUNTER_KERNEL_OVERRUNS] += k->overruns;
	sum[COUNTER_KERNEL_MALFORMED] += k->malformed;
	sum[COUNTER_KERNEL_DUMPS] += k->dumps;
	sum[COUNTER_KERNEL_DUMPED] += k->dumped;
	sum[COUNTER_KERNEL_RESTARTED] += k->dumps_restarted;
	sum[COUNTER_KERNEL_ORDERS] += k->orders + e->tables.errands.orders;
	sum[COUNTER_KERNEL_REFUSED] += k->refused + e->tables.errands.refused;
}

/* ---- start and end ------------------------------------------------------------------------- */

/* What the peer has is no more than it would keep itself; where that is more than this kernel would
 * keep, the rest is refused. */
static uint32_t neighbour_limit(const struct engine *e)
{
	struct rtnl *rtnl;
	uint32_t limit = NEIGHBOURS_PRESET;
	int result = rtnl_new(&rtnl); /* nothing waits for the engine yet */

	if (result == 0) {
		result = neighbours_limit(rtnl, &limit);
		rtnl_free(rtnl);
	}
	if (result != 0 || limit == 0)
		log_warn(e->log, "mirror: the kernel does not tell how many neighbours it keeps");
	return limit > 0 ? limit : NEIGHBOURS_PRESET;
}

void tables_prepare(struct engine *e, struct node_env *env)
{
	struct tables *t = &e->tables;
	uint32_t max = kernel_conntrack_max();

	if (seal_index_key(e->loaded[e->live].key, env->mirror_key) != 0)
		return;
	t->objects = max < OBJECTS_MIN ? OBJECTS_MIN : max * OBJECTS_FACTOR;
	t->memory_len = node_mirror_size(t->objects);
	t->memory = mmap(NULL, t->memory_len, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (t->memory == MAP_FAILED) {
		log_err(e->log, "mirror: no memory for %u objects: nothing is mirrored",
			t->objects);
		t->memory = NULL;
		return;
	}
	env->mirror_limit[OBJECT_NEIGHBOUR] = neighbour_limit(e);
	env->mirror_absent = kernel_absent();
	env->mirror = t->memory;
	env->mirror_objects = t->objects;
	env->describe = object_describe;
}

int tables_init(struct engine *e)
{
	struct tables *t = &e->tables;
	struct kernel_setup setup = {
		.log = e->log,
		.hold_s = e->conf->mirror.hold_ms / 1000,
		.node = e->conf->self,
		.route_port = e->setup->guardian_port,
		.heard = heard,
		.refused = refused,
		.user = e,
	};
	int result;

	if (t->memory == NULL)
		return 0;
	result = kernel_new(&setup, &t->kernel);
	if (result == 0)
		result = dumps_init(e);
	if (result == 0)
		result = addresses_init(e);
	if (result != 0)
		return result;
	feeds_init(e);
	return 0;
}

void tables_reconfigure(struct engine *e)
{
	if (e->tables.kernel == NULL)
		return;
	kernel_host(e->tables.kernel)->hold_s = e->conf->mirror.hold_ms / 1000;
	tables_addresses_changed(e);
	tables_interfaces_changed(e);
}

void tables_fini(struct engine *e)
{
	struct tables *t = &e->tables;

	addresses_fini(e);
	dumps_fini(e);
	feeds_fini(e);
	kernel_free(t->kernel);
	if (t->memory != NULL)
		munmap(t->memory, t->memory_len);
}
