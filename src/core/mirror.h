/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mirror: each node's kernel holds what the other's has (section 10 of doc/PROTOCOL.md).
 *
 * What this kernel says of its objects is compared with the index and sent; what the peer says is
 * given to this kernel, at once: at a takeover there is nothing left to commit. Every object has
 * one owner, the node whose kernel last said something of it, and only its owner sends it.
 *
 * A *pass* walks this kernel's whole table, in steps: it finds what events missed, and does on the
 * way what was asked for: send all (resync) or some buckets (repair), offer, sweep, settle, loosen,
 * renew.
 *
 * One file for each part: mirror.c the channel and resync; mirror_role.c what follows from who is
 * master; mirror_sync.c what this node lacks and asks for; mirror_wire.c frames sent;
 * mirror_deliver.c frames heard; mirror_local.c what this kernel says of objects, mirror_remote.c
 * what the peer says; mirror_pass.c passes, mirror_found.c what they find; mirror_verify.c what
 * came of them; mirror_ipsec.c who is to send by IPsec, mirror_ike.c what is left to an IKE daemon.
 */
#ifndef NSRP_CORE_MIRROR_H
#define NSRP_CORE_MIRROR_H

#include "nsrp/node.h"
#include "channel.h"
#include "index.h"
#include "record.h"

/* Of how many groups a node is master. */
enum mirror_role { MIRROR_IDLE, MIRROR_SHARED, MIRROR_SOLE };

enum mirror_sending {
	SENDING_DOWN,   /* no channel, or it broke: nothing is sent */
	SENDING_START,  /* a new epoch: what the peer needs is not decided yet */
	SENDING_OFFERS, /* a former master: what it made while the peer was lost */
	SENDING_RESYNC, /* all that this node owns */
	SENDING_EVENTS, /* the peer has all: events only */
};

enum {
	MIRROR_SETTLE_AFTER_MS = 2000, /* from a takeover: traffic comes first */
	MIRROR_LAG_MAX_MS = 1000,      /* more is not in sync */
	MIRROR_LEFT_MAX = 256,         /* of further ones the peer is asked again */
};

/* What a frame of records needs beside them. */
enum { MIRROR_FRAME_OVERHEAD = WIRE_HEADER_LEN + CRYPTO_TAG_LEN + 3 + WIRE_DATA_LEN };

enum mirror_want {
	WANT_RESYNC = 0x01,  /* send all own objects */
	WANT_BUCKETS = 0x02, /* those of send_buckets */
	WANT_OFFERS = 0x04,
	WANT_SWEEP = 0x08, /* remove the peer's that it has no more */
	WANT_SETTLE = 0x10,
	WANT_LOOSEN = 0x20,
	WANT_RENEW = 0x40, /* this kernel forgets what it saw of the peer's */
	WANT_IPSEC = 0x80, /* a pass of its own, through SAs and policies alone */
};

/* What this node does with SAs and policies. */
enum mirror_ipsec {
	IPSEC_UNDECIDED, /* it has just started: nothing */
	IPSEC_HOLDS,
	IPSEC_SENDS,
	IPSEC_LETS_GO, /* they are not mirrored any more: what is held is settled, and left alone */
};

/* An SA that an IKE daemon on this node is to install. */
struct mirror_left {
	uint64_t hash;
	mono_t until;
};

struct mirror_pass {
	bool running;
	bool dumping;   /* a step of the dump was asked for */
	bool dumped;    /* all kinds are through; the index is being walked */
	uint8_t number; /* of this pass, or the last one */
	uint8_t kind;   /* being dumped */
	uint32_t kinds; /* that are dumped, bit by number */
	unsigned wants; /* enum mirror_want */
	uint32_t walk_at;
	uint32_t sent, seen, differed;      /* objects */
	uint8_t buckets[RECORD_BITMAP_LEN]; /* that a resync or repair sends */
	mono_t since;
};

struct mirror {
	bool on;        /* by configuration: there is any of the kinds */
	uint32_t kinds; /* likewise; bit by number */
	enum mirror_role role;
	bool up;       /* the peer is known: there is a channel to it */
	bool learned;  /* a pass ended since the start */
	unsigned path; /* that frames go by */
	bool has_path;
	mono_t up_since;

	/* Sending. */
	enum mirror_sending sending;
	mono_t start_at;     /* not before this */
	bool offers_heard;   /* in this epoch of the peer's */
	bool met_master;     /* there are two masters, and this node may stay one */
	bool is_stale;       /* this kernel judges sessions by windows that it saw long ago */
	uint32_t untold;     /* own objects of this stamp or a later one: the peer may not know */
	uint32_t adopted_at; /* number under which the last adoption travels */
	uint32_t generation; /* of the last resync or repair sent */
	uint8_t send_buckets[RECORD_BITMAP_LEN]; /* by the next repair */
	mono_t adopt_due;                        /* say it again then; MONO_NEVER */
	mono_t resync_since;

	/* Receiving. */
	bool same_hash; /* both nodes hash under one key: hashes can be compared */
	bool fresh;     /* since the start neither master nor complete */
	bool keeps;     /* since the start it had all once: a peer that starts has less */
	bool complete;  /* a full resync of the present epoch came to its end */
	bool receiving;
	uint32_t heard_generation;                /* the peer's number of it */
	uint32_t stamp;                           /* ours: entries that it confirmed carry it */
	bool peer_restarted;                      /* and what it lost is not sorted out yet */
	uint8_t sweep_buckets[RECORD_BITMAP_LEN]; /* of the resync or repair that is received */
	uint16_t sweep_kinds;                     /* that it came to the end of; bit by number */
	uint32_t confirmed;                       /* objects that carry it */
	uint32_t received;
	mono_t receiving_since;
	mono_t bulk_at;    /* a step that delivered bulk began then; MONO_NEVER: the last did not */
	uint32_t bulk_us;  /* that such steps took since the last rest */
	mono_t rest_until; /* nothing is delivered before */
	uint8_t ask_buckets[RECORD_BITMAP_LEN]; /* found different: the peer is asked for them */
	bool ask;
	mono_t ask_due, asked_for_all_at;
	uint32_t ask_ms;                /* until it may ask again; 0: the last time all was equal */
	uint32_t heard[CHANNEL_WINDOW]; /* with frames that wait: struct mirror_delivery's */
	struct {                        /* what the peer's beat says of its half */
		uint32_t epoch;
		uint16_t lag_ms;
		bool broken, keeps, known;
	} peer;
	bool waited;          /* in sync only since the sync wait is over */
	mono_t lacking_since; /* not in sync; MONO_NEVER */

	/* Passes. */
	struct mirror_pass pass;
	unsigned wants;
	bool audit_now;
	bool rest;       /* a dump failed: not before pass_after */
	uint16_t unread; /* kinds of which the last one did; bit by number */
	mono_t audit_due, settle_due, renew_due, pass_after, down_since;

	struct {
		enum mirror_ipsec now, aim; /* aim: of the last pass for them */
		bool done;                  /* a pass has seen to it since it was decided */
		bool leap, leaping; /* two masters met: numbers jump by the next, by this pass */
		bool unread;        /* the last pass for them failed: others come before the next */
		uint32_t
			leapt_at; /* number behind the last leap; the peer may not know of it yet */
		mono_t numbers_at; /* an SA's replay state was last told, by either; MONO_NEVER */
	} ipsec;
	struct {
		unsigned n;
		struct mirror_left left[MIRROR_LEFT_MAX];
	} ike;

	/* What operators ask for. */
	struct mirror_past past;
	uint32_t copied;    /* the channel's number behind the last full copy */
	bool verify;        /* the peer is to be asked for a walk */
	uint32_t answer_at; /* the peer is told what came of that walk; 0 = none */
	uint32_t differed;  /* buckets of the sums that are coming in */

	struct index index;
	struct channel_out out;
	struct channel_in in;
};

/* A frame of records that is being delivered. */
struct mirror_delivery {
	mono_t now;
	uint32_t heard; /* the peer had delivered ours up to there when it sent this */
	struct actions *out;
};

/* In env.mirror; NULL when there is none. */
struct mirror *mirror_init(struct node *n, mono_t now);
void mirror_reconfigure(struct node *n, mono_t now);

/* Inputs; all do nothing without a mirror. */
void mirror_step_begins(struct node *n, mono_t now);
void mirror_heard_objects(struct node *n, mono_t now, const struct object_batch *batch,
	enum object_origin origin, struct actions *out);
void mirror_dumped(struct node *n, mono_t now, enum dump_result result);
void mirror_lost_events(struct node *n);
/* Of the order, no more than its key is needed. */
void mirror_refused(
	struct node *n, const struct object_order *order, enum refusal why, struct actions *out);
/* The operator asks for an audit, or for everything anew. */
void mirror_asked(struct node *n, mono_t now, bool resync);
/* DATA, ACK and CHANNEL of the peer. False: malformed. */
bool mirror_heard_data(struct node *n, mono_t now, struct span value, struct actions *out);
bool mirror_heard_ack(struct node *n, mono_t now, struct span value);
bool mirror_heard_channel(struct node *n, struct span value);
void mirror_put_channel(const struct node *n, mono_t now, struct writer *w);
void mirror_peer_restarted(struct node *n, mono_t now);
/* Two masters of a group met: both forwarded, and neither kernel saw all. */
void mirror_met_master(struct node *n);
/* This kernel's sessions are to be forgiven what it did not see, and it is not in sync until then.
 */
void mirror_forgive(struct mirror *m);
/* It did, or another role changed: this kernel still judges sessions by what it saw of them. */
bool mirror_is_to_forgive(const struct node *n);
/* Paths have other indexes than before. */
void mirror_paths_moved(struct node *n);

/* Whether this node is in sync; before the groups are judged. */
void mirror_judge_sync(struct node *n, mono_t now);
/* What time and the event before it brought about; then what is due is sent. */
void mirror_settle(struct node *n, mono_t now, struct actions *out);
void mirror_send(struct node *n, mono_t now, struct actions *out);
mono_t mirror_deadline(const struct node *n, mono_t now);
/* So much waits in the channel that more should wait in the kernel. */
bool mirror_is_full(const struct node *n, mono_t now);
/* What can wait for everything else may be put into the channel. */
bool mirror_has_room(const struct node *n);
/* Closes the frame being filled; the number of the next. */
uint32_t mirror_mark(struct node *n);
/* Everything before that number is with the peer, or there is no channel. */
bool mirror_is_drained(const struct node *n, uint32_t number);
/* True when all that this node took over runs out by its own time again. */
bool mirror_is_settled(const struct node *n);
/* Nothing leaves this node by IPsec. */
bool mirror_ipsec_is_held(const struct node *n);
void mirror_look(const struct node *n, mono_t now, struct mirror_view *ret_view);

/* Among the mirror's files. */

/* Puts a record into the channel; false: there is none, or it broke. */
bool mirror_put(struct node *n, mono_t now, const struct record *r);
/* One without an object; one that names its object by its hash. */
void mirror_put_plain(struct node *n, mono_t now, uint8_t op, struct span value);
void mirror_put_hash(struct node *n, mono_t now, uint8_t op, const struct entry *e);
const char *mirror_peer_name(const struct node *n);
/* Of any group. */
bool mirror_peer_is_master(const struct node *n);
bool mirror_is_sending(const struct mirror *m);
/* This kernel still judges sessions by what it saw before the peer had them. */
bool mirror_is_loosening(const struct mirror *m);
/* Equal on two nodes that hash under one key. */
uint32_t mirror_hash_proof(const struct mirror *m);
/* Sees to what changed of that, and to what is due by it. */
void mirror_judge_role(struct node *n, mono_t now);
/* Two masters of one group, or a node that still listens: who owns what is open. */
bool mirror_roles_are_open(const struct node *n);
/* The channel starts anew, after a rest. */
void mirror_break(struct node *n, mono_t now);
/* Everything is this node's own, as the next record says; what was the peer's is settled, later. */
void mirror_adopt(struct node *n, mono_t now);
/* Likewise for a master of all while nobody hears it. The peer, which may be master all the while
 * and have noticed nothing, must say all that it has before this node has it again. */
void mirror_adopt_alone(struct node *n, mono_t now);
/* Adds an order for the kernel. */
void mirror_order(struct node *n, enum object_op op, uint8_t kind, struct span key,
	struct span value, struct actions *out);
/* What the peer owns is kept alive here: the channel is up, or was within a day. */
bool mirror_holds(const struct mirror *m, mono_t now);
/* This kernel does not judge it by old TCP windows any more. */
void mirror_loosen(struct node *n, uint8_t kind, struct span key, struct actions *out);
/* It is gone. While a pass runs a dead entry stays, so that a dump of before is not believed: that
 * of this pass alone. `e` is NULL when it was not known, and may be dead already. */
void mirror_forget(struct mirror *m, uint64_t hash, uint8_t kind, struct entry *e);
/* The whole object is asked of the kernel. */
void mirror_fetch(struct node *n, uint8_t kind, struct span key, struct actions *out);
/* Records on objects. */
void mirror_heard_object(struct node *n, const struct record *r, struct mirror_delivery *d);
void mirror_heard_gone(struct node *n, struct span value);
void mirror_heard_claim(struct node *n, const struct record *r, struct mirror_delivery *d);
/* Frames that wait in order are delivered, as far as this node has not to rest. */
void mirror_deliver_held(struct node *n, mono_t now, struct actions *out);
/* What is put from here on is said in the knowledge of all that was delivered. */
void mirror_heard_so_far(struct mirror *m);
/* A master of all takes back what the peer says to be its own, unless that is planned already. */
void mirror_adopt_later(struct mirror *m, mono_t now);
/* What has the hold's timer gets its own again, unless that is planned already. */
void mirror_settle_later(struct mirror *m, mono_t now);
/* On a node that is master of nothing, once nothing is forwarded any more: what this kernel saw of
 * the peer's sessions is behind, and it is to learn anew when they come back. */
void mirror_renew_later(struct mirror *m, mono_t now);
/* An object of a dump; `hash` is of its key. */
void mirror_pass_object(
	struct node *n, mono_t now, uint64_t hash, const struct object *o, struct actions *out);
/* The peer has it no more: it is removed from this kernel. `e` is NULL when it was not known. */
void mirror_sweep(struct node *n, uint64_t hash, struct entry *e, const struct object *o,
	struct actions *out);
/* Starts, goes on with and ends passes. */
void mirror_pass_settle(struct node *n, mono_t now, struct actions *out);
/* A walk goes on with the next step. */
bool mirror_pass_is_busy(const struct mirror *m);
mono_t mirror_pass_deadline(const struct mirror *m);
/* Those are not wanted any more. */
void mirror_pass_abort(struct node *n, unsigned wants);
/* This kernel and the index differ in an object. */
void mirror_differed(struct node *n);
/* The peer is asked for that bucket. */
void mirror_ask_bucket(struct mirror *m, unsigned bucket);
/* Asks for what is lacking, when it is time. */
void mirror_ask_settle(struct node *n, mono_t now);
mono_t mirror_sync_deadline(const struct node *n, mono_t now);
/* A full copy was sent, or heard, since then. */
void mirror_copied(struct node *n, mono_t now, mono_t since, uint32_t objects, bool sent);
/* All SAs and policies are this node's own; else the peer's. */
bool mirror_owns_ipsec(const struct mirror *m);
/* What the peer says of SAs that are here already may be given to this kernel: it sends by none. */
bool mirror_ipsec_takes_numbers(const struct mirror *m);
/* Decides what this node does with SAs and policies, by the roles. */
void mirror_ipsec_settle(struct node *n, mono_t now);
/* Two masters met, and this one stays: it must not go on with numbers that the other used. */
void mirror_ipsec_leap(struct mirror *m);
/* The peer's kernel has later numbers than it was told of by what it had heard. */
void mirror_ipsec_is_behind(struct mirror *m, const struct mirror_delivery *d);
/* By configuration they are mirrored, or not any more. */
void mirror_ipsec_reconfigured(struct mirror *m);
/* A pass for them begins; an object of any pass; the kernel did not settle an SA,
 * or let its numbers jump; a pass for them came to no end, or ended. */
void mirror_ipsec_begins(struct mirror *m);
void mirror_ipsec_put_back(struct mirror *m);
void mirror_ipsec_found(struct node *n, const struct object *o, struct actions *out);
void mirror_ipsec_refused(struct node *n, const struct object_order *order, struct actions *out);
void mirror_ipsec_ended(struct node *n, struct actions *out);
/* True: this SA of the peer's, which this kernel lacks, is left to an IKE daemon on this node for a
 * while; it is left already; it is over. */
bool mirror_ike_leaves(struct node *n, mono_t now, uint64_t hash, uint8_t kind);
bool mirror_ike_has(struct mirror *m, uint64_t hash);
void mirror_ike_over(struct mirror *m, uint64_t hash);
/* An event of this kernel on a node that is not to send: the daemon did, perhaps. Who may send by
 * it is mirror_ipsec_found()'s. */
void mirror_ike_installed(struct node *n, uint64_t hash, const struct object *o);
/* Asks for what it did not install in time. */
void mirror_ike_settle(struct node *n, mono_t now);
mono_t mirror_ike_deadline(const struct mirror *m, mono_t now);
/* In this kernel, and the peer's; nothing where it is known already. */
void mirror_found_unowned(struct node *n, uint64_t hash, const struct object *o);
/* A pass ended. */
void mirror_walked(struct node *n, mono_t now);
/* The last of the peer's sums was heard. */
void mirror_compared(struct node *n, mono_t now, bool failed);
/* Asks the peer for a walk when the operator wants one. */
void mirror_verify_settle(struct node *n, mono_t now);
void mirror_heard_audit(struct node *n, mono_t now);
void mirror_heard_found(struct node *n, struct span value);

/* What is past has been seen to, or waits for something else than time. */
static inline mono_t mirror_sooner(mono_t at, mono_t due, mono_t now)
{
	return mono_before(now, due) ? mono_min(at, due) : at;
}

/* It counts no longer as spoken of in the present generation: else what is stale would not be
 * missed. */
static inline void mirror_unconfirm(struct mirror *m, const struct entry *e)
{
	if (!index_is_dead(e) && index_owner(&m->index, e) == INDEX_PEER && e->stamp == m->stamp &&
		m->confirmed > 0)
		m->confirmed--;
}

/* The peer's, which said that it is over; this kernel may think otherwise. */
static inline bool mirror_is_in_doubt(const struct mirror *m, const struct entry *e)
{
	return index_owner(&m->index, e) == INDEX_PEER && e->stamp == 0;
}

/* Of the pass that runs, and of the next. */
static inline unsigned mirror_wants(const struct mirror *m)
{
	return m->wants | (m->pass.running ? m->pass.wants : 0);
}

static inline bool mirror_is_shared(uint8_t kind)
{
	return OBJECT_SHARED >> kind & 1;
}

/* This kernel knows it by itself. Of what is not shared only events tell that. */
static inline bool mirror_is_learnt(const struct object *o)
{
	return mirror_is_shared(o->kind) && !(o->marks & OBJECT_UNSEEN);
}

static inline bool mirror_is_ipsec(uint8_t kind)
{
	return OBJECT_IPSEC >> kind & 1;
}

/* Tells of what no print has: it is always news. */
static inline bool mirror_is_moving(const struct object *o)
{
	return o->kind == OBJECT_SA && o->op == OBJECT_CHANGE;
}

static inline struct span object_key(const struct object *o)
{
	return span_of(o->key, o->key_len);
}

static inline struct span object_value(const struct object *o)
{
	return span_of(o->value, o->value_len);
}

#endif
