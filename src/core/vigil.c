/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vigil.h"

#include <assert.h>
#include <string.h>

#include "nsrp/wire.h"

enum { TLV_HEAD_LEN = 3 + 1 }; /* and the length of a record */

static uint32_t tag_of(const char *name)
{
	uint32_t hash = 0x811c9dc5;

	for (; *name != '\0'; name++)
		hash = (hash ^ (uint8_t)*name) * 0x01000193;
	return hash;
}

void vigil_init(struct vigil *v, const struct conf *conf)
{
	memset(v, 0, sizeof(*v));
	for (unsigned i = 0; i < conf->n_monitors; i++)
		v->tag[i] = tag_of(conf->monitor[i].name);
}

void vigil_tell_first(struct vigil *v, unsigned i)
{
	assert(i < CONF_MONITORS_MAX);
	v->next = i;
}

static unsigned how_many(const struct conf *conf, const struct writer *w)
{
	size_t left = w->size - w->used;
	size_t fit = left < TLV_HEAD_LEN ? 0 : (left - TLV_HEAD_LEN) / WIRE_MONITOR_RECORD_LEN;
	unsigned n = conf->n_monitors < VIGIL_RECORDS_MAX ? conf->n_monitors : VIGIL_RECORDS_MAX;

	return fit < n ? (unsigned)fit : n;
}

void vigil_put(struct vigil *v, const struct health *h, const struct conf *conf, struct writer *w)
{
	unsigned n = how_many(conf, w);

	if (n == 0)
		return;
	size_t mark = writer_tlv(w, WIRE_TLV_MONITORS);

	writer_u8(w, WIRE_MONITOR_RECORD_LEN);
	for (unsigned k = 0; k < n; k++) {
		unsigned i = (v->next + k) % conf->n_monitors;

		writer_u32(w, v->tag[i]);
		writer_u8(w, conf->monitor[i].weight);
		writer_u8(w, h->failed[i] ? WIRE_MONITOR_FAILS : 0);
	}
	writer_tlv_end(w, mark);
	v->next = (v->next + n) % conf->n_monitors;
}

bool vigil_is_well_formed(struct span value)
{
	struct reader r = reader_of(value);
	uint8_t len = reader_u8(&r);

	return reader_ok(&r) && len >= WIRE_MONITOR_RECORD_LEN && r.left % len == 0;
}

void vigil_heard(struct vigil *v, const struct conf *conf, struct span value)
{
	struct reader r = reader_of(value);
	uint8_t len = reader_u8(&r);

	while (r.left >= len && len >= WIRE_MONITOR_RECORD_LEN) {
		struct reader record = reader_of(reader_bytes(&r, len));
		uint32_t tag = reader_u32(&record);
		uint8_t weight = reader_u8(&record), flags = reader_u8(&record);

		for (unsigned i = 0; i < conf->n_monitors; i++) {
			if (v->tag[i] == tag)
				v->peer[i] = (struct monitor_view){
					.known = true,
					.ok = !(flags & WIRE_MONITOR_FAILS),
					.weight = weight,
				};
		}
	}
}

void vigil_forget_peer(struct vigil *v)
{
	memset(v->peer, 0, sizeof(v->peer));
}
