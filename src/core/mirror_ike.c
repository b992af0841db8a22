/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SAs that an IKE daemon on this node installs, too.
 *
 * Two daemons of a pair that share their IKE SAs both install what is negotiated; the one that
 * finds an SA in its kernel already, this program's copy, takes that for a failure, and forgets the
 * tunnel. So where the configuration says that there is such a daemon (`ike-wait`), an unknown SA
 * that the peer tells of is left to it for a while. What it installs is the peer's, is held, and
 * follows the peer's numbers; what it did not install in time is asked for, and copied.
 */
#include "mirror.h"

#include "state.h"

static bool has_time(const struct node *n)
{
	return n->conf->mirror.ike_wait_ms > 0 && !mirror_owns_ipsec(n->mirror);
}

static struct mirror_left *find(struct mirror *m, uint64_t hash)
{
	for (unsigned i = 0; i < m->ike.n; i++)
		if (m->ike.left[i].hash == hash)
			return &m->ike.left[i];
	return NULL;
}

static void take_out(struct mirror *m, struct mirror_left *left)
{
	*left = m->ike.left[--m->ike.n];
}

bool mirror_ike_has(struct mirror *m, uint64_t hash)
{
	return find(m, hash) != NULL;
}

void mirror_ike_over(struct mirror *m, uint64_t hash)
{
	struct mirror_left *left = find(m, hash);

	if (left != NULL)
		take_out(m, left);
}

bool mirror_ike_leaves(struct node *n, mono_t now, uint64_t hash, uint8_t kind)
{
	struct mirror *m = n->mirror;

	if (kind != OBJECT_SA || !has_time(n))
		return false;
	if (mirror_ike_has(m, hash))
		return true;
	if (m->ike.n == MIRROR_LEFT_MAX)
		mirror_ask_bucket(m, index_bucket(hash));
	else
		m->ike.left[m->ike.n++] = (struct mirror_left){
			.hash = hash,
			.until = mono_after_ms(now, n->conf->mirror.ike_wait_ms),
		};
	return true;
}

void mirror_ike_installed(struct node *n, uint64_t hash, const struct object *o)
{
	struct mirror *m = n->mirror;

	if (o->kind != OBJECT_SA || o->op != OBJECT_WHOLE || !has_time(n))
		return;
	mirror_ike_over(m, hash);
	mirror_found_unowned(n, hash, o);
}

void mirror_ike_settle(struct node *n, mono_t now)
{
	struct mirror *m = n->mirror;

	if (!has_time(n))
		m->ike.n = 0;
	for (unsigned i = m->ike.n; i-- > 0;) {
		if (!mono_reached(m->ike.left[i].until, now))
			continue;
		mirror_ask_bucket(m, index_bucket(m->ike.left[i].hash));
		m->ask_due = now;
		take_out(m, &m->ike.left[i]);
	}
}

mono_t mirror_ike_deadline(const struct mirror *m, mono_t now)
{
	mono_t at = MONO_NEVER;

	for (unsigned i = 0; i < m->ike.n; i++)
		at = mirror_sooner(at, m->ike.left[i].until, now);
	return at;
}
