/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ruleset_part: of what a ruleset consists.
 *
 * A ruleset has tables; a table has chains, objects, flowtables and sets by name; a chain has rules
 * in order, a set has elements. Each is an *item*: its attributes in document form and their hash.
 * All are owned by what they stand in.
 */
#ifndef NSRP_OBJECT_RULESET_PART_H
#define NSRP_OBJECT_RULESET_PART_H

#include "nsrp/ruleset.h"
#include "ruleset_walk.h"

struct ruleset_element {
	struct ruleset_hash key;  /* which element of the set it is */
	struct ruleset_hash hash; /* all of it, and the set's name */
	uint64_t expires_ms;      /* 0: never */
	uint32_t order;           /* in which it came: concatenated intervals are listed so */
	bool stray;               /* the end of an interval whose begin ran out: of no meaning */
	uint32_t len;
	uint8_t attributes[];
};

/* The elements of a set, by key. Zero-initialised = empty. */
struct ruleset_elements {
	size_t n, used, mask;          /* used: slots that are not empty */
	uint32_t order;                /* of the last one that was put */
	struct ruleset_element **slot; /* owned, as are the elements */
};

struct ruleset_item;

/* Rows of items, found by key; in the kernel's order. Zero-initialised = empty. */
struct ruleset_row {
	unsigned n, max;
	struct ruleset_item **at; /* owned, as are the items */
	size_t mask;
	uint32_t *slot; /* index + 1 into `at`, by the key's hash */
};

struct ruleset_chain {
	bool anonymous, base;
	uint32_t id;                 /* in the batch that is being made */
	struct ruleset_hash content; /* of all of its rules */
	unsigned rank; /* of anonymous ones: those that its rules lead to have a lower one */
	struct ruleset_row rules; /* without keys */
};

struct ruleset_set {
	bool anonymous; /* it goes with the rule that uses it */
	bool map, intervals, concatenated, live;
	bool verdicts; /* its elements may lead to chains */
	bool local;    /* its elements are this node's own: in no document and no sum */
	bool unread;   /* its elements have yet to be read from the kernel */
	bool kept;     /* in a patch: its elements are those that it has, with `content` */
	bool paired;   /* which ends are strays is known; else something changed since */
	size_t strays;
	uint32_t flags;  /* enum nft_set_flags */
	uint32_t number; /* 1 + what the kernel, or a batch, numbered it with; 0: it has a name */
	uint64_t timeout_ms;         /* of elements that have none of their own; 0 = none */
	uint32_t id;                 /* in the batch that is being made */
	struct ruleset_hash content; /* the sum over the elements */
	struct ruleset_hash seed;    /* of its elements' hashes */
	struct ruleset_parts key, data;
	struct ruleset_elements elements;
	/* Since the last document was written: what `content` was then, and the elements that came
	 * and went, as struct ruleset_change. */
	bool has_mark, lost; /* lost: the journal is not complete */
	struct ruleset_hash marked;
	struct ruleset_room journal;
	/* While the set is looked through: what was there before. */
	bool looking;
	struct ruleset_elements before;
};

/* An element that came, changed or went since the last document was written; behind it, padded to
 * four bytes, what tells which one went. */
struct ruleset_change {
	struct ruleset_hash key;
	uint32_t gone_len; /* 0: it is there */
	uint32_t reserved;
};

struct ruleset_table {
	uint8_t family;
	bool dirty;                   /* the kernel said that it changed, in more than elements */
	bool anew;                    /* the kernel's sets are in no state to be changed */
	bool complete;                /* nothing more is taken from dumps */
	bool partial;                 /* in a patch: only what of some sets changed */
	struct ruleset_hash sum;      /* over all in it but the elements of sets with names */
	struct ruleset_hash elements; /* over those, live ones left out */
	bool has_mark;
	struct ruleset_hash marked; /* what `sum` was when the last document was written */
	struct ruleset_row chains, objects, flowtables, sets;
};

struct ruleset_item {
	enum ruleset_type type;
	const char *key;  /* name, with a character before it where names alone are not unique */
	const char *name; /* as the kernel has it; "" = none */
	uint64_t handle;  /* this kernel's own; 0 in what was decoded */
	struct ruleset_hash hash;
	struct span attributes;
	union { /* owned, by type; NULL = none */
		struct ruleset_table *table;
		struct ruleset_chain *chain;
		struct ruleset_set *set;
	};
};

struct ruleset {
	const struct ruleset_host *host; /* borrowed */
	struct ruleset_row tables;
	bool patch;               /* of what was decoded: only what changed */
	struct ruleset_hash sum;  /* over all tables */
	struct ruleset_hash live; /* what counts of the live elements */
	uint64_t refreshed;       /* how often a live element got more time, and was told again */
	bool live_changed;        /* live elements were written since the last document */
	struct ruleset_row gone;  /* tables that are gone since then; of a patch: to be removed */
	unsigned n_names;         /* logical names that a decoded document uses */
	char name[CONF_INTERFACES_MAX][CONF_NAME_MAX];
};

/* A copy of `attributes`; prefix 0 = none. `attributes` may lack bytes: then they are the caller's
 * to write. NULL: no memory. */
struct ruleset_item *ruleset_item_new(
	enum ruleset_type type, char prefix, const char *name, struct span attributes);
void ruleset_item_free(struct ruleset_item *item);

/* Takes the item over also when it fails: -ENOMEM, -EEXIST. */
int ruleset_row_add(struct ruleset_row *row, struct ruleset_item *item);
struct ruleset_item *ruleset_row_find(const struct ruleset_row *row, const char *key);
/* Puts it in the place of the one with the same key, which is freed; or adds it. Takes it over also
 * when it fails: -ENOMEM. */
int ruleset_row_replace(struct ruleset_row *row, struct ruleset_item *item);
void ruleset_row_free(struct ruleset_row *row);

struct ruleset_element *ruleset_elements_find(
	const struct ruleset_elements *e, struct ruleset_hash key);
/* Takes the element over, in place of one with the same key, which is returned in *ret_old, or
 * NULL. -ENOMEM: not taken over. */
int ruleset_elements_put(struct ruleset_elements *e, struct ruleset_element *element,
	struct ruleset_element **ret_old);
/* The element, now the caller's; NULL = there is none. */
struct ruleset_element *ruleset_elements_take(struct ruleset_elements *e, struct ruleset_hash key);
void ruleset_elements_free(struct ruleset_elements *e);
/* All of them in the order in which they came, and NULL behind them: the caller's to free. NULL: no
 * memory. */
struct ruleset_element **ruleset_elements_list(const struct ruleset_elements *e);
/* Walks: *at begins at 0; NULL at the end. */
struct ruleset_element *ruleset_elements_next(const struct ruleset_elements *e, size_t *at);

/* The first attribute of that type in a row; data NULL = there is none. */
struct attr;
bool ruleset_find_attr(struct span attributes, uint16_t type, struct attr *ret);
uint32_t ruleset_attr_u32(struct span attributes, uint16_t type, uint32_t absent);
uint64_t ruleset_attr_u64(struct span attributes, uint16_t type, uint64_t absent);

/* Makes what goes with an item by its type, from what its attributes say. `table`: in which it
 * stands; NULL for a table. 0, -EBADMSG, -ENOMEM. */
int ruleset_item_describe(const struct ruleset_host *host, const struct ruleset_item *table,
	uint8_t family, struct ruleset_item *item);

/* An element from attributes in the document's form, without expiry: *ret is the caller's. */
int ruleset_element_new(const struct ruleset_set *set, struct span attributes, uint64_t expires_ms,
	struct ruleset_element **ret);
/* Puts it into the set of that table, and keeps the sums. Takes it over also when it fails:
 * -ENOMEM. */
int ruleset_set_put(struct ruleset *rs, struct ruleset_table *table, struct ruleset_set *set,
	struct ruleset_element *element);
/* Takes the element out and frees it; false: there is none. */
bool ruleset_set_drop(struct ruleset *rs, struct ruleset_table *table, struct ruleset_set *set,
	struct ruleset_hash key);
/* Likewise, without a word to anybody: its time is up. */
void ruleset_set_forget(struct ruleset_set *set, struct ruleset_hash key);
/* Notes that it came or changed, or that it is gone. */
void ruleset_set_note(struct ruleset *rs, struct ruleset_set *set,
	const struct ruleset_element *element, bool gone);
/* In the order in which the kernel takes elements of that set. */
void ruleset_sort_elements(
	const struct ruleset_set *set, struct ruleset_element **element, size_t n);
/* Finds the strays. One that has a begin again is noted as a change. */
void ruleset_find_strays(struct ruleset *rs, struct ruleset_set *set);
/* Which element of a set those attributes tell. */
struct ruleset_hash ruleset_element_key(struct span attributes);

/* Makes an item and what goes with it: 0 and *ret, the caller's; -EBADMSG, -ENOMEM. */
int ruleset_make_item(const struct ruleset_host *host, enum ruleset_type type, uint8_t family,
	const char *name, const struct ruleset_item *table, struct span attributes,
	struct ruleset_item **ret);
/* NULL = there is none. */
struct ruleset_item *ruleset_find_table(const struct ruleset *rs, uint8_t family, const char *name);
/* In which row of a table items of that type (chain, object, flowtable, set) stand. */
struct ruleset_row *ruleset_row_of(struct ruleset_table *table, enum ruleset_type type);

/* The name of a set with a number; "" when it has none. */
enum { RULESET_NUMBERED_LEN = 24 };
void ruleset_set_name(const struct ruleset_set *set, char name[RULESET_NUMBERED_LEN]);

/* Whether `ruleset-local` names that table (set NULL), or a set's contents. */
bool ruleset_is_local(const struct conf *conf, uint8_t family, const char *table, const char *set);

/* For struct ruleset_walk: user is the table's item. */
bool ruleset_find_ref(
	const void *user, enum ruleset_act act, const char *name, struct ruleset_ref *ret);

#endif
