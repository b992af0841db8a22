/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * document: what is mirrored as a whole, beside the objects that are mirrored one by one.
 *
 * A document is a row of bytes with a digest: the ruleset, the listed files. Bytes and digest are
 * made by the one file that knows the kind, in names that both nodes understand, so that equal
 * configurations have equal digests. One node's counts, the source's, and the other node has the
 * same, or refused it with a reason, or was changed there (core/document.h says by which rules).
 *
 * The operations run in the *clerk*, a child of the guardian that may block. The core never sees
 * more than bytes. A kind is one struct document_ops, and one line in src/io/document_table.c.
 */
#ifndef NSRP_DOCUMENT_H
#define NSRP_DOCUMENT_H

#include <stdio.h>

#include "nsrp/base.h"
#include "nsrp/conf.h"
#include "nsrp/log.h"

/* X(name, number, text): numbers travel on the wire and are never reused; those of OBJECT_KINDS are
 * taken. The text is the noun of CLI and log. */
#define DOCUMENT_KINDS(X)                                                                          \
	X(RULESET, 6, "ruleset")                                                                   \
	X(FILES, 7, "files")

enum document_kind {
#define X(name, number, text) DOCUMENT_##name = number,
	DOCUMENT_KINDS(X)
#undef X
};

/* Sets of kinds: bit by number. */
enum {
	/* Nothing is mirrored before the operator asked for it once on this pair. */
	DOCUMENTS_ASKED_FOR = 1 << DOCUMENT_RULESET,
	/* It goes with the power: the last one that both nodes had is kept in STATEDIR, and applied
	 * after a boot when the peer is not heard. */
	DOCUMENTS_KEPT = 1 << DOCUMENT_RULESET,
};

enum {
	DOCUMENT_FIRST = 6, /* the lowest number of a kind */
	DOCUMENTS = 2,      /* kinds, whose numbers follow each other */
	DOCUMENT_DIGEST_LEN = 16,
	DOCUMENT_BYTES_MAX = 64 * 1024 * 1024, /* a longer one is refused */
	DOCUMENT_TEXT_MAX = 240,               /* of a reason, one line, with the final NUL */
};

struct document_digest {
	uint8_t bytes[DOCUMENT_DIGEST_LEN];
};

/* X(name, number, text): what came of a source's document at the other node. Numbers travel on the
 * wire and are never reused. */
#define DOCUMENT_RESULTS(X)                                                                        \
	X(EQUAL, 1, "it was there already")                                                        \
	X(ACCEPTED, 2, "accepted")                                                                 \
	X(REFUSED, 3, "refused: the old one stays")                                                \
	X(VALID, 4, "it would be accepted")                                                        \
	X(INVALID, 5, "it would be refused")                                                       \
	X(BASE_MISSING, 6, "a patch of another document: the whole one is needed")

enum document_result {
#define X(name, number, text) DOCUMENT_##name = number,
	DOCUMENT_RESULTS(X)
#undef X
};

/* What bytes stand for: a whole document, or what changed since another one (its *base*). */
enum document_form { DOCUMENT_WHOLE = 0, DOCUMENT_PATCH = 1 };

/* What came of apply(). */
struct document_verdict {
	enum document_result result;
	char text[DOCUMENT_TEXT_MAX]; /* why, or what is worth saying; may be empty */
};

/* What read() found out. */
struct document_reading {
	struct document_digest digest;
	/* Of what does not come and go by itself, without anybody's word; the digest, when nothing
	 * of it does. */
	struct document_digest lasting;
	/* What changed since the document with the digest `base`, when that is much less than all
	 * of it: a sealed memfd, the caller's from then on; -1: none. */
	int patch_fd;
	struct document_digest base;
};

/* What is to be applied. */
struct document_offer {
	enum document_form form;
	int fd;                        /* its bytes, from offset 0; borrowed */
	struct document_digest digest; /* of the whole document that is to be there in the end */
	struct document_digest base;   /* of a patch */
};

/* What a kind is told at open(); borrowed until close(). */
struct document_setup {
	const struct conf *conf;
	const struct log *log;
	const char *statedir;
	const char *conf_file; /* the daemon's own configuration */
};

/* All may block. `self` is what open() made. */
struct document_ops {
	const char *name;
	uint8_t kind;
	uint8_t format; /* of its bytes, 1 to 255: nodes with different ones exchange nothing */
	/* Read at least that often, in milliseconds. */
	uint32_t interval_ms;

	/* True when the configuration wants this kind mirrored. */
	bool (*wanted)(const struct conf *conf);
	/* 0 and *ret_self, or negative errno. */
	int (*open)(const struct document_setup *setup, void **ret_self);
	void (*close)(void *self);
	/* Readable when something may have changed; -1: there is nothing to wait for. */
	int (*fd)(const void *self);
	/* `fd` is readable. True: the document is to be read again, soon. */
	bool (*heard)(void *self);
	/*
	 * Writes the document as it is now to the end of `memfd`, which is empty, and fills *ret.
	 * 0, or negative errno with one line of reason in `why`; then nothing of memfd counts. Nor
	 * does it when the digest is that of the call before, which did not fail.
	 */
	int (*read)(
		void *self, int memfd, struct document_reading *ret, char why[DOCUMENT_TEXT_MAX]);
	/*
	 * Makes this host have that document, or leaves everything as it is; nothing between.
	 * `dry`: only finds out what would come of it. ret->result is ACCEPTED or REFUSED (VALID or
	 * INVALID when dry), or BASE_MISSING for a patch whose base is not what this host has. The
	 * bytes come from the other node: they are believed in nothing.
	 */
	void (*apply)(void *self, const struct document_offer *offer, bool dry,
		struct document_verdict *ret);
	/* Writes, in readable form, how this host's document (`-` lines) differs from the other
	 * node's (`+` lines) in `fd`. 0, or negative errno with a reason in `why`. */
	int (*diff)(void *self, int fd, FILE *to, char why[DOCUMENT_TEXT_MAX]);
};

/* The kinds of this build, ended by NULL. */
extern const struct document_ops *const document_table[];
/* NULL if there is none. */
const struct document_ops *document_ops_of(uint8_t kind);

/* The place of a kind among DOCUMENTS; DOCUMENTS when there is no such kind. */
static inline unsigned document_place(uint8_t kind)
{
	unsigned place = (unsigned)kind - DOCUMENT_FIRST;

	return kind >= DOCUMENT_FIRST && place < DOCUMENTS ? place : DOCUMENTS;
}

static inline uint8_t document_kind_at(unsigned place)
{
	return (uint8_t)(DOCUMENT_FIRST + place);
}

#endif
