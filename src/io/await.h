/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * await: when a sync or a verify that the operator asked for is over, and what came of it.
 *
 * Pure: it looks at the core's view from time to time and says what is to be done next. A sync is
 * over when every full copy that was asked for has arrived. A verify goes in rounds: this node's
 * table and the peer's are compared with their indexes, and the indexes with each other; when
 * something differed, which is repaired by itself, further rounds tell whether it was.
 */
#ifndef NSRP_IO_AWAIT_H
#define NSRP_IO_AWAIT_H

#include "report.h"

enum {
	AWAITS_MAX = 4,          /* at a time */
	AWAIT_LOOK_MS = 20,      /* look that often */
	AWAIT_MAX_MS = 120000,   /* then it is still running */
	AWAIT_REPAIR_MS = 30000, /* what is not repaired by then is not going to be soon */
	AWAIT_BETWEEN_MS = 1000, /* rounds */
};

enum await_kind { AWAIT_SYNC, AWAIT_VERIFY, AWAIT_DOCUMENT };

enum await_step {
	AWAIT_WAIT,  /* look again */
	AWAIT_AGAIN, /* likewise, and give the core EVENT_AUDIT */
	AWAIT_OVER,  /* here is the answer */
};

/* The fields are private. */
struct await {
	enum await_kind kind;
	bool sends, hears;        /* full copies, or sums */
	mono_t since, found_at;   /* the latter: of the first difference */
	mono_t next_at;           /* of the next round; MONO_NEVER: one is under way */
	struct mirror_past start; /* of the round, or the copy */
	unsigned rounds;
	struct mirror_past first; /* what the first round found */
	/* Of a document's sync. */
	uint8_t document;
	uint32_t mine, theirs; /* verdicts there were before */
};

/* NULL, or why it cannot be done now; the text is constant. */
const char *await_refusal(enum await_kind kind, const struct report_input *in);

/* Before EVENT_RESYNC or EVENT_AUDIT. */
void await_begin(struct await *a, enum await_kind kind, const struct report_input *in);
/* Before COMMAND_SYNC, of a document. */
void await_begin_document(struct await *a, uint8_t document, const struct report_input *in);

/*
 * With AWAIT_OVER *ret_answer is the caller's: {"error":text} when it did not come to its end, or
 *   sync: {"ok":true,"result":text,"sent":copy|null,"heard":copy|null}
 *   verify: {"ok":true,"result":text,"equal","repaired","rounds","node","peer","own":found,
 *    "peer_own":found,"buckets_at_peer":found|null,"buckets_here":found|null}: of the first
 *    round; "repaired" when a later one found nothing any more. Copy and found as in report.h.
 *   document: {"ok":true,"result":text,"node" that has taken it,"verdict":text,"reason"}; one that
 *    was refused is an error
 */
enum await_step await_look(struct await *a, const struct report_input *in, json_t **ret_answer);

#endif
