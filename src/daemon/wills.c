/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wills.h"

#include <string.h>

enum { TYPE_AT = 2, PATH_AT = 4 }; /* in a frame's header: doc/PROTOCOL.md, section 2 */

static uint16_t path_tag(const uint8_t *frame)
{
	return (uint16_t)(frame[PATH_AT] << 8 | frame[PATH_AT + 1]);
}

static bool is_free_for(const struct will_frame *f, const uint8_t *frame)
{
	return f->len == 0 ||
	       (f->bytes[TYPE_AT] == frame[TYPE_AT] && path_tag(f->bytes) == path_tag(frame));
}

void wills_keep(struct wills *w, struct span frame)
{
	struct will_frame *place = NULL;

	if (frame.len < WIRE_HEADER_LEN || frame.len > WIRE_WILL_FRAME_MAX)
		return;
	for (unsigned i = ARRAY_LEN(w->frame); i-- > 0;) {
		if (is_free_for(&w->frame[i], frame.data) && (place == NULL || w->frame[i].len > 0))
			place = &w->frame[i];
	}
	if (place == NULL) /* of paths that are no more: they go first */
		place = &w->frame[0];
	place->len = (uint16_t)frame.len;
	memcpy(place->bytes, frame.data, frame.len);
}

void wills_forget(struct wills *w)
{
	for (unsigned i = 0; i < ARRAY_LEN(w->frame); i++)
		w->frame[i].len = 0;
}

static bool send_one(const struct will_frame *f, struct path *paths, unsigned n_paths)
{
	for (unsigned i = 0; i < n_paths; i++) {
		if (paths[i].conf.tag == path_tag(f->bytes))
			return path_send(&paths[i], span_of(f->bytes, f->len)) == 0;
	}
	return false;
}

bool wills_send(struct wills *w, enum wire_frame_type type, struct path *paths, unsigned n_paths)
{
	bool sent = false;

	for (unsigned i = 0; i < ARRAY_LEN(w->frame); i++) {
		struct will_frame *f = &w->frame[i];

		if (f->len == 0 || f->bytes[TYPE_AT] != type)
			continue;
		sent |= send_one(f, paths, n_paths);
		f->len = 0;
	}
	return sent;
}
