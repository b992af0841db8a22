/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * wire: every number that travels between the nodes. doc/PROTOCOL.md says what they mean; a
 * test compares the two. A number, once released, is never given another meaning. All
 * integers are big-endian.
 */
#ifndef NSRP_WIRE_H
#define NSRP_WIRE_H

#include <stdint.h>

enum {
	WIRE_ETHERTYPE = 0x88b5, /* IEEE 802 local experimental EtherType 1 */
	WIRE_MAGIC = 0x4e,
	WIRE_VERSION = 1,
	WIRE_HEADER_LEN = 24,
	WIRE_FRAME_MAX = 9216,      /* header, body and tag: of what is taken */
	WIRE_BEAT_FRAME_MAX = 1432, /* what a heartbeat may need: fits IPv6/UDP in 1500 */
	WIRE_GROUP_RECORD_LEN = 16,
	WIRE_ECHO_RECORD_LEN = 10,
	WIRE_MONITOR_RECORD_LEN = 6,
	WIRE_DOCUMENT_RECORD_MIN = 23, /* of a release that has one digest */
	WIRE_DOCUMENT_RECORD_LEN = 39,
	WIRE_DATA_LEN = 16,        /* of DATA before its records */
	WIRE_CHANNEL_LEN = 15,     /* of CHANNEL, at least */
	WIRE_WILL_FRAME_MAX = 512, /* HOLD and PARTING */
};

/* Where the sequence numbers of HOLD and PARTING begin: frames of SESSION never come so far. */
#define WIRE_WILL_SEQUENCE (UINT64_C(1) << 63)

/* The multicast MAC address of our Ethernet frames: locally administered, group bit set. */
#define WIRE_MULTICAST_MAC                                                                         \
	{                                                                                          \
		0x03, 'n', 's', 'r', 'p', 0x01                                                     \
	}

/* X(name, number, text) */
#define WIRE_FRAME_TYPES(X)                                                                        \
	X(HELLO, 1, "handshake, sealed under a hello key")                                         \
	X(SESSION, 2, "everything else, sealed under a session key")                               \
	X(HOLD, 3, "sent by the guardian: the engine restarts, roles stay")                        \
	X(PARTING, 4, "sent by the guardian: this node gave everything up")

#define WIRE_TLVS(X)                                                                               \
	X(OFFER, 1, "public key of the sender's key pair and its number")                          \
	X(HEARD, 2, "boot nonce and offer number last heard of the peer")                          \
	X(KEYS, 3, "hints of the cluster keys the sender accepts, preferred first")                \
	X(RELEASE, 4, "name of the sender's release, text")                                        \
	X(BEAT, 16, "heartbeat: number, interval, flags, configuration digest")                    \
	X(ECHO, 17, "for each path: the last beat number heard on it")                             \
	X(GROUPS, 18, "for each group: state, standing, term, hand-over")                          \
	X(REQUEST, 19, "an operator's command for the other node")                                 \
	X(ANSWER, 20, "the result of a request")                                                   \
	X(CHANNEL, 21, "the sender's half of the channel: epoch, next number, lag, flags")         \
	X(MONITORS, 22, "for some monitors: name, weight, whether it fails")                       \
	X(WILL, 23, "of HOLD and PARTING: number, groups that the sender is master of")            \
	X(DATA, 24, "numbered records of the channel")                                             \
	X(ACK, 25, "what was delivered of the channel")                                            \
	X(DOCUMENTS, 26, "for each document: what the sender has, offers, and made of the offer")

/* Records in DATA: what they say of an object, or of the mirror itself. */
#define WIRE_RECORDS(X)                                                                            \
	X(DOCUMENT, 0, "about a document: see section 13")                                         \
	X(WHOLE, 1, "it is so: an event of the sender's kernel")                                   \
	X(CHANGE, 2, "this changed: an event of the sender's kernel")                              \
	X(REMOVE, 3, "it is gone: an event of the sender's kernel")                                \
	X(BULK, 4, "it is so: from a dump of the sender's kernel")                                 \
	X(OFFER, 5, "a former master had it: take it unless there is one")                         \
	X(AUDIT, 6, "please compare your kernel with your index, and say what came of it")         \
	X(FOUND, 7, "what came of a comparison: which, how much was compared, how much differed")  \
	X(GONE, 8, "hash of an object of the sender's that is no longer there")                    \
	X(CLAIM, 9,                                                                                \
		"hash of an object that is the sender's own, or of an SA whose numbers it has "    \
		"run ahead of")                                                                    \
	X(BEGIN, 10, "a resync begins: generation, flags, buckets")                                \
	X(END, 11, "the resync is complete: generation, number of objects, kinds")                 \
	X(ADOPT, 12, "everything is the sender's own from here on")                                \
	X(OFFERED, 13, "the offers are complete")                                                  \
	X(SUMS, 14, "digests of the sender's own objects: kind, first bucket, a sum for each")     \
	X(ASK, 15, "please resync: buckets, or all")

enum wire_record {
#define X(name, number, text) WIRE_RECORD_##name = number,
	WIRE_RECORDS(X)
#undef X
};

enum { WIRE_BEGIN_ADOPT = 0x01, WIRE_BEGIN_FULL = 0x02 };
enum { WIRE_CHANNEL_BROKEN = 0x01, WIRE_CHANNEL_KEEPS = 0x02 };

/* What FOUND tells of: a walk through the kernel's table (in objects), or the SUMS heard (in
 * buckets), which a node that is not complete, or hashes under another key, cannot compare. */
enum wire_found { WIRE_FOUND_WALK = 1, WIRE_FOUND_SUMS = 2, WIRE_FOUND_NOT_COMPARED = 3 };

enum wire_frame_type {
#define X(name, number, text) WIRE_FRAME_##name = number,
	WIRE_FRAME_TYPES(X)
#undef X
};

enum wire_tlv {
#define X(name, number, text) WIRE_TLV_##name = number,
	WIRE_TLVS(X)
#undef X
};

/* Flags of BEAT. */
#define WIRE_BEAT_FLAGS(X)                                                                         \
	X(REALTIME, 0x01, "the sender runs with real-time priority")                               \
	X(URGENT, 0x02,                                                                            \
		"answer at once: on the path this came by, or by all secondary paths if it is "    \
		"one")                                                                             \
	X(PARTING, 0x04, "the last beat: the sender owns nothing any more and stops")

enum wire_beat_flag {
#define X(name, number, text) WIRE_BEAT_##name = number,
	WIRE_BEAT_FLAGS(X)
#undef X
};

/* Flags of a record in GROUPS. */
#define WIRE_GROUP_FLAGS(X)                                                                        \
	X(ELIGIBLE, 0x01, "not taken out by the operator")                                         \
	X(OPERABLE, 0x02, "failed weights are below the threshold")                                \
	X(IN_SYNC, 0x04, "holds the master's sessions and SAs")                                    \
	X(SERVED, 0x08, "neighbours answered or traffic was forwarded in this term")               \
	X(HOLDING, 0x10, "the group's addresses are, or may be, on this node")                     \
	X(PREEMPTS, 0x20, "asks for mastership: preempt rules are met")                            \
	X(FORCED, 0x40, "the hand-over skips the readiness of the peer")

enum wire_group_flag {
#define X(name, number, text) WIRE_GROUP_##name = number,
	WIRE_GROUP_FLAGS(X)
#undef X
};

/* Flags of a record in MONITORS. */
#define WIRE_MONITOR_FLAGS(X) X(FAILS, 0x01, "it fails on the sender")

enum wire_monitor_flag {
#define X(name, number, text) WIRE_MONITOR_##name = number,
	WIRE_MONITOR_FLAGS(X)
#undef X
};

/* Flags of a record in DOCUMENTS. */
#define WIRE_DOCUMENT_FLAGS(X)                                                                     \
	X(KNOWN, 0x01, "the sender has read its own: the digest is meant")                         \
	X(OFFERS, 0x02, "the receiver is to have the same")                                        \
	X(DRY, 0x04, "what the operator wants is only tried")                                      \
	X(CONSENT, 0x08, "the pair mirrors it, as far as the sender knows")                        \
	X(HELD, 0x10, "the sender does not take what is offered: maintenance")                     \
	X(WORKING, 0x20, "the sender is about to take what is offered")                            \
	X(REFUSED, 0x40, "the sender refused what is offered")                                     \
	X(DRIFTED, 0x80, "the sender took what is offered, and its own was changed since")

enum wire_document_flag {
#define X(name, number, text) WIRE_DOCUMENT_##name = number,
	WIRE_DOCUMENT_FLAGS(X)
#undef X
};

/* What a record DOCUMENT is. */
#define WIRE_DOCUMENT_RECORDS(X)                                                                   \
	X(WANT, 1, "please send the one with this digest, or a patch of mine")                     \
	X(BEGIN, 2, "it begins: form, length, digest, base")                                       \
	X(PIECE, 3, "its next bytes")                                                              \
	X(VERDICT, 4, "what came of yours: result, wish, digest, text")

enum wire_document_record {
#define X(name, number, text) WIRE_DOCUMENT_RECORD_##name = number,
	WIRE_DOCUMENT_RECORDS(X)
#undef X
};

/* Steps of a planned failover, as a node tells its own. */
#define WIRE_HANDOVER_STEPS(X)                                                                     \
	X(NONE, 0, "no hand-over")                                                                 \
	X(ASK, 1, "the master asks the peer to take over")                                         \
	X(ACCEPT, 2, "the peer is ready and reserves the term")                                    \
	X(REFUSE, 3, "the peer does not take over")                                                \
	X(RELEASED, 4, "the old master removed its addresses")

enum wire_handover {
#define X(name, number, text) WIRE_HANDOVER_##name = number,
	WIRE_HANDOVER_STEPS(X)
#undef X
};

/* Verbs of REQUEST. */
#define WIRE_VERBS(X)                                                                              \
	X(FAILOVER, 1, "give up mastership of a group once")                                       \
	X(MAINTENANCE_ON, 2, "make the receiver ineligible")                                       \
	X(MAINTENANCE_OFF, 3, "make the receiver eligible")                                        \
	X(SYNC, 4, "the receiver's document counts: its kind stands for the group")

enum wire_verb {
#define X(name, number, text) WIRE_VERB_##name = number,
	WIRE_VERBS(X)
#undef X
};

enum { WIRE_REQUEST_FORCE = 0x01, WIRE_REQUEST_ALL_GROUPS = 0x02, WIRE_REQUEST_DRY = 0x04 };

#endif
