/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * message: what guardian, engine and clerk tell each other, over pairs of SOCK_SEQPACKET sockets.
 *
 * All are the same program, so a message is a struct. Groups go by id, since they change their
 * configuration one after the other.
 */
#ifndef NSRP_DAEMON_MESSAGE_H
#define NSRP_DAEMON_MESSAGE_H

#include "load.h"
#include "nsrp/node.h"
#include "nsrp/wire.h"

enum message_type {
	/* engine to guardian */
	MESSAGE_READY,    /* first, when it runs */
	MESSAGE_WILL,     /* will: a frame that the guardian may have to send */
	MESSAGE_ORDER,    /* role */
	MESSAGE_ANNOUNCE, /* group */
	MESSAGE_SAVE,     /* saved */
	MESSAGE_RECORD,   /* record: a line of history */
	MESSAGE_STEP,     /* step: what came after it */
	MESSAGE_RELOAD,   /* token: somebody asks for it */
	MESSAGE_WRITE,    /* write: netlink messages about neighbours, one at a time under way */
	MESSAGE_CLAIMED,  /* group: another node uses its virtual MAC for its addresses */
	MESSAGE_EXIT,     /* the engine's work is done */
	/* guardian to engine */
	MESSAGE_ROLE_DONE,     /* role */
	MESSAGE_LEASE_LOST,    /* group */
	MESSAGE_TAKEN_AWAY,    /* group */
	MESSAGE_PROBED,        /* probed: a script monitor's program came to its end */
	MESSAGE_COUNTED,       /* counted */
	MESSAGE_WRITTEN,       /* written: what became of them */
	MESSAGE_CONF,          /* token; a memfd with struct loaded comes along */
	MESSAGE_RELOAD_FAILED, /* token, text */
	MESSAGE_STOP,
	/* guardian to engine, and to clerk; its end of a new pair to the other comes along */
	MESSAGE_CLERK,
	/* clerk to engine: document */
	MESSAGE_DOCUMENT_PATCH,    /* of the one that is read next: base; a memfd comes along */
	MESSAGE_DOCUMENT_READ,     /* format, digest, lasting; a memfd comes along */
	MESSAGE_DOCUMENT_UNREAD,   /* text */
	MESSAGE_DOCUMENT_JUDGED,   /* digest, result, text */
	MESSAGE_DOCUMENT_COMPARED, /* token, text or a memfd with more of it */
	/* engine to clerk: document */
	MESSAGE_DOCUMENT_APPLY, /* purpose, form, token, digest, base; a memfd comes along */
	MESSAGE_DOCUMENT_KEEP,  /* digest */
	MESSAGE_DOCUMENT_LOAD,
};

enum {
	/* What is ordered after a MESSAGE_WRITE waits for it: so it is short. */
	MESSAGE_WRITES_MAX = 32,
	MESSAGE_WRITE_BYTES = 3072,
};

struct message {
	enum message_type type;
	union {
		uint8_t group;
		struct {
			uint8_t group;
			enum role role;
			uint32_t term;
			unsigned failed;
		} role;
		struct {
			uint16_t len;
			uint8_t bytes[WIRE_WILL_FRAME_MAX];
		} will;
		struct node_saved saved;
		struct {
			int64_t wall_ms;
			uint8_t group;
			char monitor[CONF_NAME_MAX]; /* as groups go by id; or empty */
			struct action_record change;
		} record;
		struct {
			uint8_t group;
			enum step step;
			mono_t at;
		} step;
		struct {
			/* By name, as groups go by id. */
			char monitor[CONF_NAME_MAX];
			bool ok;
		} probed;
		struct {
			enum counter counter;
			uint32_t n;
		} counted;
		struct {
			uint16_t n, len;
			_Alignas(8) uint8_t bytes[MESSAGE_WRITE_BYTES]; /* in a row, aligned to 4 */
		} write;
		struct {
			uint16_t n;
			int16_t error[MESSAGE_WRITES_MAX]; /* positive; 0 = done */
		} written;
		struct {
			uint32_t token; /* 0 = nobody waits */
			char text[LOAD_ERROR_MAX];
		} reload;
		struct message_document {
			uint8_t kind, format;
			enum document_purpose purpose;
			enum document_form form;
			enum document_result result;
			uint32_t token;
			struct document_digest digest, lasting, base;
			char text[DOCUMENT_TEXT_MAX];
		} document;
	};
};

/* The pair; both ends are non-blocking and close-on-exec. 0 or negative errno. */
int message_pair(int ret_fd[2]);

/* Sends; `with_fd` < 0 = no descriptor comes along. 0 or negative errno; -EAGAIN: the other side
 * does not read. */
int message_send(int fd, const struct message *message, int with_fd);

/* Receives one. 1, 0 when there is none, negative errno; -EPIPE: the other side is gone. *ret_fd is
 * a descriptor that is the caller's now, or -1. */
int message_receive(int fd, struct message *ret_message, int *ret_fd);

/* Memory that comes along is not changed any more by whoever sent it. 0 or negative errno. */
int message_seal(int fd);
bool message_is_sealed(int fd);

/* A memfd with a copy of *loaded, and back. A descriptor or 0, or negative errno. */
int message_pack(const struct loaded *loaded);
int message_unpack(int fd, struct loaded *ret_loaded);
/* The same without the keys. */
int message_pack_conf(const struct conf *conf);
int message_unpack_conf(int fd, struct conf *ret_conf);

#endif
