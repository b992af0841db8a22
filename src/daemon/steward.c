/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guardian_state.h"

#include <string.h>

#include "io/kernel.h"
#include "io/neighbours.h"

enum {
	/* No event tells of a route that took the place of ours. */
	AUDIT_MS = 3000,
	AUDIT_AGAIN_MS = 200, /* where the kernel's tables could not be read */
	/* A group of which the kernel refused something is tried again in each so many audits. */
	AUDIT_REFUSED = 20,
};

static void arm_announcements(struct guardian *g)
{
	loop_timer_set(&g->announce_timer, announce_deadline(&g->announce));
}

/* True when something was due. */
static bool announce_now(struct guardian *g)
{
	struct announce_frame due[ANNOUNCE_MAX];
	unsigned n = announce_due(&g->announce, loop_now(), due);

	if (n > 0)
		announcer_send(&g->announcer, &g->loaded.conf, due, n);
	arm_announcements(g);
	return n > 0;
}

static void announcements_due(void *user, mono_t due)
{
	(void)due;
	(void)announce_now(user);
}

void steward_announce(struct guardian *g, unsigned group)
{
	announce_again(&g->announce, group, loop_now());
	(void)announce_now(g);
}

void steward_say_hold(struct guardian *g)
{
	if (!wills_send(&g->wills, WIRE_FRAME_HOLD, g->path, g->n_paths))
		return;
	g->n_holds++;
	guardian_count(g, COUNTER_HOLDS_SENT, 1);
	log_debug(g->log, "the engine is silent: the peer is told to wait for it");
}

static void part(struct guardian *g)
{
	if (!g->parting_due || vip_pending(g->vip) != 0)
		return;
	g->parting_due = false;
	if (!wills_send(&g->wills, WIRE_FRAME_PARTING, g->path, g->n_paths))
		return;
	g->n_partings++;
	log_info(g->log, "nothing is held any more: the peer is told so");
}

void steward_say_parting(struct guardian *g)
{
	g->parting_due = true;
	part(g);
}

/* The kernel has what a takeover ordered. */
static void note_set(struct guardian *g, uint8_t group, enum role role)
{
	if (role != ROLE_TAKE)
		return;
	annals_step(&g->annals, group, STEP_SET, loop_now());
	annals_tell(&g->annals, &g->chores, group);
	chores_start(&g->chores);
}

/* Reports the orders that are carried out, in their order. */
static void report_done(struct guardian *g)
{
	while (g->n_reports > 0) {
		const struct report_due *r = &g->report[g->first_report];

		if (vip_pending(g->vip) >> r->group & 1)
			return;
		struct message m = { .type = MESSAGE_ROLE_DONE };

		m.role.group = g->loaded.conf.group[r->group].id;
		m.role.role = r->role;
		m.role.term = r->term;
		m.role.failed = vip_failed(g->vip, r->group);
		guardian_tell(g, &m);
		note_set(g, m.role.group, r->role);
		g->first_report = (g->first_report + 1) % REPORTS_MAX;
		g->n_reports--;
	}
}

/* After a change: what is left of it goes on when the loop has been round once. What was heard
 * of its groups meanwhile is looked after at its end, and before leases are renewed, by which an
 * address would come back uncounted. */
static void after_change(struct guardian *g, bool more)
{
	mono_t now = loop_now();

	report_done(g);
	part(g);
	if (vip_pending(g->vip) == 0 && g->audit != 0)
		loop_timer_set(&g->audit_timer, now);
	loop_timer_set(&g->more_timer, more ? now : MONO_NEVER);
}

void steward_settle(struct guardian *g)
{
	while (vip_continue(g->vip))
		;
	after_change(g, false);
}

static void more_due(void *user, mono_t due)
{
	struct guardian *g = user;

	(void)due;
	after_change(g, vip_continue(g->vip));
}

static void report_later(struct guardian *g, unsigned group, enum role role, uint32_t term)
{
	if (g->n_reports == REPORTS_MAX) /* the engine would have to order as many at once */
		return;
	g->report[(g->first_report + g->n_reports++) % REPORTS_MAX] =
		(struct report_due){ .group = group, .role = role, .term = term };
}

static void add(struct guardian *g, unsigned group, bool again)
{
	vmac_make(g->vmac, group, again);
	bool more = vip_add(g->vip, group);

	/* Announced before the report: the network is to know first. */
	announce_taken(&g->announce, group, loop_now());
	if (announce_now(g))
		annals_step(&g->annals, g->loaded.conf.group[group].id, STEP_ANNOUNCED, loop_now());
	after_change(g, more);
}

static void remove_group(struct guardian *g, unsigned group, bool keep_forwarding)
{
	bool more = vip_remove(g->vip, group, keep_forwarding);

	announce_dropped(&g->announce, group);
	arm_announcements(g);
	after_change(g, more);
}

void steward_do(struct guardian *g, const struct guard_action *a)
{
	switch (a->type) {
	case GUARD_ADD:
		if (a->report)
			report_later(g, a->group, ROLE_TAKE, a->term);
		add(g, a->group, false);
		break;
	case GUARD_REMOVE:
		if (a->report)
			report_later(g, a->group, ROLE_DROP, a->term);
		remove_group(g, a->group, false);
		break;
	case GUARD_REMOVE_LINGER:
		report_later(g, a->group, ROLE_DROP_LINGER, a->term);
		remove_group(g, a->group, true);
		break;
	case GUARD_REMOVE_REST: after_change(g, vip_remove_rest(g->vip, a->group)); break;
	case GUARD_PUT_BACK:
		log_warn(g->log, "group %u: addresses or routes put back",
			g->loaded.conf.group[a->group].id);
		guardian_count(g, COUNTER_PUT_BACK, 1);
		add(g, a->group, true);
		break;
	case GUARD_RENEW: after_change(g, vip_renew(g->vip, vip_held(g->vip))); break;
	case GUARD_SPAWN:
	case GUARD_KILL:
	case GUARD_SAY_HOLD:
	case GUARD_SAY_PARTING:
	case GUARD_TELL_LEASE_LOST:
	case GUARD_TELL_TAKEN_AWAY:
	case GUARD_EXIT: break; /* not the steward's */
	}
}

static void path_interface(struct guardian *g, const struct watch_event *event)
{
	bool gone = event->type == WATCH_LINK_GONE;

	for (unsigned i = 0; i < g->n_paths; i++) {
		if (strcmp(g->path[i].conf.device, event->link.name) == 0)
			path_refresh(&g->path[i], gone ? 0 : event->ifindex);
	}
}

/* The network behind a carrier that returns may believe the peer, or nobody. */
static void announce_all(struct guardian *g, uint64_t groups)
{
	for (unsigned i = 0; i < g->loaded.conf.n_groups; i++) {
		if (groups >> i & 1)
			announce_again(&g->announce, i, loop_now());
	}
	arm_announcements(g);
}

static void watched(void *user, const struct watch_event *event)
{
	struct guardian *g = user;
	uint64_t groups = vip_heard(g->vip, event);

	if (event->type == WATCH_LINK_NEW || event->type == WATCH_LINK_CHANGED ||
		event->type == WATCH_LINK_GONE)
		path_interface(g, event);
	if (event->type == WATCH_LINK_CHANGED && event->link.carrier)
		announce_all(g, groups);
	g->audit |= groups;
}

/* Looks after groups that an event concerned. What is missing is another program's work, or came
 * with an interface. */
static void audit(struct guardian *g)
{
	struct vip_audit found;
	struct guard_actions actions;
	uint64_t groups = g->audit & vip_held(g->vip) & ~vip_pending(g->vip);

	g->audit &= vip_held(g->vip) & ~groups;
	if (groups == 0)
		return;
	if (vip_audit(g->vip, groups, &found) != 0) { /* much is being changed at present */
		g->audit |= groups;
		loop_timer_set(&g->audit_timer, mono_after_ms(loop_now(), AUDIT_AGAIN_MS));
		return;
	}
	for (unsigned i = 0; i < g->loaded.conf.n_groups; i++) {
		if (((found.missing | found.damaged) >> i & 1) == 0)
			continue;
		guard_missing(&g->guard, loop_now(), i, &actions);
		guardian_obey(g, &actions);
	}
}

/* Held groups, but those of which the kernel refused something lately. */
static uint64_t auditable(struct guardian *g)
{
	uint64_t groups = vip_held(g->vip);
	bool all = g->rounds++ % AUDIT_REFUSED == 0;

	for (unsigned i = 0; i < g->loaded.conf.n_groups; i++) {
		if (!all && vip_failed(g->vip, i) > 0)
			groups &= ~(UINT64_C(1) << i);
	}
	return groups;
}

static void audit_due(void *user, mono_t due)
{
	(void)due;
	audit(user);
}

/* Of held groups they are put back with the addresses, by the guard's leave. */
static void look_after_macvlans(struct guardian *g)
{
	uint64_t busy = vip_held(g->vip) | vip_pending(g->vip);
	unsigned mended = vmac_mend(g->vmac, busy, busy | vip_lingering(g->vip));

	if (mended > 0)
		guardian_count(g, COUNTER_PUT_BACK, mended);
}

/* What was the old configuration's and is not the new one's. While addresses are being changed the
 * kernel may show none of them in one piece. */
static void remove_leftovers(struct guardian *g)
{
	struct vip_leftovers leftovers;
	int result = vip_leftovers(g->vip, &leftovers);

	if (result != 0 && !g->leftovers)
		log_warn(g->log, "what is left of the old configuration is removed later: %s",
			strerror(-result));
	g->leftovers = result != 0;
}

static void round_due(void *user, mono_t due)
{
	struct guardian *g = user;

	(void)due;
	loop_timer_set(&g->round_timer, mono_after_ms(loop_now(), AUDIT_MS));
	look_after_macvlans(g);
	if (g->leftovers && vip_pending(g->vip) == 0)
		remove_leftovers(g);
	g->audit |= auditable(g);
	audit(g);
}

static void watch_ready(void *user, unsigned readiness)
{
	struct guardian *g = user;

	(void)readiness;
	if (watch_read(g->watch) < 0)
		log_debug(g->log, "watching interfaces: events were lost");
	audit(g);
}

/* Paths that join the multicast address of their interfaces, which may wait for RTNL, as the
 * engine must not; and that send what it entrusted. */
static void open_paths(struct guardian *g)
{
	const struct conf *conf = &g->loaded.conf;

	for (unsigned i = 0; i < conf->n_paths; i++) {
		if (path_open(&g->path[g->n_paths], &conf->path[i], PATH_JOINS, g->log) == 0)
			g->n_paths++;
	}
}

static void close_paths(struct guardian *g)
{
	for (unsigned i = 0; i < g->n_paths; i++)
		path_close(&g->path[i]);
	g->n_paths = 0;
}

static int open_netlink(struct guardian *g)
{
	int result = rtnl_new(&g->rtnl);

	if (result != 0)
		return result;
	struct watch_setup watch = {
		.flags = WATCH_ADDRESSES | WATCH_ROUTES,
		.route_proto = VIP_ROUTE_PROTO,
		.quiet_address_proto = VIP_IFA_PROTO,
		.own_port = rtnl_port(g->rtnl),
		.heard = watched,
		.user = g,
	};

	result = watch_new(&watch, &g->watch);
	if (result != 0)
		return result;
	struct vip_setup vip = {
		.rtnl = g->rtnl,
		.watch = g->watch,
		.log = g->log,
		.lease_s = GUARD_LEASE_MS / 1000,
	};

	struct vmac_setup vmac = { .rtnl = g->rtnl, .watch = g->watch, .log = g->log };

	result = vip_new(&vip, &g->vip);
	if (result == 0)
		result = vmac_new(&vmac, &g->vmac);
	if (result == 0)
		result = announcer_init(&g->announcer, g->watch);
	return result;
}

int steward_init(struct guardian *g)
{
	struct vip_leftovers leftovers = { 0 };
	int result = open_netlink(g);

	if (result == 0)
		result = vip_configure(g->vip, &g->loaded.conf);
	if (result == 0)
		result = vmac_configure(g->vmac, &g->loaded.conf, 0);
	if (result == 0)
		result = vip_leftovers(g->vip, &leftovers);
	if (result != 0)
		return result;
	leftovers.removed += vmac_prune(g->vmac);
	if (leftovers.removed > 0)
		log_info(g->log, "removed %u addresses, routes and macvlans that were left behind",
			leftovers.removed);
	/* Nobody tells whether the peer took over since: what is left is not adopted. */
	for (unsigned i = 0; i < g->loaded.conf.n_groups; i++) {
		if (leftovers.some >> i & 1) {
			log_info(g->log, "group %u: removed what was left behind",
				g->loaded.conf.group[i].id);
			while (vip_remove(g->vip, i, false))
				;
		}
	}
	announce_init(&g->announce, &g->loaded.conf);
	loop_timer_init(&g->announce_timer, &g->loop, announcements_due, g);
	loop_timer_init(&g->more_timer, &g->loop, more_due, g);
	loop_timer_init(&g->audit_timer, &g->loop, audit_due, g);
	loop_timer_init(&g->round_timer, &g->loop, round_due, g);
	loop_timer_set(&g->round_timer, mono_after_ms(loop_now(), AUDIT_MS));
	loop_fd_init(&g->watch_io, &g->loop, watch_fd(g->watch), watch_ready, g);
	open_paths(g);
	return 0;
}

void steward_fini(struct guardian *g)
{
	(void)neighbours_release(g->rtnl);
	(void)kernel_leave_ipsec(g->log);
	close_paths(g);
	loop_fd_fini(&g->watch_io);
	announcer_fini(&g->announcer);
	vmac_remove(g->vmac);
	vmac_free(g->vmac);
	vip_free(g->vip);
	watch_free(g->watch);
	rtnl_free(g->rtnl);
}

void steward_reconfigure(struct guardian *g, const struct conf *old)
{
	const struct conf *next = &g->loaded.conf;
	bool more = false;

	int result = vip_configure(g->vip, next);

	if (result == 0)
		result = vmac_configure(g->vmac, next, vip_held(g->vip));
	if (result != 0)
		log_err(g->log, "the new configuration's addresses were not taken: %s",
			strerror(-result));
	remove_leftovers(g);
	if (!next->mirror.neighbours && old->mirror.neighbours)
		(void)neighbours_release(g->rtnl);
	announce_init(&g->announce, next);
	for (unsigned i = 0; i < next->n_groups; i++) {
		if ((vip_held(g->vip) >> i & 1) == 0)
			continue;
		more = vip_add(g->vip, i);
		announce_taken(&g->announce, i, loop_now());
	}
	(void)announce_now(g);
	g->audit = vip_held(g->vip);
	after_change(g, more);
	(void)vmac_prune(g->vmac);
	if (old->n_paths != next->n_paths ||
		memcmp(old->path, next->path, sizeof(old->path)) != 0) {
		close_paths(g);
		open_paths(g);
	}
}
