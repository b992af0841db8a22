/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * document: the rules by which the two nodes come to have one document (section 13 of
 * doc/PROTOCOL.md).
 *
 * The master of the first group is the source: what its clerk reads counts, from its first change
 * on or when the operator says so. It offers the digest with every beat, and the other node asks
 * for what it lacks; so nothing of it is lost with a frame, a channel or a process. Pieces travel
 * in the mirror's channel, behind everything else. What became of an offer is remembered by its
 * digest: one that was refused, or changed on the standby since, is not asked for again. What comes
 * and goes by itself (elements that packets add to sets) is carried along, and decides nothing: of
 * that the second digest, of what is *lasting*, knows nothing.
 *
 * document.c judges who counts and what is lacking; document_told.c hears the clerk, and keeps what
 * came of documents; document_wire.c has beats and records; document_view.c what the operator sees
 * and wants.
 */
#ifndef NSRP_CORE_DOCUMENT_H
#define NSRP_CORE_DOCUMENT_H

#include "nsrp/node.h"
#include "codec.h"
#include "record.h"

struct node;

enum document_phase {
	PHASE_NONE,
	PHASE_WANTED,    /* the peer is asked for it, or is to be */
	PHASE_RECEIVING, /* its pieces come */
	PHASE_COMPLETE,  /* all are there */
	PHASE_APPLYING,  /* the clerk has it */
};

/* One that comes in. */
struct document_incoming {
	enum document_phase phase;
	enum document_purpose purpose;
	uint32_t token;               /* of the command that wants it; 0 = none */
	uint32_t sync;                /* the wish that it heeds; 0 = none */
	bool whole;                   /* a patch did not do */
	bool asked;                   /* WANT was sent ... */
	uint32_t out_epoch, in_epoch; /* ... in these epochs of the channel */
	mono_t again_at;              /* and is sent again then */
	mono_t until;                 /* COMPARE: given up then */
	enum document_form form;
	struct document_digest digest, base;
	uint32_t length, come; /* bytes */
};

/* One that goes out. */
struct document_outgoing {
	bool active, begun;
	enum document_form form;
	uint32_t epoch;
	size_t at;
};

/* What the peer's beat says. */
struct document_peer {
	bool known;
	uint8_t format, flags; /* WIRE_DOCUMENT_* */
	uint32_t sync;
	struct document_digest digest, lasting;
};

/* Embedded in struct node, one for each kind; the fields are for the files of document. */
struct document {
	uint8_t kind;
	bool on;

	/* This node's own, as read last. */
	bool known, has_patch;
	uint8_t format;
	struct document_digest own, lasting, base;
	struct span bytes, patch; /* borrowed until the next event */
	char trouble[DOCUMENT_TEXT_MAX];

	/* As source. */
	bool is_source;
	bool judged;       /* whether its own counts was decided since it is the source */
	bool leads;        /* it does */
	uint32_t sync;     /* the operator's wish; 0 = none */
	bool dry;          /* it is only to be tried */
	mono_t sync_until; /* nobody waits longer */
	struct document_outgoing outgoing;

	struct document_peer peer;
	struct document_incoming incoming;
	struct document_saved *saved; /* in node.saved */
	struct document_past mine, theirs;
	bool untold; /* `mine` is to be told */
	uint32_t told_epoch;

	enum document_condition condition;
	mono_t since;
	bool has_kept; /* the clerk was told to keep it, and nothing came in between */
	struct document_digest kept; /* what of it was lasting */
};

void documents_init(struct node *n, mono_t now);
void documents_reconfigure(struct node *n, mono_t now, struct actions *out);
/* Any is mirrored: the channel is wanted. */
bool documents_any(const struct node *n);

/* Inputs. */
void document_told(struct node *n, mono_t now, const struct event *event, struct actions *out);
/* Nothing that the peer said counts. */
void documents_forget_peer(struct node *n);
/* The operator's; of the peer's operator as well. */
enum result document_sync(struct node *n, mono_t now, const struct command *c);
enum result document_diff(struct node *n, mono_t now, const struct command *c);
/* This node is the source. */
bool document_is_source(const struct node *n);
bool document_peer_is_source(const struct node *n);

/* What time and the event before it brought about; records are put into the channel. */
void documents_settle(struct node *n, mono_t now, struct actions *out);
mono_t documents_deadline(const struct node *n, mono_t now);
void documents_look(const struct node *n, struct node_view *v);

/* document_wire.c */
void documents_put(const struct node *n, struct writer *w);
bool documents_are_well_formed(struct span value);
/* `value` empty: the peer has none. */
void documents_heard(struct node *n, struct span value);
void document_heard_record(struct node *n, mono_t now, const struct record *r, struct actions *out);
/* Asks, tells and sends what the channel has room for. */
void document_send(struct node *n, mono_t now, struct document *d, struct actions *out);

/* Among the files of document. */

/* document.c */
bool document_same(const struct document_digest *a, const struct document_digest *b);
bool document_has_consent(const struct document *d);
/* This node's own counts: the other node is to have it. */
bool document_offers(const struct document *d);
/* The peer's does. */
bool document_is_offered(const struct document *d);
/* The peer's operator has a wish that was not heeded yet. */
bool document_is_asked(const struct document *d);
/* WIRE_DOCUMENT_* of what this node says. */
uint8_t document_flags(const struct node *n, const struct document *d);
/* The peer's present one is asked for. */
void document_begin_incoming(struct node *n, struct document *d, enum document_purpose purpose,
	uint32_t sync, bool whole);
/* It does not come; whoever waits for it is told why. */
void document_end_incoming(
	struct node *n, struct document *d, enum result result, struct actions *out);

/* document_told.c */
/* What came of an offer before the engine was started. */
void document_recall(struct document *d, mono_t now);
/* All of what comes in is there. */
void document_arrived(struct node *n, struct document *d, struct actions *out);
/* This node is done with what the peer offers, or wants tried. */
void document_judged(struct node *n, mono_t now, struct document *d, enum document_result result,
	uint32_t sync, const struct document_digest *digest, const char *text);
/* The one that comes in is refused before the clerk has it, or since it has none. */
void document_refuse(struct node *n, mono_t now, struct document *d, const char *text);
/* VERDICT of the peer's. */
void document_heard_verdict(struct node *n, mono_t now, struct document *d,
	enum document_result result, uint32_t sync, const struct document_digest *digest,
	struct span text);

/* document_view.c */
void document_settle_condition(struct node *n, mono_t now, struct document *d, struct actions *out);

#endif
