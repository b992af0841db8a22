/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * engine_state: what the engine's files share. engine.c starts it and steps the core, ways.c has
 * the paths and the interfaces, tables.c the kernel's tables that are mirrored, errands.c what of
 * them the guardian writes, interfaces.c on which interfaces, dumps.c and feeds.c what they tell,
 * monitors.c the monitors, served.c which groups serve, dossiers.c what the clerk reads and
 * applies, vitals.c the samples of the pulse, desk.c answers the control socket.
 */
#ifndef NSRP_DAEMON_ENGINE_STATE_H
#define NSRP_DAEMON_ENGINE_STATE_H

#include "engine.h"
#include "message.h"
#include "nsrp/node.h"
#include "io/aside.h"
#include "io/await.h"
#include "io/control.h"
#include "io/ear.h"
#include "io/kernel.h"
#include "io/loop.h"
#include "io/passage.h"
#include "io/path.h"
#include "io/report.h"
#include "io/seal.h"
#include "io/watch.h"

struct engine;

struct way { /* a path, and its place in the loop */
	struct engine *engine;
	unsigned index; /* in conf.path */
	bool open;
	bool peer_known; /* an authentic frame came by it, from peer_mac */
	uint8_t peer_mac[6];
	char device[CONF_DEVICE_MAX]; /* whose carrier counts: of a udp path, the one with its
					 address */
	struct path path;
	struct loop_fd io;
};

/* The kernel's tables: what the core wants of them cannot be had while the list of actions is
 * carried out, so it is noted, and done after that. */
struct tables {
	struct kernel *kernel; /* owned; NULL: nothing is mirrored */
	void *memory;          /* of the core's mirror, owned */
	size_t memory_len;
	uint32_t objects;          /* that it is made for */
	enum object_origin origin; /* of what is being delivered */
	bool reading;

	struct table_feed { /* of events */
		struct engine *engine;
		unsigned index;
		struct loop_fd io;
		struct loop_timer rest;
		mono_t read_at; /* last, and something was there */
	} feed[4];
	unsigned n_feeds;

	struct loop_timer dump_timer;
	struct aside dumper; /* reads what a dump brings */
	bool dump_asked, dump_running, dump_stepping;
	bool dump_unwanted; /* ends when what is being read has come */
	mono_t dump_waits;  /* for errands, until then at most; MONO_NEVER: for nothing */
	mono_t rest_until;
	uint8_t dump_kind;

	struct aside own_reader; /* of this node's addresses */
	struct loop_timer own_timer;
	bool own_changed;
	int own_error;
	struct ifaddrs *own_list; /* owned */

	struct errands {            /* for the guardian */
		size_t begin, end;  /* bytes of those that wait or are under way */
		unsigned under_way; /* the first so many */
		uint64_t orders, refused;
		_Alignas(8) uint8_t bytes[1024 * 1024];
	} errands;

	size_t n_refused, n_fetches;            /* bytes in use */
	_Alignas(8) uint8_t refused[64 * 1024]; /* struct table_refusal, and the order behind it */
	_Alignas(8) uint8_t fetch[32 * 1024];   /* kind, length, key */
};

/* Hears on the interface below virtual MACs, by one protocol. */
struct listener {
	struct engine *engine;
	char device[CONF_DEVICE_MAX];
	struct ear ear;
	struct loop_fd io;
};

struct served { /* what is forwarded is counted */
	struct loop_timer timer;
	unsigned wait_ms; /* until the count after the next */
	struct passage last;
	uint32_t term[CONF_GROUPS_MAX]; /* of masterships that `last` belongs to; 0 = none */
};

struct sentry; /* a monitor at work; see monitors.c */

/* The documents, and the way to the clerk. */
struct dossiers {
	int clerk_fd; /* -1 = there is none */
	struct loop_fd clerk_io;
	struct dossier {
		struct span bytes, patch; /* mapped; what the core was told of last */
		struct document_digest base;
		struct span next_patch; /* likewise, of the one that is read next */
		struct document_digest next_base;
		int incoming_fd;     /* the peer's, as far as it has come; -1 = none */
		uint32_t diff_token; /* of the request that waits for the clerk; 0 = none */
	} of[DOCUMENTS];
};

struct vitals {
	uint64_t beats; /* of the core's counter, when a frame came last */
	struct node_view view;
};

struct monitor_counts {
	uint64_t probes, answers, late, errors;
};

struct engine {
	const struct engine_setup *setup;
	const struct log *log;
	/* Two, since the core compares the one in force with the next. */
	struct loaded loaded[2];
	unsigned live;
	const struct conf *conf; /* &loaded[live].conf */
	struct seal seal;
	struct node *node;
	bool realtime;
	int status; /* of the process */

	struct loop loop;
	struct loop_timer core_timer;
	mono_t core_due; /* what it was set for last */
	struct loop_fd guardian_io;
	struct watch *watch;
	struct loop_fd watch_io;
	struct control_server control;
	struct loop_timer wait_timer;
	struct desk_wait {
		uint32_t token; /* of the request that is answered when this is over; 0 = none */
		struct await await;
	} wait[AWAITS_MAX];

	struct tables tables;
	struct dossiers dossiers;

	struct sentry *sentry[CONF_MONITORS_MAX]; /* by monitor; owned; NULL: none */
	struct monitor_counts ended_sentries;     /* of those that were stopped */
	uint64_t looks;                           /* groups whose links are to be read anew */
	struct loop_timer poll_timer;             /* of carriers */
	mono_t poll_until;

	unsigned n_listeners;
	struct listener listener[2 * CONF_VMACS_MAX];
	struct claims_told {
		mono_t at;         /* when the core was; MONO_NEVER: not yet */
		unsigned frames;   /* heard since, and not told */
	} told[CONF_VMACS_MAX][2]; /* of claims of others' addresses, of the group's */

	struct served served;
	struct vitals vitals;

	struct path_inbox inbox;
	struct way way[CONF_PATHS_MAX];
	struct path_counters ended_ways; /* of paths that were closed */
	uint64_t counted[COUNTER_COUNT]; /* by guardian and control socket */
	struct actions actions;
};

/* engine.c */
void engine_step(struct engine *e, const struct event *event);
void engine_carry_out(struct engine *e);
void engine_tell(struct engine *e, const struct message *m);

/* tables.c */
/* Before the core exists: memory and key of the mirror, in *env. Failure leaves *env without. */
void tables_prepare(struct engine *e, struct node_env *env);
/* 0, also when nothing is mirrored; or negative errno. */
int tables_init(struct engine *e);
void tables_fini(struct engine *e);
void tables_reconfigure(struct engine *e);
/* Addresses of this node came or went. (addresses.c) */
void tables_addresses_changed(struct engine *e);
/* Actions of the core; what they bring follows with tables_finish(). */
void tables_write(struct engine *e, struct span orders);
void tables_fetch(struct engine *e, uint8_t kind, struct span key);
void tables_dump(struct engine *e, uint8_t kind);
void tables_end_dump(struct engine *e);
/* An order was refused: the core is told with tables_finish(). `error` is positive. */
void tables_refused(struct engine *e, const struct object_order *order, int error);
/* Steps the core with what the actions brought. */
void tables_finish(struct engine *e);
/* Adds what the kernel's sockets counted. */
void tables_counters(const struct engine *e, uint64_t sum[COUNTER_COUNT]);

/* errands.c */
/* Orders of this kind are the guardian's to carry out. */
bool errands_has(uint8_t kind);
void errands_add(struct engine *e, const struct object_order *order);
/* Sends the next message, unless one is under way. */
void errands_send(struct engine *e);
/* MESSAGE_WRITTEN. */
void errands_done(struct engine *e, const struct message *m);
/* There are some that are not done. */
bool errands_wait(const struct engine *e);

/* interfaces.c */
/* An interface came or went; or the configuration changed. */
void tables_interfaces_changed(struct engine *e);

/* addresses.c */
int addresses_init(struct engine *e);
void addresses_fini(struct engine *e);

/* dumps.c */
int dumps_init(struct engine *e);
/* The errands that a dump waited for are done. */
void tables_dump_goes_on(struct engine *e);
void dumps_fini(struct engine *e);

/* feeds.c */
void feeds_init(struct engine *e);
/* Reads what waits. */
void feeds_read(struct engine *e);
void feeds_fini(struct engine *e);

/* ways.c */
int ways_init(struct engine *e);
void ways_fini(struct engine *e);
/* Opens, closes and keeps paths, from `old` to the present configuration. */
void ways_reconfigure(struct engine *e, const struct conf *old);
/* Tells the core the carrier of each path. */
void ways_tell_carriers(struct engine *e);
/* Everything that waits is heard. */
void ways_drain(struct engine *e);
/* Sums of all paths. */
void ways_counters(const struct engine *e, struct path_counters *ret_sum);

/* served.c */
void served_init(struct engine *e);
/* A mastership of a group begins. */
void served_taken(struct engine *e);
/* Groups have other places. */
void served_reconfigure(struct engine *e);
void served_neighbour_answered(struct engine *e, const struct watch_event *event);

/* monitors.c */
/* Before ways_init(), whose watch tells of links. */
void monitors_init(struct engine *e);
/* After it: link monitors live on its watch. What fails already is told to the core. */
void monitors_start(struct engine *e);
void monitors_fini(struct engine *e);
/* Starts and stops monitors; those that are the same by name and by what they ask go on. */
void monitors_reconfigure(struct engine *e);
/* An interface came, went or changed; any may have. */
void monitors_link_changed(struct engine *e, const struct watch_event *event);
void monitors_links_resynced(struct engine *e);
/* Reads the links of the groups in e->looks, and tells the core, also that it is done. */
void monitors_look_anew(struct engine *e);
/* One probe of a script monitor ended. Of another monitor, or none, it is not heard. */
void monitors_probed(struct engine *e, unsigned monitor, bool ok);
/* What is known of each monitor of the configuration. */
void monitors_look(const struct engine *e, struct report_monitor_fact facts[CONF_MONITORS_MAX]);
void monitors_counters(const struct engine *e, struct monitor_counts *ret_sum);

/* claims.c */
void claims_init(struct engine *e);
void claims_fini(struct engine *e);
void claims_reconfigure(struct engine *e);
/* An interface came, went or changed; any may have. */
void claims_link_changed(struct engine *e, const struct watch_event *event);
void claims_links_resynced(struct engine *e);

/* vitals.c: samples of the pulse, made by steps that there are anyway. */
/* Before the first step. */
void vitals_init(struct engine *e);
void vitals_reconfigure(struct engine *e);
/* Around each step. */
void vitals_woke(struct engine *e, mono_t now);
void vitals_stepped(struct engine *e, mono_t now);
/* A frame came by this path, and the core had it. */
void vitals_heard(struct engine *e, unsigned path);

/* dossiers.c */
void dossiers_init(struct engine *e);
void dossiers_fini(struct engine *e);
/* The documents that this build has, bit by number of the kind. */
uint32_t dossiers_kinds(void);
/* A new clerk is at the other end of fd, which is taken. */
bool dossiers_meet(struct engine *e, int fd);
/* Actions of the core. */
void dossiers_open(struct engine *e, uint8_t kind);
void dossiers_add(struct engine *e, uint8_t kind, struct span piece);
void dossiers_apply(struct engine *e, uint8_t kind, const struct action_document *what);
void dossiers_keep(struct engine *e, uint8_t kind, const struct action_document *what);
void dossiers_load(struct engine *e, uint8_t kind);

/* desk.c */
void desk_init(struct engine *e);
void desk_fini(struct engine *e);
void desk_command_ended(struct engine *e, uint32_t token, enum result result);
void desk_reload_ended(struct engine *e, uint32_t token, const char *error);
/* A document was compared with the peer's; NULL: it was not, for that reason. */
void desk_compared(struct engine *e, uint32_t token, const char *text, const char *why);

#endif
