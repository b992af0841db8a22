/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pair: two cores in virtual time over paths that work unless they are cut. Transcripts and
 * unit tests of what takes two nodes are made of it.
 *
 * Nothing is left to chance: a frame takes PAIR_FRAME_US, an address operation PAIR_ROLE_US.
 * The nodes' clocks differ. What the nodes log is kept as lines `fw1: text`, with the time.
 */
#ifndef SIM_PAIR_H
#define SIM_PAIR_H

#include "nsrp/node.h"
#include "entrusted.h"
#include "toy.h"

enum {
	PAIR_FRAME_US = 100,
	PAIR_ROLE_US = 200,
	PAIR_FRAME_MAX = 1536,
	PAIR_ITEMS_MAX = 4096,
	PAIR_MORE_MAX = 300, /* steps in a row that leave something to do */
	PAIR_LINES_MAX = 2048,
	PAIR_LINE_LEN = 160,
};

struct pair;
struct pair_kernel;
struct papers;

enum pair_item_type {
	PAIR_ITEM_FRAME,
	PAIR_ITEM_ROLE,    /* an order to the kernel */
	PAIR_ITEM_REFUSED, /* what the kernel says of sessions: an order that it refused ... */
	PAIR_ITEM_FETCHED, /* ... the session with the key in bytes, if there is one ... */
	PAIR_ITEM_DUMPED,  /* ... and a step of a dump */
	PAIR_ITEM_JUDGED,  /* the clerk is done with a document of kind `target` */
};

/* What is under way. */
struct pair_item {
	uint64_t at;
	uint32_t boot; /* void for another boot */
	unsigned node; /* to which */
	enum pair_item_type type;
	unsigned target; /* path, group, or enum refusal */
	struct action_role role;
	size_t len;
	uint8_t bytes[PAIR_FRAME_MAX];
};

struct pair_node {
	struct pair *pair;
	unsigned id;
	bool runs, paused;
	bool kernel_hangs; /* orders are not carried out */
	unsigned kernel_refuses;
	uint32_t boot;
	uint64_t clock; /* what its clock reads at the pair's time 0 */
	struct conf confs[2];
	struct conf *conf; /* one of the two */
	struct toy toy;
	const struct crypto *crypto; /* the toy's, unless a test changes it before the start */
	bool in_sync, realtime, no_carrier; /* at the start */
	unsigned finds;  /* monitors 0 .. finds-1 turn out to fail when they are read anew */
	uint16_t doubts; /* weight of those about to fail, then */
	bool blind;      /* it never ends to read them */
	uint64_t looks;  /* groups whose monitors are to be read anew */
	struct log log;
	struct node *node; /* owned */
	struct node_saved disk;
	struct actions *out;        /* owned */
	struct pair_kernel *kernel; /* owned; NULL = there is no mirror */
	struct papers *papers;      /* of its clerk; owned; NULL = it has none */
	bool clerk_hangs;           /* it is never done */
	bool owns[CONF_GROUPS_MAX];
	bool exited;
	unsigned n_replies, n_announced, n_frames;
	uint32_t token;              /* of the last command */
	enum result result;          /* of the last reply */
	struct action_record record; /* the last one */
	uint32_t told;               /* steps that came after records, bit by number */
	enum role ordered;           /* the last one */
	struct entrusted entrusted;  /* to the guardian */
};

struct pair {
	uint64_t now; /* us */
	struct pair_node side[2];
	bool cut[2][CONF_PATHS_MAX]; /* by sender */
	/* Whether a frame passes; NULL = every one. */
	bool (*passes)(struct pair *p, unsigned from, unsigned path, struct span frame);
	void *user;                  /* for `passes` */
	uint64_t nobody_us, both_us; /* without an owner of group 0, and with two */
	unsigned n_items;            /* in the order of `at` */
	struct pair_item *item;
	unsigned n_lines;
	struct {
		uint64_t at;
		char text[PAIR_LINE_LEN];
	} line[PAIR_LINES_MAX];
};

/* A pair that is off, with a configuration to change before the start: heartbeat 50 ms, lost
 * after 4; links ha0 and ha1, secondary path s0; group 7, fw1 has the better priority, no
 * preemption; monitors m0 (all groups, 255) and m1 (all groups, 100). */
struct pair *pair_new(void);
void pair_free(struct pair *p);
/* Changes the configuration of both nodes before the start: p->side[0].conf is copied to
 * p->side[1].conf. */
void pair_same_conf(struct pair *p);

/* Starts node i, in sync and with the links' carrier up, unless side[i] says otherwise. */
void pair_start(struct pair *p, unsigned i);
/* The engine is started again by its guardian: addresses stay and are adopted. */
void pair_restart_engine(struct pair *p, unsigned i);
/* The engine is no more: its addresses stay, and its guardian is silent. */
void pair_kill_engine(struct pair *p, unsigned i);
/* Its guardian sends what the engine entrusted; nothing the second time. */
void pair_guardian_says(struct pair *p, unsigned i, enum wire_frame_type type);
void pair_power_off(struct pair *p, unsigned i);
/* Paused: frames and results wait; they come before the timer when it wakes. */
void pair_pause(struct pair *p, unsigned i);
void pair_wake(struct pair *p, unsigned i);
void pair_run_us(struct pair *p, uint64_t us);
void pair_run(struct pair *p, uint64_t ms);
/* Both started and run until they are settled. */
void pair_start_both(struct pair *p);

/* What comes to node i at that time, to be filled in. */
struct pair_item *pair_push(struct pair *p, unsigned i, uint64_t at);

/* Both sides have a clerk with documents of these kinds (bit by number), which the configuration
 * wants; after pair_mirror(), before the start. */
void pair_documents(struct pair *p, uint32_t kinds);
/* The document of side i is another one, and its core hears so. */
void pair_write(struct pair *p, unsigned i, uint8_t kind, uint32_t number);
/* More of it changes by itself. */
void pair_stir(struct pair *p, unsigned i, uint8_t kind, uint32_t live);
uint32_t pair_document(const struct pair *p, unsigned i, uint8_t kind);
/* The clerk ends, and another one starts. */
void pair_kill_clerk(struct pair *p, unsigned i);
void pair_sync_document(struct pair *p, unsigned i, uint8_t kind, bool dry);
void pair_compare(struct pair *p, unsigned i, uint8_t kind);

/* Events. */
void pair_event(struct pair *p, unsigned i, const struct event *event);
void pair_timer(struct pair *p, unsigned i);
void pair_monitor(struct pair *p, unsigned i, unsigned monitor, bool ok);
void pair_sync(struct pair *p, unsigned i, bool in_sync);
void pair_served(struct pair *p, unsigned i, unsigned group);
void pair_stop(struct pair *p, unsigned i);
void pair_command(struct pair *p, unsigned i, enum command_verb verb, uint16_t group, bool force);
/* A command that the other node is to carry out on itself. */
void pair_command_peer(struct pair *p, unsigned i, enum command_verb verb, uint16_t group);
/* Bytes arrive by a path, whoever sent them. */
void pair_frame(struct pair *p, unsigned i, unsigned path, const void *bytes, size_t len);

void pair_cut(struct pair *p, unsigned path, bool cut); /* both ways */
void pair_cut_all(struct pair *p, bool cut);

/* The configuration to change before pair_reload(): a copy of the one in force. */
struct conf *pair_next_conf(struct pair *p, unsigned i);
enum result pair_reload(struct pair *p, unsigned i);

enum group_state pair_state(const struct pair *p, unsigned i, unsigned group);
enum path_state pair_path(const struct pair *p, unsigned i, unsigned path);
uint64_t pair_counter(const struct pair *p, unsigned i, enum counter counter);
mono_t pair_clock(const struct pair *p, unsigned i);

/* Forgets lines, times and counts. */
void pair_forget(struct pair *p);
/* When a line that contains `text` was written first, or -1. */
int64_t pair_said_at(const struct pair *p, const char *text);
unsigned pair_said(const struct pair *p, const char *text); /* how often */
/* The first of texts (NULL ends them) that no line contains behind the ones before it. */
const char *pair_unsaid(const struct pair *p, const char *const *texts);
void pair_print(const struct pair *p);

/* The value of a TLV of a SESSION frame that toy crypto sealed; empty when it has none. */
struct span pair_tlv(struct span frame, uint8_t type);

#endif
