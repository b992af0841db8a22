/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * index: which objects both kernels hold, and which of the two nodes owns each.
 *
 * Not a second copy of the tables: an entry is a fingerprint of the key (a tag of 32 bits, and the
 * chain it hangs in) and the three prints of the value, 24 bytes in all. Entries are taken one
 * after the other from memory that the caller gives, zeroed and touched only when used, so that
 * the index costs what is in it. So do the heads of the chains, one for each entry taken: with
 * every entry that is taken, one chain is split in two (linear hashing).
 *
 * Ownership changes hands entry by entry, or for all entries at once: index_adopt() is one
 * assignment, since an entry made or moved before it belongs to whoever adopted last.
 *
 * Digests: the entries of each owner are summed up in INDEX_BUCKETS numbers. Sums, so that they
 * follow each change at once and can be moved from one owner to the other.
 */
#ifndef NSRP_CORE_INDEX_H
#define NSRP_CORE_INDEX_H

#include "nsrp/object.h"
#include "siphash.h"

enum { INDEX_BUCKETS = 1024, INDEX_KINDS = 16 };

enum index_owner { INDEX_PEER, INDEX_OWN };

enum index_flag {
	INDEX_KIND = 0x0f,
	INDEX_FLAG_OWN = 0x10, /* the owner, as of `era` */
	INDEX_HELD = 0x40, /* own again by traffic: the kernel's timer may still be the hold's */
	INDEX_DEAD = 0x20, /* removed while a dump was under way: what that says is old */
	/* Of a shared kind. The peer's: this kernel knows it by itself, too; own: this kernel
	 * forgot it. */
	INDEX_LEARNT = 0x80,
	INDEX_FORGOTTEN = 0x80,
};

struct entry {
	uint32_t next; /* number of the next in the chain or free list; 0 ends it */
	uint32_t tag;  /* with tag_high, 48 bits of the key's hash */
	uint16_t tag_high;
	uint16_t state; /* prints: nsrp/object.h; of an SA its block of numbers */
	uint32_t base;
	/* Own: where in the channel it was last sent for an event of this kernel. Peer's: the
	 * generation in which the peer last spoke of it. The channel's numbers begin beyond all
	 * generations, so that one is never taken for the other. */
	uint32_t stamp;
	uint8_t rare;
	uint8_t flags; /* enum index_flag */
	uint8_t era;
	/* Of the dump since which it is known to be in the kernel; 0: the peer's, which is not to
	 * be there. */
	uint8_t pass;
};

struct index_sums {
	uint64_t sum[INDEX_BUCKETS];
	uint32_t entries;
};

struct index {
	struct siphash_key key;
	uint32_t capacity, used, free; /* entries 1..used were taken once; free: head of a list */
	uint32_t heads_max;
	uint32_t head_mask,
		split;       /* chains below `split` are split by one more bit than the mask */
	uint32_t *head;      /* borrowed */
	struct entry *entry; /* borrowed; entry[0] is never used */
	uint8_t era, eras;   /* the present one; how many came since all entries were last walked */
	enum index_owner era_owner; /* of what is older than `era` */
	uint32_t dead;
	uint32_t single; /* kinds, bit by number, of which all entries have this owner */
	enum index_owner single_owner;
	struct index_sums own[INDEX_KINDS], peer[INDEX_KINDS];
};

/* Bytes that an index of so many entries needs. */
size_t index_memory(uint32_t capacity);
/* `memory` is zeroed, aligned as malloc aligns, and borrowed for life. */
void index_init(
	struct index *ix, const uint8_t key[SIPHASH_KEY_LEN], uint32_t capacity, void *memory);
/* Forgets every entry. Touches all memory in use. */
void index_clear(struct index *ix);

/* The fingerprint of a key, 48 bits. */
uint64_t index_hash(const struct index *ix, uint8_t kind, struct span key);
unsigned index_bucket(uint64_t hash);
uint64_t index_hash_of(const struct entry *e);

/* Fetches into the processor's cache, all at once, what index_find() of these will read: in a large
 * index each one alone waits for memory several times. */
void index_expect(struct index *ix, const uint64_t *hash, unsigned n);
/* The entry, dead or alive; NULL if there is none. */
struct entry *index_find(struct index *ix, uint64_t hash, uint8_t kind);
/* Adds one that is not there, with stamp and pass 0; NULL when the index is full. */
struct entry *index_add(
	struct index *ix, uint64_t hash, const struct object *object, enum index_owner owner);
void index_remove(struct index *ix, struct entry *e);
/* Takes it out of the sums and keeps it as a dead one, until index_remove(). */
void index_kill(struct index *ix, struct entry *e);
/* A dead one lives again. */
void index_revive(
	struct index *ix, struct entry *e, const struct object *object, enum index_owner owner);

enum index_owner index_owner(const struct index *ix, const struct entry *e);
void index_set_owner(struct index *ix, struct entry *e, enum index_owner owner);
/* Everything belongs to `owner` from now on. */
void index_adopt(struct index *ix, enum index_owner owner);

/* Kinds of which all entries have one owner, whatever was said of each: INDEX_PEER at first. Before
 * there are any. */
void index_make_single(struct index *ix, uint32_t kinds);
/* They belong to `owner` from now on; index_adopt() does not touch them. */
void index_own_single(struct index *ix, enum index_owner owner);

/* True when what is known of the object's prints is what the entry has. */
bool index_same(const struct entry *e, const struct object *object);
/* Takes over what is known of the object's prints. */
void index_update(struct index *ix, struct entry *e, const struct object *object);

/* The SA's numbers are known to be in a later block than the object's. */
bool index_is_ahead(const struct entry *e, const struct object *sa);
/* Takes over the object's block, unless the one that is known is later. */
void index_advance(struct entry *e, const struct object *sa);

/* How many `owner` has, of all kinds. */
uint32_t index_entries(const struct index *ix, enum index_owner owner);

/* Walks all entries: visits up to `max` numbers from *at (1 at first), which is moved on; false
 * once all were visited. The visitor may remove the entry it is given, and no other. Brings
 * each entry's era up to date. */
bool index_walk(struct index *ix, uint32_t *at, unsigned max,
	void (*visit)(void *user, struct entry *e), void *user);

static inline uint8_t index_kind(const struct entry *e)
{
	return e->flags & INDEX_KIND;
}

static inline bool index_is_dead(const struct entry *e)
{
	return e->flags & INDEX_DEAD;
}

#endif
