/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fault: what can go wrong, and when it does.
 */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include <stdbool.h>
#include <stdint.h>

struct world;

/* X(name, text) */
#define FAULTS(X)                                                                                  \
	X(LOSS, "a path loses frames")                                                             \
	X(DUPLICATE, "a path duplicates frames")                                                   \
	X(REORDER, "a path delays and reorders frames")                                            \
	X(WITHHELD, "an attacker keeps frames back and lets them go much later")                   \
	X(FAR, "all paths are long")                                                               \
	X(CORRUPT, "a path corrupts or cuts short frames")                                         \
	X(ONE_WAY, "one direction of a path is cut")                                               \
	X(CUT, "a path is cut")                                                                    \
	X(LINKS_CUT, "all HA links are cut, secondary paths stay")                                 \
	X(PARTITION, "all paths are cut")                                                          \
	X(DEAF, "all paths are cut in one direction")                                              \
	X(CARRIER, "an HA link loses its carrier")                                                 \
	X(REPLAY, "recorded frames come again")                                                    \
	X(GARBAGE, "foreign frames come")                                                          \
	X(FLOOD, "very many forged frames come")                                                   \
	X(POWER_OFF, "power off, state kept")                                                      \
	X(POWER_OFF_BLANK, "power off, state lost")                                                \
	X(ENGINE_CRASH, "the engine dies")                                                         \
	X(ENGINE_CRASH_TWICE, "the engine dies again and again")                                   \
	X(KILL_ALL, "guardian and engine die")                                                     \
	X(STALL, "both processes run a little late")                                               \
	X(SHORT_STALL, "both processes run late, and nobody can see it")                           \
	X(HANG, "the engine hangs")                                                                \
	X(PAUSE, "the machine is paused past the detection time")                                  \
	X(LONG_PAUSE, "the machine is paused past the lease")                                      \
	X(GUARDIAN_PAUSE, "the guardian alone is paused past the lease")                           \
	X(MONITOR, "a monitor changes its mind")                                                   \
	X(BOTH_MONITORS, "a monitor fails on both nodes")                                          \
	X(SYNC, "the in-sync state changes")                                                       \
	X(ASKED_UNFIT, "a standby that is not fit is asked to take over before it says so")        \
	X(MENDED_OUT_OF_SYNC, "a monitor recovers on a node out of sync")                          \
	X(SERVED, "traffic is seen")                                                               \
	X(FAILOVER, "the operator asks for a failover")                                            \
	X(FORCED_FAILOVER, "the operator forces a failover")                                       \
	X(MAINTENANCE, "the operator changes maintenance")                                         \
	X(FORCED_MAINTENANCE, "the operator forces maintenance")                                   \
	X(RELOAD, "the configuration is read again")                                               \
	X(PATH_RETURNS, "a path goes by one reload and comes back by the next")                    \
	X(STOP, "the service is stopped and started")                                              \
	X(MISSING, "another program removes addresses")                                            \
	X(THIEF, "another program keeps removing addresses")                                       \
	X(SLOW_KERNEL, "the kernel takes long for addresses")                                      \
	X(BOOT_TOGETHER, "both machines boot at once")                                             \
	X(BOOT_IN_MAINTENANCE, "a machine boots alone, in maintenance, which is lifted")           \
	X(MALFORMED, "a peer of a broken release sends nonsense, well sealed")                     \
	X(REKEY, "a session grows old")                                                            \
	X(ROTATION, "a machine starts again with another pair of cluster keys")                    \
	X(BURST, "very much traffic comes")                                                        \
	X(EVENTS_LOST, "a kernel loses events of its sessions")                                    \
	X(RUN_OUT, "sessions run out in a kernel")                                                 \
	X(REFUSED, "a kernel refuses sessions")                                                    \
	X(ALTERED, "another program removes and changes sessions")                                 \
	X(RESYNC, "the operator wants all sessions mirrored anew")                                 \
	X(AUDIT, "the operator wants the sessions compared")

enum fault {
#define X(name, text) FAULT_##name,
	FAULTS(X)
#undef X
		FAULT_COUNT
};

const char *fault_text(enum fault fault);

/* Lets one fault of the schedule's choosing begin now. */
void fault_happen(struct world *w);

/* ITEM_END_FAULT: a fault that lasted is over. */
void fault_end(struct world *w, unsigned fault, unsigned path, unsigned from);

/* The carrier of all HA links comes or goes. */
void fault_set_links(struct world *w, bool up);

/* Ends what is wrong with the paths, the kernels and the configurations. */
void fault_heal_all(struct world *w);

/* True while a machine is not back, or something is still to end. */
bool fault_lasts(const struct world *w);

#endif
