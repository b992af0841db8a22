/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include <string.h>

#include "core/state.h"
#include "machine.h"
#include "pair.h"

/* What a frame that is to be dropped must not change. */
struct facts {
	struct linkset links;
	struct group group[WORLD_GROUPS_MAX];
	struct session session[SESSION_PREVIOUS]; /* the previous one ends by time */
	uint64_t peer_beat, peer_echo;
	enum joining joining;
	bool peer_known;
	mono_t deadline;
};

/* One node at a time hears a frame. */
static struct {
	bool junk;
	uint32_t engine;
	uint64_t heard, malformed, late, rate, peer_beat, handshakes;
	uint32_t session;
	mono_t candidate_made, alive_until, peer_until;
	struct facts facts;
} before;

static void get_facts(const struct node *n, struct facts *facts)
{
	facts->links = n->links;
	memcpy(facts->group, n->group, sizeof(facts->group));
	for (unsigned g = 0; g < WORLD_GROUPS_MAX; g++)
		facts->group[g].rule = RULE_NONE; /* the last verdict follows a move by a step */
	memcpy(facts->session, n->handshake.session, sizeof(facts->session));
	facts->peer_beat = n->peer_beat;
	facts->peer_echo = n->peer_echo;
	facts->joining = n->joining;
	facts->peer_known = n->peer_known;
	facts->deadline = n->deadline;
}

/* A hold-down begins, and one of no time ends, by a step behind a move. */
static bool holds_down(const struct facts *a, const struct facts *b)
{
	for (unsigned g = 0; g < WORLD_GROUPS_MAX; g++) {
		if (a->group[g].preempt_at.us != b->group[g].preempt_at.us ||
			a->group[g].preempting != b->group[g].preempting)
			return true;
	}
	return false;
}

static bool same_facts(const struct facts *a, const struct facts *b)
{
	return memcmp(&a->links, &b->links, sizeof(a->links)) == 0 &&
	       memcmp(a->group, b->group, sizeof(a->group)) == 0 &&
	       memcmp(a->session, b->session, sizeof(a->session)) == 0 &&
	       a->peer_beat == b->peer_beat && a->peer_echo == b->peer_echo &&
	       a->joining == b->joining && a->peer_known == b->peer_known &&
	       a->deadline.us == b->deadline.us;
}

static bool is_a(const struct frame *frame, enum wire_frame_type type)
{
	return frame->len >= WIRE_HEADER_LEN && frame->bytes[2] == type;
}

static uint64_t *accepted(struct world *w, unsigned m, uint64_t serial)
{
	return &w->accepted[m][serial % WORLD_ACCEPTED];
}

/* Nobody sent it, or not like this, or not here, or it was heard before. */
static bool is_junk(const struct world *w, unsigned m, const struct frame *frame, unsigned path)
{
	const struct origin *o = &frame->origin;

	return o->serial == 0 || o->altered || o->from == m || o->path != path ||
	       (is_a(frame, WIRE_FRAME_SESSION) &&
		       w->accepted[m][o->serial % WORLD_ACCEPTED] == o->serial);
}

/* Big-endian. */
static uint64_t number_at(const uint8_t *bytes, size_t len)
{
	uint64_t number = 0;

	for (size_t i = 0; i < len; i++)
		number = number << 8 | bytes[i];
	return number;
}

/* The toy cryptography leaves the text readable. */
static uint64_t echo_of(const struct frame *frame)
{
	enum { ENTRY_LEN = 10 };
	struct span echo = pair_tlv(span_of(frame->bytes, frame->len), WIRE_TLV_ECHO);
	uint64_t best = 0;

	for (size_t at = 0; at + ENTRY_LEN <= echo.len; at += ENTRY_LEN) {
		uint64_t number = number_at(echo.data + at + 2, 8);

		best = number > best ? number : best;
	}
	return best;
}

void check_frame_comes(struct world *w, unsigned m, const struct frame *frame, unsigned path)
{
	const struct machine *machine = &w->machine[m];
	const struct node *n = machine->node;
	const struct session *s = n->handshake.session;

	w->check.sender = frame->origin.engine;
	w->check.echo = is_a(frame, WIRE_FRAME_SESSION) ? echo_of(frame) : 0;
	before.engine = machine->engines;
	before.heard = n->counter[COUNTER_FRAMES_HEARD];
	before.malformed = n->counter[COUNTER_DROP_MALFORMED];
	before.rate = n->counter[COUNTER_DROP_RATE];
	before.late = n->counter[COUNTER_LATE];
	before.peer_beat = n->peer_beat;
	before.handshakes = n->counter[COUNTER_HANDSHAKES];
	before.session = s[SESSION_CURRENT].id;
	before.candidate_made = s[SESSION_CANDIDATE].made_at;
	before.alive_until = n->links.path[path].alive_until;
	before.peer_until = n->links.peer_until;
	before.junk = is_junk(w, m, frame, path) &&
		      mono_before(machine_clock(machine, w->now), n->deadline);
	if (before.junk)
		get_facts(n, &before.facts);
}

/* What a frame that is dropped leaves behind: nothing. */
static void check_junk(struct world *w, const struct machine *m, const struct frame *frame)
{
	static struct facts after;
	const char *name = m->conf->node[m->id];

	get_facts(m->node, &after);
	if (m->node->counter[COUNTER_FRAMES_HEARD] != before.heard)
		world_fail(w, "P2.2: %s accepts a frame that is %s", name,
			frame->origin.serial == 0     ? "forged"
			: frame->origin.altered       ? "altered"
			: frame->origin.from == m->id ? "its own"
						      : "old, or another path's");
	else if (m->node->mirror == NULL && /* its walks go on with any step */
		 !same_facts(&before.facts, &after) && !holds_down(&before.facts, &after))
		world_fail(w, "a frame that %s drops changes what it believes", name);
}

/* True when a beat of the machine, sent no longer ago than that, has reached its peer. */
static bool peer_heard(const struct world *w, unsigned m, unsigned path, uint64_t us)
{
	return w->check.of[1 - m].heard[path] + us >= w->now;
}

static bool peer_heard_any(const struct world *w, unsigned m, uint64_t us)
{
	for (unsigned p = 0; p < WORLD_PATHS_MAX; p++) {
		if (peer_heard(w, m, p, us))
			return true;
	}
	return false;
}

/* For how long a frame and what it echoes may have been under way: P6.1, P6.4. What it was late by
 * counts for a detection time, also when it is late again by less. */
static uint64_t allowance_us(const struct world *w, unsigned m, bool secondary)
{
	const struct check_machine *c = &w->check.of[m];
	uint64_t detection = check_detection_us(w) * (secondary ? LINKSET_SECONDARY_FACTOR : 1);
	uint64_t tolerance = detection / 1000 + 10; /* the clocks differ */
	uint64_t late_us = 0;

	for (unsigned i = 0; i < c->n_late && i < CHECK_LATE; i++) {
		if (w->now <= c->late[i].woke_at + check_detection_us(w) + tolerance &&
			c->late[i].us > late_us)
			late_us = c->late[i].us;
	}
	return detection + tolerance + late_us;
}

static void check_liveness(
	struct world *w, const struct machine *m, const struct frame *frame, unsigned path)
{
	const struct node *n = m->node;
	bool secondary = path >= m->conf->n_links;
	uint64_t path_us = allowance_us(w, m->id, secondary), us = allowance_us(w, m->id, false);
	uint64_t age = w->now - frame->origin.sent_at;
	const char *name = m->conf->node[m->id];

	if (n->counter[COUNTER_LATE] != before.late) /* it changed what it allows */
		return;
	if (n->links.path[path].state == PATH_ALIVE &&
		n->links.path[path].alive_until.us != before.alive_until.us &&
		(age > path_us || !peer_heard(w, m->id, path, path_us)))
		world_fail(w, "P6.1: path %u of %s is alive by a frame %llu us old", path, name,
			(unsigned long long)age);
	if (n->links.peer_alive && n->links.peer_until.us != before.peer_until.us) {
		w->check.of[m->id].fresh_at = w->now;
		if (!n->suspect.running) /* one frame may be old news to a suspicion */
			w->check.of[m->id].suspicions = n->counter[COUNTER_SUSPICIONS];
		check_contact(w, m->id, frame->origin.sent_at);
		if (age > us || !peer_heard_any(w, m->id, us))
			world_fail(w, "P6.2: %s hears its peer by a frame %llu us old", name,
				(unsigned long long)age);
	}
	if (n->links.peer_alive && n->peer_beat > before.peer_beat && age > us)
		world_fail(
			w, "P6.3: %s believes a frame %llu us old", name, (unsigned long long)age);
}

static void check_hello(struct world *w, const struct machine *m, const struct frame *frame)
{
	const struct session *s = m->node->handshake.session;
	bool derived = s[SESSION_CANDIDATE].valid &&
		       s[SESSION_CANDIDATE].made_at.us != before.candidate_made.us;

	if (s[SESSION_CURRENT].id != before.session)
		world_fail(w, "P4.2: %s changes its session by a hello", m->conf->node[m->id]);
	if (derived && frame->origin.sent_at < w->check.of[m->id].offer_at)
		world_fail(w, "P4.1: %s derives keys from a hello older than its offer",
			m->conf->node[m->id]);
}

static struct check_heard *heard_of(struct check_machine *c, uint32_t session)
{
	for (unsigned i = 0; i < CHECK_SESSIONS && i < c->n_sessions; i++) {
		if (c->sessions[i].session == session)
			return &c->sessions[i];
	}
	struct check_heard *heard = &c->sessions[c->n_sessions++ % CHECK_SESSIONS];

	*heard = (struct check_heard){ .session = session };
	return heard;
}

static void check_window(
	struct world *w, const struct machine *m, const struct frame *frame, unsigned path)
{
	struct check_heard *heard =
		heard_of(&w->check.of[m->id], (uint32_t)number_at(frame->bytes + 8, 4));
	uint64_t sequence = number_at(frame->bytes + 16, 8);

	if (sequence + REPLAY_WINDOW <= heard->highest[path])
		world_fail(w, "P2.2: %s accepts frame %llu after frame %llu", m->conf->node[m->id],
			(unsigned long long)sequence, (unsigned long long)heard->highest[path]);
	if (sequence > heard->highest[path])
		heard->highest[path] = sequence;
}

/* The beat is a body's first TLV, if it has one. */
static void check_news(struct world *w, const struct machine *m, const struct frame *frame)
{
	enum { VALUE_AT = WIRE_HEADER_LEN + 3, FLAGS_AT = VALUE_AT + 12 };
	const struct node *n = m->node;

	if (n->counter[COUNTER_DROP_MALFORMED] != before.malformed)
		return;
	if (n->peer_beat < before.peer_beat && n->counter[COUNTER_HANDSHAKES] == before.handshakes)
		world_fail(w, "P6.3: %s believes an overtaken beat", m->conf->node[m->id]);
	if (frame->len <= FLAGS_AT || frame->bytes[WIRE_HEADER_LEN] != WIRE_TLV_BEAT ||
		!(frame->bytes[FLAGS_AT] & WIRE_BEAT_PARTING))
		return;
	if (number_at(frame->bytes + VALUE_AT, 8) > before.peer_beat && n->links.peer_alive)
		world_fail(w, "P6.5: %s does not hear that its peer parts", m->conf->node[m->id]);
}

void check_frame_came(struct world *w, unsigned m, const struct frame *frame, unsigned path)
{
	const struct machine *machine = &w->machine[m];
	const struct origin *o = &frame->origin;

	if (!machine->engine || machine->engines != before.engine)
		return;
	if (machine->node->counter[COUNTER_DROP_RATE] != before.rate)
		w->check.flood_at = w->now;
	if (before.junk)
		check_junk(w, machine, frame);
	if (machine->node->counter[COUNTER_FRAMES_HEARD] == before.heard || o->serial == 0)
		return;
	if (is_a(frame, WIRE_FRAME_HELLO))
		check_hello(w, machine, frame);
	if (!is_a(frame, WIRE_FRAME_SESSION))
		return;
	*accepted(w, m, o->serial) = o->serial;
	check_window(w, machine, frame, path);
	check_news(w, machine, frame);
	if (w->check.of[m].heard[path] < o->sent_at)
		w->check.of[m].heard[path] = o->sent_at;
	check_liveness(w, machine, frame, path);
}
