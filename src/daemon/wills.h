/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * wills: the frames that the engine entrusted to its guardian, until they are sent.
 */
#ifndef NSRP_DAEMON_WILLS_H
#define NSRP_DAEMON_WILLS_H

#include "nsrp/base.h"
#include "nsrp/conf.h"
#include "nsrp/wire.h"
#include "io/path.h"

/* Zero-initialised = none. */
struct wills {
	struct will_frame {
		uint16_t len; /* 0: none, or sent */
		uint8_t bytes[WIRE_WILL_FRAME_MAX];
	} frame[2 * CONF_PATHS_MAX];
};

/* Takes a copy of a HOLD or PARTING frame; it replaces the one of the same type and path. What is
 * neither is set aside. */
void wills_keep(struct wills *w, struct span frame);

/* Of another engine, which is no more. */
void wills_forget(struct wills *w);

/* Sends the frames of that type by their paths, and forgets them: each counts once. False: there
 * was none. */
bool wills_send(struct wills *w, enum wire_frame_type type, struct path *paths, unsigned n_paths);

#endif
