/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nat.h"

#include <string.h>

#include "nat_part.h"

/* What is known of the packets that come to a place in the ruleset. */
struct sight {
	struct nat_bits mark[NAT_MARKS];
	bool own;     /* as in struct nat_translation */
	bool is_host; /* they have one source address */
};

struct visit {
	struct ruleset_chain chain;
	struct sight sight;
};

struct walk {
	const json_t *list; /* all objects of the ruleset */
	const struct conf_mirror *mirror;
	struct nat *nat;
	unsigned n_visits;
	struct visit visit[NAT_VISITS_MAX];
};

/* False: nothing that comes here has such a mark. */
static bool see_mark(struct sight *s, enum nat_mark mark, struct nat_bits bits)
{
	struct nat_bits *known = &s->mark[mark];

	if ((known->value ^ bits.value) & known->mask & bits.mask)
		return false;
	known->value |= bits.value & bits.mask;
	known->mask |= bits.mask;
	return true;
}

/* What it means for a packet that `key` is `value`; false: that cannot be. */
static bool see(struct sight *s, const json_t *key, const json_t *value)
{
	enum nat_mark mark;
	struct nat_bits bits;

	if (nat_part_is_source(key) && json_is_string(value))
		s->is_host = true;
	if (!nat_part_mark(key, &mark, &bits.mask) || !nat_part_bits(value, &bits))
		return true;
	return see_mark(s, mark, bits);
}

static void go_to(struct walk *w, const struct ruleset_chain *from, const json_t *verdict,
	const struct sight *sight)
{
	const json_t *jump = json_object_get(verdict, "jump");
	const char *target = json_string_value(
		json_object_get(jump ? jump : json_object_get(verdict, "goto"), "target"));

	if (!target)
		return;
	if (w->n_visits == NAT_VISITS_MAX) {
		w->nat->cut = true;
		return;
	}
	w->visit[w->n_visits++] = (struct visit){
		.chain = { from->family, from->table, target },
		.sight = *sight,
	};
}

static void add(struct walk *w, const struct ruleset_chain *chain, const struct sight *sight,
	const json_t *address, const json_t *port)
{
	struct nat *nat = w->nat;
	struct nat_translation t = { .own = sight->own };

	if (sight->is_host || !nat_part_address(address, &t) || !nat_part_ports(port, &t))
		return;
	if (nat->n == NAT_TRANSLATIONS_MAX) {
		nat->cut = true;
		return;
	}
	memcpy(t.mark, sight->mark, sizeof(t.mark));
	nat_part_where(chain, t.where);
	nat->translation[nat->n++] = t;
}

/* The elements of a map: their array, or NULL. */
static const json_t *elements(
	struct walk *w, const struct ruleset_chain *chain, const json_t *map, struct sight *sight)
{
	const json_t *data = json_object_get(map, "data");
	const char *name = json_string_value(data);

	if (!name || name[0] != '@')
		return json_object_get(data, "set");
	sight->own =
		sight->own || nat_part_is_own(w->mirror, chain->family, chain->table, name + 1);
	return json_object_get(nat_part_find_map(w->list, chain, name + 1), "elem");
}

/* snat to what a map says: an address, perhaps with ports; or ports alone, of `address`. */
static void add_mapped(struct walk *w, const struct ruleset_chain *chain, struct sight sight,
	const json_t *map, const json_t *address, const json_t *port)
{
	const json_t *key = json_object_get(map, "key"), *element;
	const json_t *all = elements(w, chain, map, &sight);
	size_t i;

	json_array_foreach(all, i, element)
	{
		const json_t *value = json_array_get(element, 1);
		const json_t *both = json_object_get(value, "concat");
		const json_t *to = both ? json_array_get(both, 0) : value;
		struct sight seen = sight;

		if (!to || !see(&seen, key, nat_part_element(json_array_get(element, 0))))
			continue;
		if (address)
			add(w, chain, &seen, address, value);
		else
			add(w, chain, &seen, to, both ? json_array_get(both, 1) : port);
	}
}

static void snat(struct walk *w, const struct ruleset_chain *chain, const struct sight *sight,
	const json_t *statement)
{
	const json_t *address = json_object_get(statement, "addr");
	const json_t *port = json_object_get(statement, "port");
	const json_t *addresses = json_object_get(address, "map");
	const json_t *ports = json_object_get(port, "map");

	if (!address || nat_part_has_word(json_object_get(statement, "type_flags"), "prefix") ||
		nat_part_has_word(json_object_get(statement, "flags"), "netmap"))
		return; /* each keeps an address, or gets one, of its own */
	if (addresses)
		add_mapped(w, chain, *sight, addresses, NULL, ports ? NULL : port);
	else if (ports)
		add_mapped(w, chain, *sight, ports, address, NULL);
	else
		add(w, chain, sight, address, port);
}

static void verdict_map(
	struct walk *w, const struct ruleset_chain *chain, struct sight sight, const json_t *map)
{
	const json_t *key = json_object_get(map, "key"), *element;
	const json_t *all = elements(w, chain, map, &sight);
	size_t i;

	json_array_foreach(all, i, element)
	{
		struct sight seen = sight;

		if (see(&seen, key, nat_part_element(json_array_get(element, 0))))
			go_to(w, chain, json_array_get(element, 1), &seen);
	}
}

static void read_rule(struct walk *w, const struct visit *visit, const json_t *rule)
{
	const json_t *statements = json_object_get(rule, "expr"), *statement;
	const struct ruleset_chain *chain = &visit->chain;
	struct sight sight = visit->sight;
	size_t i;

	json_array_foreach(statements, i, statement)
	{
		const json_t *match = json_object_get(statement, "match");
		const json_t *map = json_object_get(statement, "vmap");
		const char *op = json_string_value(json_object_get(match, "op"));

		if (op && strcmp(op, "==") == 0 &&
			!see(&sight, json_object_get(match, "left"),
				json_object_get(match, "right")))
			return;
		if (map)
			verdict_map(w, chain, sight, map);
		go_to(w, chain, statement, &sight);
		if (json_object_get(statement, "snat"))
			snat(w, chain, &sight, json_object_get(statement, "snat"));
		if (json_object_get(statement, "masquerade"))
			add(w, chain, &sight, NULL,
				json_object_get(json_object_get(statement, "masquerade"), "port"));
		if (json_object_get(statement, "xt"))
			w->nat->foreign = true;
	}
}

static void read_chain(struct walk *w, const struct visit *visit)
{
	const json_t *object;
	size_t i;

	json_array_foreach(w->list, i, object)
	{
		const json_t *rule = json_object_get(object, "rule");

		if (rule && nat_part_is_in(rule, &visit->chain))
			read_rule(w, visit, rule);
	}
}

/* Where the kernel begins: base chains in which source addresses are translated. */
static void find_chains(struct walk *w)
{
	const json_t *object;
	size_t i;

	json_array_foreach(w->list, i, object)
	{
		const json_t *chain = json_object_get(object, "chain");
		const char *type = json_string_value(json_object_get(chain, "type"));
		const char *hook = json_string_value(json_object_get(chain, "hook"));
		struct visit v = { .chain.family = NULL };

		if (!type || !hook || strcmp(type, "nat") != 0 ||
			strcmp(hook, "postrouting") != 0 || !nat_part_chain(chain, &v.chain))
			continue;
		v.sight.own = nat_part_is_own(w->mirror, v.chain.family, v.chain.table, NULL);
		if (w->n_visits < NAT_VISITS_MAX)
			w->visit[w->n_visits++] = v;
		else
			w->nat->cut = true;
	}
}

void nat_read(const json_t *ruleset, const struct conf_mirror *mirror, struct nat *ret)
{
	struct walk w = {
		.list = json_object_get(ruleset, "nftables"),
		.mirror = mirror,
		.nat = ret,
	};
	uint32_t own_bits[NAT_MARKS];

	*ret = (struct nat){ .n = 0 };
	find_chains(&w);
	for (unsigned i = 0; i < w.n_visits; i++)
		read_chain(&w, &w.visit[i]);
	nat_part_own_bits(w.list, mirror, own_bits);
	for (unsigned i = 0; i < ret->n; i++) {
		for (unsigned m = 0; m < NAT_MARKS; m++)
			ret->translation[i].mark[m].mask &= own_bits[m];
	}
}

static bool tells_nodes_apart(const struct nat_translation *t)
{
	return t->mark[NAT_MARK_PACKET].mask != 0 || t->mark[NAT_MARK_SESSION].mask != 0;
}

bool nat_is_ambiguous(const struct nat_translation *t)
{
	if (t->own) /* the other node's is not known here: its ports may be others */
		return t->first_port == 0 && t->last_port == UINT16_MAX;
	return !tells_nodes_apart(t);
}

static bool are_for_one_node(const struct nat_translation *a, const struct nat_translation *b)
{
	for (unsigned m = 0; m < NAT_MARKS; m++) {
		if ((a->mark[m].value ^ b->mark[m].value) & a->mark[m].mask & b->mark[m].mask)
			return false;
	}
	return true;
}

bool nat_overlap(const struct nat_translation *a, const struct nat_translation *b)
{
	return !a->own && !b->own && !are_for_one_node(a, b) &&
	       a->first.family == b->first.family && a->first_port <= b->last_port &&
	       b->first_port <= a->last_port &&
	       memcmp(a->first.bytes, b->last.bytes, sizeof(a->first.bytes)) <= 0 &&
	       memcmp(b->first.bytes, a->last.bytes, sizeof(b->first.bytes)) <= 0;
}
