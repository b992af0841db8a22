/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ruleset_name.h"

#include <endian.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nsrp/object.h"

/* libnftables' numbers of types, which it gives the kernel to keep. */
enum {
	TYPE_BITS = 6,
	TYPE_MASK = 63,
	TYPE_INDEX = 20,
	TYPE_NAME = 41,
};

enum { MARK_LOGICAL = 1, MARK_GONE = 2, DIGITS = 8, LETTER_AT = 1 + DIGITS };

/* An index that no interface gets. */
enum { INDEX_GONE = 0x7fffffff };

/* Letters of the third form. In order, an end behind its start. */
enum {
	LETTER_NAME = 'n',   /* the name, 16 bytes */
	LETTER_WILD = 'w',   /* the start of names, as long as it is */
	LETTER_START = 's',  /* the start of names, the last byte of it raised by one: an end */
	LETTER_AFTER = 'o',  /* the name, then the last of 16 bytes raised by one: an end */
	LETTER_FILLED = 'f', /* the start of names, filled with ones: an end */
};

/* Bytes of a value of that type in a register; 0 = not known. */
static size_t type_len(uint32_t type)
{
	/* By number: protocol family, bit masks and numbers, addresses, Ethernet type, … */
	static const uint8_t len[] = { [2] = 1,
		[6] = 16,
		[7] = 4,
		[8] = 16,
		[9] = 6,
		[10] = 2,
		[11] = 2,
		[12] = 1,
		[13] = 2,
		[14] = 1,
		[15] = 1,
		[16] = 1,
		[17] = 1,
		[18] = 8,
		[19] = 4,
		[TYPE_INDEX] = 4,
		[21] = 2,
		[22] = 4,
		[23] = 4,
		[24] = 4,
		[25] = 4,
		[26] = 4,
		[27] = 1,
		[28] = 4,
		[29] = 1,
		[30] = 16,
		[31] = 1,
		[32] = 1,
		[33] = 1,
		[34] = 1,
		[35] = 4,
		[36] = 1,
		[37] = 1,
		[38] = 4,
		[39] = 1,
		[40] = 4,
		[TYPE_NAME] = 16,
		[42] = 1,
		[43] = 8,
		[44] = 4,
		[45] = 1,
		[46] = 8 };
	size_t n = type < ARRAY_LEN(len) ? len[type] : 0;

	return (n + 3) & ~(size_t)3;
}

static uint8_t kind_of(uint32_t type)
{
	return type == TYPE_NAME    ? RULESET_PART_NAME
	       : type == TYPE_INDEX ? RULESET_PART_INDEX
				    : RULESET_PART_OTHER;
}

/* Lengths of all parts, when at most one type is of no known length. */
static bool fill_lengths(struct ruleset_parts *p, const uint32_t *type, size_t len)
{
	size_t sum = 0;
	unsigned unknown = p->n;

	for (unsigned i = 0; i < p->n; i++) {
		size_t n = type_len(type[i]);

		if (n == 0 && unknown != p->n)
			return false;
		if (n == 0)
			unknown = i;
		p->part[i].len = (uint16_t)n;
		sum += n;
	}
	if (unknown != p->n && sum < len) {
		p->part[unknown].len = (uint16_t)(len - sum);
		sum = len;
	}
	return sum == len;
}

static bool take_lengths(struct ruleset_parts *p, const uint32_t *field_len, size_t len)
{
	size_t sum = 0;

	for (unsigned i = 0; i < p->n; i++) {
		if (field_len[i] == 0 || field_len[i] > len)
			return false;
		p->part[i].len = (uint16_t)((field_len[i] + 3) & ~3u);
		sum += p->part[i].len;
	}
	return sum == len;
}

void ruleset_parts_of(const struct ruleset_layout *of, struct ruleset_parts *ret)
{
	uint32_t type = of->type;
	size_t len = of->len;
	uint32_t types[RULESET_PARTS_MAX];
	bool any = false, fits = true;

	ret->n = 0;
	if (type == NFT_DATA_VERDICT || type == 0 || len > UINT16_MAX)
		return;
	for (uint32_t t = type; t != 0; t >>= TYPE_BITS)
		ret->n++;
	for (unsigned i = ret->n; i-- > 0; type >>= TYPE_BITS) {
		types[i] = type & TYPE_MASK;
		ret->part[i].kind = kind_of(types[i]);
		any |= ret->part[i].kind != RULESET_PART_OTHER;
	}
	if (ret->n == 1)
		ret->part[0].len = (uint16_t)len;
	else
		fits = of->n_fields == ret->n ? take_lengths(ret, of->field_len, len)
					      : fill_lengths(ret, types, len);
	/* The end of an interval of indexes is no index. */
	if (ret->n == 1 && of->intervals && ret->part[0].kind == RULESET_PART_INDEX)
		any = false;
	for (unsigned i = 0; i < ret->n; i++) {
		struct ruleset_part *p = &ret->part[i];

		fits &= (p->kind != RULESET_PART_NAME || p->len == RULESET_NAME_LEN) &&
			(p->kind != RULESET_PART_INDEX || p->len == sizeof(uint32_t));
		if (p->kind == RULESET_PART_INDEX && of->intervals)
			p->kind = RULESET_PART_INDEX_BIG;
	}
	if (!any || !fits)
		ret->n = 0;
}

uint32_t ruleset_name_hash(const char *logical)
{
	return object_hash(0, logical, strlen(logical));
}

/* The logical name of that device; `len` bytes of name. */
static const char *logical_of(const struct conf *conf, const uint8_t *name, size_t len)
{
	for (unsigned i = 0; i < conf->n_interfaces; i++) {
		const struct conf_interface *f = &conf->interface[i];

		if (strlen(f->device) == len && memcmp(f->device, name, len) == 0)
			return f->name;
	}
	return NULL;
}

static const char *device_of(const struct conf *conf, uint32_t hash)
{
	for (unsigned i = 0; i < conf->n_interfaces; i++) {
		if (ruleset_name_hash(conf->interface[i].name) == hash)
			return conf->interface[i].device;
	}
	return NULL;
}

static size_t name_len(const uint8_t *bytes, size_t len)
{
	return strnlen((const char *)bytes, len);
}

static bool all_are(const uint8_t *bytes, size_t len, uint8_t value)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] != value)
			return false;
	}
	return true;
}

/* Takes a name apart: how many bytes of it are the name, into `base`, and how it ends. */
static size_t take_apart(const uint8_t *in, size_t len, enum ruleset_end end,
	uint8_t base[RULESET_NAME_LEN], char *ret_letter)
{
	size_t n = name_len(in, len);

	memcpy(base, in, len);
	*ret_letter = LETTER_NAME;
	if (end == RULESET_END_OPEN && n < len && all_are(in + n, len - n - 1, 0) &&
		in[len - 1] == 1) {
		*ret_letter = LETTER_AFTER;
	} else if (end == RULESET_END_OPEN && n > 0) {
		*ret_letter = LETTER_START;
		base[n - 1]--;
	} else if (end == RULESET_END_CLOSED && in[len - 1] == 0xff) {
		*ret_letter = LETTER_FILLED;
		for (n = len; n > 0 && in[n - 1] == 0xff;)
			n--;
	}
	return n;
}

/* Whether nothing but zeros follows the name where something may. */
static bool ends_well(const uint8_t *in, size_t n, size_t len, char letter)
{
	return letter == LETTER_FILLED || letter == LETTER_AFTER || all_are(in + n, len - n, 0);
}

static void put_logical(const char *logical, char letter, struct ruleset_room *out)
{
	char text[RULESET_NAME_LEN] = { MARK_LOGICAL };
	char digits[DIGITS + 1];

	(void)snprintf(digits, sizeof(digits), "%08x", ruleset_name_hash(logical));
	memcpy(text + 1, digits, DIGITS);
	text[LETTER_AT] = letter;
	ruleset_room_put(out, text, sizeof(text));
}

static void name_part(const struct ruleset_host *host, const uint8_t *in, size_t len,
	enum ruleset_end end, struct ruleset_room *out)
{
	uint8_t base[RULESET_NAME_LEN];
	char letter;
	size_t n = take_apart(in, len, end, base, &letter);
	const char *logical =
		n > 0 && ends_well(in, n, len, letter) ? logical_of(host->conf, base, n) : NULL;

	/* The start of a name is as long as it is; one that is logical is told by its length. */
	if (logical == NULL)
		ruleset_room_put(out, in, len);
	else
		put_logical(logical, len < RULESET_NAME_LEN ? LETTER_WILD : letter, out);
}

static bool is_index(uint8_t kind)
{
	return kind == RULESET_PART_INDEX || kind == RULESET_PART_INDEX_BIG;
}

static void index_part(
	const struct ruleset_host *host, const uint8_t *in, bool big, struct ruleset_room *out)
{
	char name[RULESET_NAME_LEN] = { 0 };
	const char *logical = NULL;
	uint32_t index;

	memcpy(&index, in, sizeof(index));
	if (big)
		index = be32toh(index);
	if (index != 0 && host->name_of(index, name))
		logical = logical_of(host->conf, (const uint8_t *)name, strlen(name));
	else if (index != 0)
		name[0] = MARK_GONE;
	if (logical != NULL)
		put_logical(logical, LETTER_NAME, out);
	else
		ruleset_room_put(out, name, sizeof(name));
}

void ruleset_name_to_document(const struct ruleset_host *host, const struct ruleset_parts *parts,
	struct span in, enum ruleset_end end, struct ruleset_room *out)
{
	const uint8_t *at = in.data;
	size_t left = in.len;

	for (unsigned i = 0; i < parts->n; i++) {
		const struct ruleset_part *p = &parts->part[i];

		if (p->len > left)
			break;
		if (p->kind == RULESET_PART_NAME)
			name_part(host, at, p->len, end, out);
		else if (is_index(p->kind))
			index_part(host, at, p->kind == RULESET_PART_INDEX_BIG, out);
		else
			ruleset_room_put(out, at, p->len);
		at += p->len;
		left -= p->len;
	}
	ruleset_room_put(out, at, left);
}

/* The logical name's hash in a part of the document. */
static bool read_hash(const uint8_t *in, uint32_t *ret)
{
	char digits[DIGITS + 1] = { 0 }, *end;

	memcpy(digits, in + 1, DIGITS);
	*ret = (uint32_t)strtoul(digits, &end, 16);
	return *end == '\0';
}

/* The device that a part names, "" = none. */
static int device_named(const struct ruleset_host *host, const uint8_t *in,
	char ret_device[RULESET_NAME_LEN], struct ruleset_unknown *ret_unknown)
{
	const char *device;
	uint32_t hash;

	if (in[0] != MARK_LOGICAL) {
		memcpy(ret_device, in, RULESET_NAME_LEN);
		return in[RULESET_NAME_LEN - 1] == 0 ? 0 : -EBADMSG;
	}
	if (!read_hash(in, &hash))
		return -EBADMSG;
	device = device_of(host->conf, hash);
	if (device == NULL) {
		*ret_unknown = (struct ruleset_unknown){ .hash = hash };
		return -ENODEV;
	}
	memset(ret_device, 0, RULESET_NAME_LEN);
	memcpy(ret_device, device, strnlen(device, RULESET_NAME_LEN - 1));
	return 0;
}

static int name_back(const struct ruleset_host *host, const uint8_t *in, struct ruleset_room *out,
	struct ruleset_unknown *ret_unknown)
{
	char device[RULESET_NAME_LEN];
	int error = device_named(host, in, device, ret_unknown);
	size_t len = RULESET_NAME_LEN, n;

	if (error)
		return error;
	n = strlen(device);
	switch (in[LETTER_AT]) {
	case LETTER_NAME: break;
	case LETTER_WILD: len = n; break;
	case LETTER_START: device[n - (n > 0)]++; break;
	case LETTER_AFTER: device[RULESET_NAME_LEN - 1] = 1; break;
	case LETTER_FILLED: memset(device + n, 0xff, RULESET_NAME_LEN - n); break;
	default: return -EBADMSG;
	}
	ruleset_room_put(out, device, len);
	return 0;
}

static int index_back(const struct ruleset_host *host, const uint8_t *in, bool big,
	struct ruleset_room *out, struct ruleset_unknown *ret_unknown)
{
	char device[RULESET_NAME_LEN];
	uint32_t index = INDEX_GONE;
	int error = 0;

	if (in[0] != MARK_GONE) {
		error = device_named(host, in, device, ret_unknown);
		index = error || device[0] == '\0' ? 0 : host->index_of(device);
		if (!error && device[0] != '\0' && index == 0) {
			*ret_unknown = (struct ruleset_unknown){ .hash = 0 };
			memcpy(ret_unknown->name, device, sizeof(device));
			error = -ENODEV;
		}
	}
	if (big)
		index = htobe32(index);
	ruleset_room_put(out, &index, sizeof(index));
	return error;
}

int ruleset_name_to_kernel(const struct ruleset_host *host, const struct ruleset_parts *parts,
	struct span in, struct ruleset_room *out, struct ruleset_unknown *ret_unknown)
{
	const uint8_t *at = in.data;
	size_t left = in.len;
	int error = 0;

	for (unsigned i = 0; i < parts->n && !error; i++) {
		const struct ruleset_part *p = &parts->part[i];
		bool logical = p->kind != RULESET_PART_OTHER && left > 0 && at[0] == MARK_LOGICAL;
		size_t len = is_index(p->kind) || logical ? RULESET_NAME_LEN : p->len;

		if (len > left)
			return -EBADMSG;
		if (is_index(p->kind))
			error = index_back(
				host, at, p->kind == RULESET_PART_INDEX_BIG, out, ret_unknown);
		else if (logical)
			error = name_back(host, at, out, ret_unknown);
		else
			ruleset_room_put(out, at, len);
		at += len;
		left -= len;
	}
	ruleset_room_put(out, at, left);
	return error;
}
