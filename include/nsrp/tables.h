/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tables: the election's rules, the reasons of changes, the outcomes of commands, and the
 * counters; each once. `why`, the log, the documents and the tests quote them. The number of a
 * reason and of a result travels on the wire and is never reused.
 */
#ifndef NSRP_TABLES_H
#define NSRP_TABLES_H

/* X(name, label, text). The order is the order of judgement within election.c. */
#define ELECTION_RULES(X)                                                                          \
	X(NONE, "0", "no rule has spoken yet")                                                     \
	X(INELIGIBLE, "1a", "an ineligible node never stands")                                     \
	X(NOBODY_ELIGIBLE, "1b", "both nodes are ineligible: there is no master")                  \
	X(SITTING_MASTER, "2a", "the sitting master stays")                                        \
	X(MASTER_INOPERABLE, "2b", "the master is inoperable and the peer operable")               \
	X(PREEMPT, "2c", "the peer preempts")                                                      \
	X(MANUAL, "2d", "the operator asked for it")                                               \
	X(ROBBED, "2e", "another program keeps removing the addresses of the master")              \
	X(RESTS, "2f", "it was moved a moment ago, and rests")                                     \
	X(BOTH_INOPERABLE, "3", "both are inoperable: nothing moves")                              \
	X(BETTER, "4a", "no master: the better node takes over")                                   \
	X(ALONE, "4b", "no master and nobody heard during the boot wait")                          \
	X(PEER_LOST, "4c", "the peer is lost: the survivor takes over")                            \
	X(TAKE_BACK, "4d", "the hand-over was not confirmed: the old master takes back")           \
	X(BOOTING, "4e", "waiting for what the peer says")                                         \
	X(HELD, "4f", "the peer still holds the addresses: waiting for it")                        \
	X(NOT_IN_SYNC, "5", "not in sync: does not preempt a live master")                         \
	X(TWO_MASTERS_OPERABLE, "6a", "two masters: the operable one stays")                       \
	X(TWO_MASTERS_SERVED, "6b", "two masters: the one that served stays")                      \
	X(TWO_MASTERS_TERM, "6c", "two masters: the higher term stays")                            \
	X(TWO_MASTERS_PRIORITY, "6d", "two masters: the better priority stays")                    \
	X(TWO_MASTERS_ID, "6e", "two masters: the lower node id stays")                            \
	X(TWO_MASTERS_ELIGIBLE, "6f", "two masters: the eligible one stays")

enum election_rule {
#define X(name, label, text) RULE_##name,
	ELECTION_RULES(X)
#undef X
		RULE_COUNT
};

/* X(name, number, text): why a group changed state. */
#define REASONS(X)                                                                                 \
	X(NONE, 0, "none")                                                                         \
	X(START, 1, "the daemon started")                                                          \
	X(ELECTED, 2, "elected")                                                                   \
	X(ALONE, 3, "nobody heard during the boot wait")                                           \
	X(PEER_LOST, 4, "peer lost")                                                               \
	X(PEER_PARTED, 5, "peer stopped")                                                          \
	X(PEER_IS_MASTER, 7, "the peer is master")                                                 \
	X(MANUAL, 8, "operator's failover")                                                        \
	X(MAINTENANCE, 9, "maintenance")                                                           \
	X(MONITORS, 10, "monitors")                                                                \
	X(PREEMPT, 11, "preemption")                                                               \
	X(TWO_MASTERS, 12, "two masters met")                                                      \
	X(NOT_CONFIRMED, 13, "hand-over not confirmed")                                            \
	X(LATE, 14, "this node ran late")                                                          \
	X(LEASE_LOST, 15, "the lease of the addresses ran out")                                    \
	X(STOPPING, 16, "the daemon stops")                                                        \
	X(SYNC, 17, "in-sync state changed")                                                       \
	X(RESUMED, 18, "the peer did not take over meanwhile")                                     \
	X(TAKEN_AWAY, 19, "another program keeps removing the addresses")

enum reason {
#define X(name, number, text) REASON_##name = number,
	REASONS(X)
#undef X
};

/* X(name, number, ok, text): how a command ended. */
#define RESULTS(X)                                                                                 \
	X(DONE, 0, true, "done")                                                                   \
	X(NO_GROUP, 1, false, "there is no such group")                                            \
	X(NO_MASTER, 2, false, "no node is master of the group")                                   \
	X(NO_PEER, 3, false, "the peer is not heard")                                              \
	X(PEER_INELIGIBLE, 4, false, "the peer is in maintenance")                                 \
	X(PEER_INOPERABLE, 5, false, "the peer is inoperable by its monitors")                     \
	X(PEER_NOT_IN_SYNC, 6, false, "the peer is not in sync yet")                               \
	X(LAST_ELIGIBLE, 7, false,                                                                 \
		"this is the last eligible node; use --force to have no master")                   \
	X(BUSY, 8, false, "a failover of the group is under way")                                  \
	X(NOT_CONFIRMED, 9, false, "the peer did not confirm; the old master took back")           \
	X(PEER_REFUSED, 10, false, "the peer refused")                                             \
	X(TIMEOUT, 11, false, "no answer from the peer in time")                                   \
	X(NOT_READY, 12, false, "this node is still starting")                                     \
	X(UNCHANGED, 13, true, "nothing to do")                                                    \
	X(NEEDS_RESTART, 14, false, "this change needs a restart of the daemon")                   \
	X(NOT_MIRRORED, 15, false,                                                                 \
		"it is not mirrored, or not read, on both nodes: see `nsrpctl show mirror`")

enum result {
#define X(name, number, ok, text) RESULT_##name = number,
	RESULTS(X)
#undef X
};

/* X(name, key, text): what a change of mastership goes through, as the history tells it. */
#define STEPS(X)                                                                                   \
	X(HEARD, "heard", "the peer was heard for the last time")                                  \
	X(ASKED, "asked", "the master asked its peer to take over")                                \
	X(ACCEPTED, "accepted", "the peer accepted")                                               \
	X(DRAINED, "drained", "the peer had every record")                                         \
	X(SET, "set", "the kernel had addresses and routes")                                       \
	X(ANNOUNCED, "announced", "the first announcement was out")                                \
	X(CONFIRMED, "confirmed", "the peer said that it is master")                               \
	X(SETTLED, "settled", "sessions ran out by their own timeouts again")

enum step {
#define X(name, key, text) STEP_##name,
	STEPS(X)
#undef X
		STEP_COUNT
};

/* X(name, key, text). Counters only grow. */
#define COUNTERS(X)                                                                                \
	X(FRAMES_SENT, "frames_sent", "frames handed to a path")                                   \
	X(FRAMES_HEARD, "frames_heard", "authentic frames accepted")                               \
	X(DROP_SHORT, "drop_short", "dropped: shorter than a frame can be")                        \
	X(DROP_MAGIC, "drop_magic", "dropped: not our magic number")                               \
	X(DROP_VERSION, "drop_version", "dropped: unknown protocol version")                       \
	X(DROP_TYPE, "drop_type", "dropped: unknown frame type")                                   \
	X(DROP_CLUSTER, "drop_cluster", "dropped: another cluster's frame")                        \
	X(DROP_PATH, "drop_path", "dropped: sent for another path")                                \
	X(DROP_REFLECTED, "drop_reflected", "dropped: our own frame came back")                    \
	X(DROP_LENGTH, "drop_length", "dropped: length field and frame disagree")                  \
	X(DROP_KEY, "drop_key", "dropped: sealed under an unknown cluster key")                    \
	X(DROP_SESSION, "drop_session", "dropped: not of a session we know")                       \
	X(DROP_REPLAY, "drop_replay", "dropped: heard before, or too old to tell")                 \
	X(DROP_AUTH, "drop_auth", "dropped: not authentic")                                        \
	X(DROP_RATE, "drop_rate", "dropped unread: too many unauthentic frames on the path")       \
	X(DROP_MALFORMED, "drop_malformed", "dropped: authentic, but not well-formed")             \
	X(HELLOS_HEARD, "hellos_heard", "authentic hello frames")                                  \
	X(HELLOS_STALE, "hellos_stale", "hello frames that do not answer our present offer")       \
	X(HANDSHAKES, "handshakes", "sessions confirmed")                                          \
	X(REKEYS, "rekeys", "sessions renewed by volume or time")                                  \
	X(BEATS_SENT, "beats_sent", "heartbeats sent")                                             \
	X(BEATS_HEARD, "beats_heard", "heartbeats heard")                                          \
	X(BEATS_OLD, "beats_old", "heartbeats that a newer one overtook")                          \
	X(BEATS_STALE, "beats_stale", "heartbeats that echo nothing recent")                       \
	X(LATE, "late", "times this node ran late by more than a tenth of a heartbeat")            \
	X(LATE_DETECTION, "late_detection", "times this node ran late by the detection time")      \
	X(PEER_LOST, "peer_lost", "times the peer was lost")                                       \
	X(HOLDS_HEARD, "holds_heard", "times the peer's guardian said that its engine restarts")   \
	X(HOLDS_SENT, "holds_sent", "times the guardian said that the engine restarts")            \
	X(PARTINGS_SENT, "partings_sent", "times the guardian said that this node gave up")        \
	X(PARTINGS_HEARD, "partings_heard", "times the peer's guardian said that it gave up")      \
	X(SUSPICIONS, "suspicions", "times all HA links lost their carrier at once")               \
	X(TAKEOVERS, "takeovers", "masterships taken")                                             \
	X(WITHDRAWALS, "withdrawals", "masterships given up")                                      \
	X(TWO_MASTERS, "two_masters", "times another master was met")                              \
	X(HANDOVERS, "handovers", "planned failovers completed")                                   \
	X(HANDOVERS_FAILED, "handovers_failed", "planned failovers that did not happen")           \
	X(REQUESTS, "requests", "commands heard from the peer")                                    \
	X(SEND_ERRORS, "send_errors", "frames the kernel did not take")                            \
	X(SEND_FILTERED, "send_filtered", "frames a netdev egress rule dropped")                   \
	X(RECEIVE_OVERRUNS, "receive_overruns", "times a path's receive buffer ran over")          \
	X(ROLE_ERRORS, "role_errors", "addresses or routes the kernel refused")                    \
	X(PUT_BACK, "put_back", "what was put back of addresses, routes, macvlans and settings")   \
	X(MAC_CLASHES, "mac_clashes", "frames of another cluster from our virtual MACs")           \
	X(RECORDS_SENT, "records_sent", "mirror: records sent")                                    \
	X(RECORDS_HEARD, "records_heard", "mirror: records delivered")                             \
	X(RECORDS_MALFORMED, "records_malformed", "mirror: records that were not well-formed")     \
	X(EVENTS_UNCHANGED, "events_unchanged", "mirror: events that changed nothing mirrored")    \
	X(EVENTS_LOST, "events_lost", "mirror: times the kernel lost events")                      \
	X(FETCHED, "fetched", "mirror: objects asked of the kernel one by one")                    \
	X(INSTALLED, "installed", "mirror: objects given to the kernel")                           \
	X(REFUSED_CLASH, "refused_clash", "mirror: refused, another object is in the way")         \
	X(REFUSED_FULL, "refused_full", "mirror: refused, the kernel's table is full")             \
	X(REFUSED_OTHER, "refused_other", "mirror: refused by the kernel for another reason")      \
	X(MISSING, "missing", "mirror: changes of objects that were not here")                     \
	X(RENEWED, "renewed", "mirror: objects of the peer that ran out here and were put back")   \
	X(SWEPT, "swept", "mirror: objects removed since the peer has them no more")               \
	X(INDEX_FULL, "index_full", "mirror: objects that found no room in the index")             \
	X(RESYNCS_SENT, "resyncs_sent", "mirror: full copies sent")                                \
	X(RESYNCS_HEARD, "resyncs_heard", "mirror: full copies received")                          \
	X(AUDITS, "audits", "mirror: comparisons of kernel and index")                             \
	X(AUDIT_REPAIRS, "audit_repairs", "mirror: differences that an audit of the kernel found") \
	X(SUMS_DIFFER, "sums_differ", "mirror: times a bucket of the two nodes differed")          \
	X(OFFERS, "offers", "mirror: objects of a former master taken over")                       \
	X(DOCUMENTS_READ, "documents_read", "documents: this node's read anew, and changed")       \
	X(DOCUMENTS_SENT, "documents_sent", "documents: sent to the peer to their end")            \
	X(DOCUMENTS_HEARD, "documents_heard", "documents: the peer's that came to their end")      \
	X(DOCUMENTS_AGAIN, "documents_again", "documents: asked for once more")                    \
	X(DOCUMENTS_ACCEPTED, "documents_accepted", "documents: the peer's that were applied")     \
	X(DOCUMENTS_REFUSED, "documents_refused", "documents: the peer's that were refused")       \
	X(DOCUMENTS_DRIFTED, "documents_drifted", "documents: times a standby's was changed")      \
	X(CHANNEL_RESENT, "channel_resent", "channel: frames sent again")                          \
	X(CHANNEL_AGAIN, "channel_again", "channel: frames heard before")                          \
	X(CHANNEL_BEYOND, "channel_beyond", "channel: frames too far ahead")                       \
	X(CHANNEL_OVERFLOWS, "channel_overflows", "channel: times it could not keep up")           \
	X(KERNEL_EVENTS, "kernel_events", "kernel: messages of mirrored tables heard")             \
	X(KERNEL_IGNORED, "kernel_ignored", "kernel: messages of what is not mirrored")            \
	X(KERNEL_OVERRUNS, "kernel_overruns", "kernel: times its messages overran the socket")     \
	X(KERNEL_MALFORMED, "kernel_malformed", "kernel: messages that were not understood")       \
	X(KERNEL_DUMPS, "kernel_dumps", "kernel: dumps of tables begun")                           \
	X(KERNEL_DUMPED, "kernel_dumped", "kernel: objects that dumps brought")                    \
	X(KERNEL_RESTARTED, "kernel_restarted", "kernel: dumps begun anew, the table had moved")   \
	X(KERNEL_ORDERS, "kernel_orders", "kernel: orders given")                                  \
	X(KERNEL_REFUSED, "kernel_refused", "kernel: orders it did not carry out")                 \
	X(MONITOR_PROBES, "monitor_probes", "monitors: probes sent")                               \
	X(MONITOR_ANSWERS, "monitor_answers", "monitors: probes answered in time")                 \
	X(MONITOR_LATE, "monitor_late", "monitors: probes answered too late")                      \
	X(MONITOR_ERRORS, "monitor_errors", "monitors: probes that could not be sent")             \
	X(CONTROL_REQUESTS, "control_requests", "requests on the control socket")                  \
	X(CONTROL_MALFORMED, "control_malformed", "requests that were not well-formed")            \
	X(CONTROL_REFUSED, "control_refused", "requests refused for lack of permission")           \
	X(ENGINE_STARTS, "engine_starts", "engines the guardian started")                          \
	X(CLERK_STARTS, "clerk_starts", "clerks the guardian started")                             \
	X(HOOKS_RUN, "hooks_run", "hooks: runs")                                                   \
	X(HOOKS_FAILED, "hooks_failed", "hooks: runs that did not exit 0")                         \
	X(HOOKS_SKIPPED, "hooks_skipped", "hooks: states that were over before they were told")    \
	X(SCRIPTS_FAILED, "scripts_failed", "script monitors: runs that did not exit 0")           \
	X(SCRIPTS_SKIPPED, "scripts_skipped", "script monitors: runs left out, one still ran")     \
	X(PROGRAMS_HUNG, "programs_hung", "hooks and scripts killed, their time was over")

enum counter {
#define X(name, key, text) COUNTER_##name,
	COUNTERS(X)
#undef X
		COUNTER_COUNT
};

#endif
