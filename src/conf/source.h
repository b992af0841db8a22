/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * source: the text as blocks (a [section] and its lines) and entries (KEY = VALUE), each with
 * its line.
 *
 * inih splits the lines. Its reader callback is ours, and does what Debian's inih leaves out: it
 * counts lines, refuses long ones and odd bytes, takes leading blanks away (inih would append
 * such a line to the value above it), and notices sections, even empty ones.
 */
#ifndef NSRP_CONF_SOURCE_H
#define NSRP_CONF_SOURCE_H

#include "finding.h"
#include "nsrp/confread.h"

enum {
	CONF_BLOCKS_MAX = 512,
	CONF_ENTRIES_MAX = 16384,
	CONF_NO_NODE = -1,
};

struct conf_entry {
	unsigned line;
	const char *name, *value; /* as written, in conf_source.store */
	/* The rest is filled in by conf_entries_resolve(). */
	unsigned keyword; /* meaningful unless `ignored` */
	int node;         /* index, or CONF_NO_NODE for a plain line */
	bool ignored;     /* cannot be used; a finding says why */
};

struct conf_block {
	unsigned line;
	const char *title; /* as written: `group 0` */
	unsigned first_entry, n_entries;
	/* The rest is filled in by conf_sections_resolve(). */
	enum conf_section section;
	char name[CONF_NAME_MAX]; /* the argument; empty for [cluster] and [mirror] */
	unsigned id;              /* of a [group] */
	bool unknown;             /* no section of ours: nothing above is filled in */
	bool bad;                 /* something in it is wrong: it is not looked at any further */
};

struct conf_source {
	struct conf_findings *findings; /* borrowed */
	unsigned n_lines;
	unsigned n_blocks, n_entries;
	struct conf_block block[CONF_BLOCKS_MAX];
	struct conf_entry entry[CONF_ENTRIES_MAX];

	/* Below: only while reading. */
	const char *text; /* borrowed */
	size_t len, at;
	bool full;            /* a bound was hit: the rest is not read */
	unsigned pending_len; /* of a line that inih has not split yet; 0: none */
	const char *pending;
	char *store; /* borrowed: at least len + 1 bytes, for all names, values and titles */
	size_t stored;
};

/* Reads all of text; what is wrong becomes findings. `store` (len + 1 bytes) and `findings` are
 * borrowed for the life of the source. 0, or -ENOMEM. */
int conf_source_read(struct conf_source *s, const char *text, size_t len, char *store,
	struct conf_findings *findings);

/* The entries of one keyword in one block that count for a node: its own KEY.NODE lines if there
 * are any, else the plain ones. */
struct conf_lines {
	const struct conf_source *source;
	unsigned at, end;
	unsigned keyword;
	int node;
};

struct conf_lines conf_lines_of(
	const struct conf_source *s, const struct conf_block *block, unsigned keyword, int node);
const struct conf_entry *conf_lines_next(struct conf_lines *lines);

/* The first of them; NULL: none. */
const struct conf_entry *conf_source_find(
	const struct conf_source *s, const struct conf_block *block, unsigned keyword, int node);

/* The line of that entry, else of the block: where a finding about a keyword belongs. */
unsigned conf_source_line(
	const struct conf_source *s, const struct conf_block *block, unsigned keyword, int node);

#endif
