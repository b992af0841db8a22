/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ruleset: the nftables rules of one kernel as a value, and what makes another kernel have them.
 *
 * Read from the kernel's dump messages, or from the bytes of a *document*. All of it is in
 * document form: attributes as the kernel dumped them, without what is the kernel's own (handles,
 * use counts), interfaces by their logical names where the configuration has such, iif and oif by
 * name. Tables that belong to a program that holds them, and those of `ruleset-local`, are not in
 * it, nor is what sets of `ruleset-local` hold.
 *
 * The digest is a sum over items, so that elements come and go at the price of one hash each. State
 * (counters, used quotas, expiry) is no difference. Elements of sets that the packet path writes,
 * or with timeouts, are *live*: they come and go by themselves on each node, and what counts of
 * them is what was last written on purpose (ruleset_live.c in src/object says how).
 *
 * No sockets: src/io/nft.h has them. Times are milliseconds of one steady clock.
 */
#ifndef NSRP_RULESET_H
#define NSRP_RULESET_H

#include "nsrp/base.h"
#include "nsrp/conf.h"

struct nlmsghdr;
struct ruleset;

enum {
	RULESET_DIGEST_LEN = 16,
	RULESET_WHY_LEN = 240,   /* one line of reason, with the final NUL */
	RULESET_PLACE_LEN = 512, /* likewise, of what a message is */
	RULESET_NAME_MAX = 256,  /* of a table, chain or set, with the final NUL */
};

/* What must be known of this host. Borrowed as long as the ruleset lives. */
struct ruleset_host {
	const struct conf *conf;
	/* The interface of that index now: true and its name. */
	bool (*name_of)(uint32_t index, char ret_name[CONF_DEVICE_MAX]);
	/* Its index now, or 0. */
	uint32_t (*index_of)(const char *name);
};

/* NULL: no memory. Empty. */
struct ruleset *ruleset_new(const struct ruleset_host *host);
void ruleset_free(struct ruleset *rs); /* NULL is allowed */

/*
 * Reading a kernel: tables, then ruleset_adopt_tables(), then chains, objects, flowtables, sets and
 * rules of those that ruleset_next_table() names, ruleset_adopt_elements(), elements of those that
 * ruleset_next_unread() names, ruleset_adopt_gone(), ruleset_finish().
 */

/* A message of a dump. 0; -ENOMSG: nothing that is mirrored; -EBADMSG, -ENOENT: malformed, or what
 * it belongs to was not there; -ENOMEM. */
int ruleset_take(struct ruleset *rs, const struct nlmsghdr *nlh, uint64_t now_ms);

/* Takes over what of an older reading still holds; `old` is only good to be freed then. */
void ruleset_adopt_tables(struct ruleset *rs, struct ruleset *old);
void ruleset_adopt_elements(struct ruleset *rs, struct ruleset *old);
int ruleset_adopt_gone(struct ruleset *rs, struct ruleset *old);

struct ruleset_cursor {
	unsigned table, set;
};
/* Borrowed until the ruleset changes. */
struct ruleset_place {
	uint8_t family;
	const char *table, *set;
};
/* The tables, and the sets, that are yet to be read; false at the end. *at begins zeroed. */
bool ruleset_next_table(
	const struct ruleset *rs, struct ruleset_cursor *at, struct ruleset_place *ret);
bool ruleset_next_unread(struct ruleset *rs, struct ruleset_cursor *at, struct ruleset_place *ret);

/* All that was announced is there: 0, or -EBADMSG, -ENOENT, -ENOMEM. */
int ruleset_finish(struct ruleset *rs);

/* What an event says. */
enum ruleset_news {
	RULESET_NEWS_NONE,       /* nothing that is mirrored */
	RULESET_NEWS_ELEMENTS,   /* elements, which the ruleset has now */
	RULESET_NEWS_TABLES,     /* the ruleset is to be read anew */
	RULESET_NEWS_GENERATION, /* that was all of one transaction */
	RULESET_NEWS_LOST,       /* likewise, as there was no memory or no sense in it */
};
enum ruleset_news ruleset_heard(struct ruleset *rs, const struct nlmsghdr *nlh, uint64_t now_ms);

/* What ran out of time goes, and of an interval both ends. */
void ruleset_expire(struct ruleset *rs, uint64_t now_ms);
/* What counts of the live elements is what they are now, if they were written since the last time.
 */
void ruleset_stamp(struct ruleset *rs);
/* It is what the peer says, whose document was just taken over. */
void ruleset_take_stamp(struct ruleset *rs, const struct ruleset *from);
/* The sets that the packet path may write; as ruleset_next_table(). Each is looked through: begin,
 * the messages of a dump of its elements to ruleset_take(), end; `whole`: the dump came to its end,
 * else nothing was seen. */
bool ruleset_next_written(struct ruleset *rs, struct ruleset_cursor *at, struct ruleset_place *ret);
/* Likewise, those of which what the kernel told since is not all: an interval ran out in them. */
bool ruleset_next_unsure(struct ruleset *rs, struct ruleset_cursor *at, struct ruleset_place *ret);
void ruleset_look_begin(struct ruleset *rs, const struct ruleset_place *place);
void ruleset_look_end(struct ruleset *rs, const struct ruleset_place *place, bool whole);

/*
 * The document, or what changed since ruleset_mark() was called last: a patch. *ret is the caller's
 * to free. 0 or -ENOMEM.
 */
int ruleset_encode(const struct ruleset *rs, uint64_t now_ms, uint8_t **ret, size_t *ret_len);
int ruleset_encode_patch(const struct ruleset *rs, uint64_t now_ms, uint8_t **ret, size_t *ret_len);
void ruleset_mark(struct ruleset *rs);

/* Either of them, from another node. 0 and *ret; -EBADMSG: malformed; -EPROTO: from a machine of
 * another byte order; -ENOMEM. */
int ruleset_decode(
	const struct ruleset_host *host, struct span bytes, uint64_t now_ms, struct ruleset **ret);
bool ruleset_is_patch(const struct ruleset *rs);

/*
 * The messages, NFT_MSG_*, that make of `own`, as it was read from the kernel, what is wanted: what
 * was decoded, whole or patch. Both stay borrowed by the batch. *ret is the caller's; NULL: no
 * memory. 0; otherwise it goes as far as the message at which it failed, and `why` says what stands
 * in the way: -ENODEV: an interface that is not known here; -EPERM: it would leave nothing that
 * filters; -ESTALE: a patch of something else than `own`; -EBADMSG: malformed; -ENOMEM.
 */
struct ruleset_batch;
int ruleset_plan(const struct ruleset *own, const struct ruleset *wanted, uint64_t now_ms,
	struct ruleset_batch **ret, char why[RULESET_WHY_LEN]);
void ruleset_batch_free(struct ruleset_batch *b); /* NULL is allowed */
/* They lie behind each other, with sequence numbers from 1 to the count. */
struct span ruleset_batch_bytes(const struct ruleset_batch *b);
uint32_t ruleset_batch_count(const struct ruleset_batch *b);
/* The kernel took the batch, and its events were not heard: the tables of `own` that it is about,
 * and all that their sets hold, are to be read anew. */
void ruleset_touch(struct ruleset *own, const struct ruleset_batch *b);
/* In words, of what that message is, "" = of all; `offset` of a byte in it that is wrong, or 0. */
void ruleset_batch_say(
	const struct ruleset_batch *b, uint32_t seq, uint32_t offset, char text[RULESET_PLACE_LEN]);
/* As nft(8) has it. */
const char *ruleset_family_name(uint8_t family);
/* Where that is. chain NULL: it is no rule. Borrowed from the rulesets. */
struct ruleset_found {
	uint8_t family;
	const char *table, *chain;
	uint32_t rule; /* from 0 */
};
bool ruleset_batch_find(const struct ruleset_batch *b, uint32_t seq, struct ruleset_found *ret);
/* The messages that make that rule of what is wanted, alone in a chain that no packet meets, and
 * what it refers to, in a kernel that has nothing; sets with names are empty. `host` stays
 * borrowed, as above. 0 and *ret, the caller's; -ENOENT: there is no such rule; or as
 * ruleset_plan(). */
int ruleset_plan_rule(const struct ruleset *wanted, const struct ruleset_found *of,
	const struct ruleset_host *host, struct ruleset_batch **ret);
/* The kernel refused that message with `error`, negative. Whether the next try may go another way:
 * elements run out, and packets take them, between a reading and a commit. `own` notes what it is
 * to be read again, or, in a table where intervals run out, that it is to be made anew. */
bool ruleset_raced(struct ruleset *own, const struct ruleset_batch *b, uint32_t seq, int error);

void ruleset_digest(const struct ruleset *rs, uint8_t digest[RULESET_DIGEST_LEN]);
/* Of all but the live elements. */
void ruleset_digest_lasting(const struct ruleset *rs, uint8_t digest[RULESET_DIGEST_LEN]);
bool ruleset_has_base_chain(const struct ruleset *rs);

#endif
