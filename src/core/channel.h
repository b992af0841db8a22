/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * channel: records to the peer, each once and in order, or not at all from some point on (section
 * 9 of doc/PROTOCOL.md).
 *
 * The sending half packs records into numbered frames, keeps them until the peer has them, and
 * says which to send now: what was never sent, within a window; what the acknowledgements
 * show to be lost; what stays unacknowledged for too long; and at once all that is under way
 * on a link that died. The receiving half puts them in order, and says what to acknowledge.
 *
 * An *epoch* begins where the row breaks: at the start, and when the backlog overflows or the
 * peer is lost. It is named by the number of its first frame; numbers go on growing over all
 * epochs of a boot.
 *
 * Pure: no frame is sealed and no clock read here. The structures are large and live in
 * memory that is touched only where it is used.
 */
#ifndef NSRP_CORE_CHANNEL_H
#define NSRP_CORE_CHANNEL_H

#include "nsrp/base.h"
#include "nsrp/wire.h"

enum {
	CHANNEL_FIRST = 1 << 20,         /* the first number of a boot */
	CHANNEL_FRAMES = 4096,           /* kept at most, sent or not */
	CHANNEL_BYTES = 4 * 1024 * 1024, /* of them */
	CHANNEL_WINDOW = 256,            /* frames under way at most */
	CHANNEL_WINDOW_BYTES = 512 * 1024,
	CHANNEL_RESEND_MS = 20,  /* unacknowledged for so long, and none before it: sent again */
	CHANNEL_REORDER = 3,     /* a frame overtaken by so many is lost */
	CHANNEL_ACK_FRAMES = 16, /* acknowledged at least that often */
	CHANNEL_ACK_US = 5000,   /* and that soon */
	CHANNEL_ACK_RANGES = 16,
};

/* Whether number a comes before b; they wrap. */
static inline bool channel_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

/* How far a channel was heard: all before `next`; zeroed = nothing. */
struct channel_point {
	uint32_t epoch, next;
};

struct channel_out {
	uint32_t epoch;
	uint32_t base;      /* the oldest frame that the peer may lack */
	uint32_t fresh;     /* the oldest that was never sent */
	uint32_t next;      /* the one that is being filled */
	unsigned frame_max; /* bytes of records in a frame */
	unsigned frames;    /* kept at most */
	unsigned in_flight, in_flight_bytes, lost;
	mono_t moved_at;            /* `base` */
	struct channel_point heard; /* of the peer's channel, by what is written now */
	uint32_t tail, head; /* of `bytes`: where the oldest begins, where the next record goes */
	struct channel_frame {
		mono_t made_at, sent_at;
		struct channel_point heard;
		uint32_t at;
		uint16_t len;
		uint8_t path;
		bool acked, lost;
	} frame[CHANNEL_FRAMES]; /* by number */
	uint8_t bytes[CHANNEL_BYTES];
};

/* Zeroed memory -> a channel whose first epoch begins with CHANNEL_FIRST. It keeps `frames` frames,
 * or CHANNEL_FRAMES when that is 0. */
void channel_out_init(struct channel_out *c, unsigned frame_max, unsigned frames);
/* Drops what is kept; a new epoch begins. */
void channel_out_restart(struct channel_out *c);

/* Room for a record of `len` bytes (at most frame_max) behind the last one; NULL: the backlog
 * is full, and nothing changed. */
uint8_t *channel_out_record(struct channel_out *c, mono_t now, size_t len);
/* What is written from here on is said by one who has heard that of the peer's channel. */
void channel_out_heard(struct channel_out *c, struct channel_point heard);
/* Likewise, of what was written into that frame. */
struct channel_point channel_out_knows(const struct channel_out *c, uint32_t number);
/* The frame that is being filled may be sent. */
void channel_out_flush(struct channel_out *c);
/* The number under which the last record travels, or, where its frame is closed, the next one. */
uint32_t channel_out_number(const struct channel_out *c);

/* The next frame to send, if there is one; channel_out_sent() must follow. The one that is being
 * filled goes as it is, unless others have to wait, too. */
bool channel_out_due(
	struct channel_out *c, mono_t now, uint32_t *ret_number, struct span *ret_records);
void channel_out_sent(struct channel_out *c, mono_t now, uint32_t number, unsigned path);
/* What is under way on that path is lost. */
void channel_out_path_lost(struct channel_out *c, unsigned path);

struct channel_ack {
	uint32_t epoch, next; /* everything before `next` was delivered */
	unsigned n;
	struct {
		uint16_t first, end; /* offsets from next: also heard */
	} range[CHANNEL_ACK_RANGES];
};

/* False: it is not of this epoch, or not well-formed, and changed nothing. */
bool channel_out_acked(struct channel_out *c, mono_t now, const struct channel_ack *ack);

/* When channel_out_due() may have something that it has not now. */
mono_t channel_out_deadline(const struct channel_out *c);
/* Bytes that the peer may lack. */
size_t channel_out_backlog(const struct channel_out *c);
/* A quarter of what can be kept waits. */
bool channel_out_is_full(const struct channel_out *c);
/* The age of the oldest such frame; 0 if there is none. */
uint64_t channel_out_lag_us(const struct channel_out *c, mono_t now);

struct channel_in {
	bool open;  /* an epoch was heard of */
	bool rests; /* the caller's to set: what is next is kept, too */
	uint32_t epoch, next;
	uint32_t end; /* behind the last that was heard of */
	unsigned unacked, held;
	bool ack_now;
	mono_t ack_due;
	uint16_t len[CHANNEL_WINDOW]; /* of frames that wait for one before them; 0 = none */
	uint8_t bytes[CHANNEL_WINDOW][WIRE_FRAME_MAX];
};

enum channel_heard {
	CHANNEL_NEXT,  /* it is the next: deliver its records, then what channel_in_held() has */
	CHANNEL_EPOCH, /* likewise; and a new epoch has begun with it or before it */
	CHANNEL_WAITS, /* kept until the ones before it come, or the rest is over */
	CHANNEL_WAITS_EPOCH, /* likewise, of a new epoch */
	CHANNEL_AGAIN,       /* known already, or of an old epoch */
	CHANNEL_BEYOND,      /* too far ahead, or malformed: dropped */
};

/* Zeroed memory is a channel that heard nothing. */
enum channel_heard channel_in_heard(
	struct channel_in *c, mono_t now, uint32_t epoch, uint32_t number, struct span records);
/* The next frame in order waits. */
bool channel_in_is_held(const struct channel_in *c);
/* The next frame in order, if it waits; it is then taken as delivered. Borrowed until the next
 * call. */
bool channel_in_held(struct channel_in *c, mono_t now, struct span *ret_records);
/* The peer is another boot: its numbers begin anew. */
void channel_in_forget(struct channel_in *c);

bool channel_in_ack_due(const struct channel_in *c, mono_t now);
/* What to acknowledge; nothing is due after that. */
void channel_in_take_ack(struct channel_in *c, struct channel_ack *ret_ack);
mono_t channel_in_deadline(const struct channel_in *c);

#endif
