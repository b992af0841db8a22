/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * event: what a node is told, and the actions that it answers with.
 *
 * Groups, paths and monitors are named by their index in struct conf.
 */
#ifndef NSRP_EVENT_H
#define NSRP_EVENT_H

#include "nsrp/base.h"
#include "nsrp/document.h"
#include "nsrp/object.h"
#include "nsrp/tables.h"

enum group_state { /* NSRP's states and their numbers; the numbers travel on the wire */
	GROUP_INIT = 1,
	GROUP_MASTER = 2,
	GROUP_PRIMARY_BACKUP = 3,
	GROUP_BACKUP = 4,
	GROUP_INELIGIBLE = 5,
	GROUP_INOPERABLE = 6,
};

enum role {
	ROLE_TAKE,        /* add the group's addresses and routes, then announce them */
	ROLE_DROP,        /* remove both */
	ROLE_DROP_LINGER, /* remove the addresses; go on forwarding what still arrives for 2 s */
};

enum event_type {
	EVENT_TIMER,      /* node_deadline() was reached, or actions.more was set */
	EVENT_FRAME,      /* bytes came in by a path */
	EVENT_CARRIER,    /* an HA link's carrier is known to be up or down */
	EVENT_MONITOR,    /* a monitor passed or failed, after its own damping */
	EVENT_SYNC,       /* the mirror became complete, or incomplete */
	EVENT_SERVED,     /* traffic or a neighbour other than the peer was seen on a group */
	EVENT_ROLE_DONE,  /* an ACTION_ROLE has been carried out */
	EVENT_LEASE_LOST, /* the group's addresses expired */
	EVENT_TAKEN_AWAY, /* another program keeps removing the group's addresses */
	EVENT_CLAIMED,    /* somebody else's frame came from a group's virtual MAC */
	EVENT_COMMAND,    /* the operator asks */
	EVENT_STOP,       /* hand everything over and stop */
	EVENT_OBJECTS,    /* what this kernel says of mirrored objects */
	EVENT_DUMPED,     /* a step of a dump is over; its objects came before */
	EVENT_LOST,       /* this kernel lost events of mirrored objects */
	EVENT_REFUSED,    /* an order of ACTION_WRITE was not carried out */
	EVENT_RESYNC,     /* the operator wants everything mirrored anew */
	EVENT_LOOKED,     /* ACTION_LOOK is done; what it found out came before */
	EVENT_AUDIT,      /* the operator wants both kernels, indexes and the two nodes compared */
	EVENT_DOCUMENT,   /* the clerk's word on one of the documents */
};

enum document_news {
	DOCUMENT_IS_READ,    /* digests, format, bytes, and a patch if there is one */
	DOCUMENT_UNREADABLE, /* text: why */
	DOCUMENT_JUDGED,     /* of ACTION_DOCUMENT_APPLY: digest, result and text */
	DOCUMENT_COMPARED,   /* likewise, of one that was only to be compared */
	DOCUMENT_NO_CLERK,   /* there is none; what it knew and had to do is forgotten */
};

/* What a document is fetched from the peer for. */
enum document_purpose { PURPOSE_APPLY, PURPOSE_TRY, PURPOSE_COMPARE };

enum object_origin { OBJECT_EVENT, OBJECT_DUMPED, OBJECT_FETCHED };

enum dump_result {
	DUMP_MORE,
	DUMP_DONE,
	DUMP_AGAIN, /* the table changed its shape: the next step begins it anew */
	DUMP_FAILED,
};

/* Why the kernel refused an order. */
enum refusal {
	REFUSED_CLASH,
	REFUSED_FULL,
	REFUSED_MISSING,
	REFUSED_OTHER,
	REFUSED_SELF, /* the object is this node itself: there is nothing to install */
};

enum command_verb {
	COMMAND_FAILOVER,
	COMMAND_MAINTENANCE_ON,
	COMMAND_MAINTENANCE_OFF,
	COMMAND_SYNC, /* the source's document of `kind` counts, and goes to the other node */
	COMMAND_DIFF, /* the other node's document of `kind` is to be compared with this node's */
};

enum { COMMAND_ALL_GROUPS = 0xffff };

struct command {
	enum command_verb verb;
	uint16_t group; /* index, or COMMAND_ALL_GROUPS */
	bool force;
	bool peer;      /* maintenance: of the other node */
	uint8_t kind;   /* sync, diff: enum document_kind */
	bool dry;       /* sync: only finds out what would come of it */
	uint32_t token; /* 1..INT32_MAX-1, returned with the reply */
};

struct event {
	enum event_type type;
	union {
		struct {
			unsigned path;
			struct span bytes; /* borrowed for the step */
		} frame;
		struct {
			unsigned path;
			bool up;
		} carrier;
		struct {
			unsigned monitor;
			bool ok;
		} monitor;
		struct {
			bool in_sync;
		} sync;
		struct {
			unsigned group;
		} served, lease_lost, taken_away;
		struct {
			unsigned group;
			bool known;       /* the address that it claims is the group's */
			unsigned frames;  /* as many came */
			const char *what; /* the claim, as text; borrowed for the step */
		} claimed;
		struct {
			unsigned group;
			/* Of its monitors that still pass, those that miss so many answers
			 * that one more fails them: their weight. */
			uint16_t doubtful;
		} looked;
		struct {
			unsigned group;
			enum role role;
			uint32_t term;
			unsigned failed; /* addresses and routes that the kernel refused */
		} role_done;
		struct command command;
		struct {
			const struct object_batch *batch; /* borrowed for the step */
			enum object_origin origin;
		} objects;
		enum dump_result dumped;
		struct {
			const struct object_order *order; /* borrowed for the step */
			enum refusal why;
		} refused;
		struct {
			uint8_t kind;
			enum document_news news;
			uint8_t format;
			bool has_patch;
			enum document_result result;
			struct document_digest digest, lasting, base;
			/* Borrowed until the next event of the kind that is neither
			 * DOCUMENT_JUDGED nor DOCUMENT_COMPARED. `patch` makes of the document
			 * with the digest `base` this one. */
			struct span bytes, patch;
			const char *text; /* borrowed for the step */
		} document;
	};
};

enum action_type {
	ACTION_SEND,     /* bytes by path `target` */
	ACTION_ROLE,     /* role of group `target`, for `term` */
	ACTION_ANNOUNCE, /* announce group `target` again */
	ACTION_SAVE,     /* node_saved() changed: make it last */
	ACTION_REPLY,    /* `result` of the command with token `target` */
	ACTION_RECORD, /* a line of history: group `target` changed state, or met another master */
	ACTION_STEP,   /* what belongs to the last of those of group `target` happened now */
	ACTION_EXIT,   /* EVENT_STOP is done: nothing is held, the peer knows */
	ACTION_WRITE,  /* give the kernel the orders in bytes: struct object_order, in a row */
	ACTION_FETCH,  /* ask the kernel for the object of kind `target` with the key in bytes */
	ACTION_DUMP,   /* the next step of the dump of kind `target`, which may be its first */
	ACTION_LOOK,   /* read the link monitors of group `target` anew, then EVENT_LOOKED */
	ACTION_END_DUMP, /* the rest of it is not wanted */
	ACTION_ENTRUST,  /* the guardian may have to send these bytes by path `target` */
	/* The peer's document of kind `target` begins to come in: what came of it before goes. */
	ACTION_DOCUMENT_OPEN,
	ACTION_DOCUMENT_PIECE, /* the next bytes of it */
	ACTION_DOCUMENT_APPLY, /* it is there: `document` says what it is, and what for */
	/* Both nodes have the document of kind `target` whose digest `document` tells: keep it. */
	ACTION_DOCUMENT_KEEP,
	ACTION_DOCUMENT_LOAD, /* after a boot, alone: what is kept of kind `target` is applied */
};

struct action_document {
	enum document_purpose purpose;
	enum document_form form;
	uint32_t token; /* PURPOSE_COMPARE: the command's */
	struct document_digest digest, base;
};

struct action_role {
	enum role role;
	uint32_t term;
};

struct action_record {
	enum group_state from, to;
	enum election_rule rule;
	enum reason reason;
	uint32_t term;
	/* Two masters met, and had been two for so long at most, in milliseconds; 0: they did not.
	 * The one that stays has from = to. */
	uint32_t two_masters_ms;
	/* By monitors: the failed one of most weight, by index; of the peer when it gave the group
	 * up. -1: none is known. */
	int monitor;
	mono_t at;
	/* Of a mastership that began or ended, the steps before it: bit by number, and how long
	 * before. */
	uint32_t steps;
	uint32_t step_us[STEP_COUNT];
};

struct action {
	enum action_type type;
	uint32_t target;
	union {
		struct span bytes; /* into actions.bytes */
		struct action_role role;
		enum result result;
		struct action_record record;
		enum step step;
		struct action_document document;
	};
};

enum { ACTIONS_MAX = 1024, ACTIONS_BYTES = 512 * 1024 };

/* Actions and their bytes are valid until the next step into the same list. */
struct actions {
	bool more; /* carry these out, then step again with EVENT_TIMER */
	bool full; /* much waits for the peer: leave the kernel's events where they are for now */
	unsigned n;
	struct action action[ACTIONS_MAX];
	size_t used;
	_Alignas(8) uint8_t bytes[ACTIONS_BYTES];
};

#endif
