/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nsrp/file.h"

#include <string.h>

#include "bytes.h"

enum { PART_MAX = 255, MODE_MAX = 07777 };

bool file_path_is_good(const char *path, size_t len)
{
	size_t at = 0;

	if (len < 2 || len >= FILE_PATH_MAX || path[0] != '/' || memchr(path, '\0', len) != NULL)
		return false;
	while (at < len) {
		const char *part = path + at + 1; /* behind a slash */
		size_t left = len - at - 1;
		const char *slash = memchr(part, '/', left);
		size_t part_len = slash != NULL ? (size_t)(slash - part) : left;

		if (part_len == 0 || part_len > PART_MAX || (part_len == 1 && part[0] == '.') ||
			(part_len == 2 && part[0] == '.' && part[1] == '.'))
			return false;
		at += 1 + part_len;
	}
	return true;
}

bool file_is_below(const char *path, const char *top)
{
	size_t len = strlen(top);

	return strncmp(path, top, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

static uint8_t *put_name(uint8_t *at, const char *name)
{
	size_t len = strlen(name);

	return bytes_put(bytes_put_8(at, (uint8_t)len), name, len);
}

size_t file_put_head(const struct file_entry *entry, uint32_t bytes, uint8_t *room)
{
	size_t path_len = strlen(entry->path);
	uint8_t *at = bytes_put_16(bytes_put_8(room, (uint8_t)entry->type), entry->mode);

	at = put_name(put_name(at, entry->owner), entry->group);
	at = bytes_put(bytes_put_16(at, (uint16_t)path_len), entry->path, path_len);
	if (entry->type == FILE_REGULAR)
		at = bytes_put_32(at, bytes);
	return (size_t)(at - room);
}

static bool take_name(struct bytes *r, char name[FILE_NAME_MAX])
{
	uint8_t len = bytes_take_8(r);
	const uint8_t *text = bytes_take(r, len);

	if (text == NULL || len == 0 || len >= FILE_NAME_MAX)
		return false;
	for (unsigned i = 0; i < len; i++) {
		if (text[i] <= 0x20 || text[i] > 0x7e || text[i] == ':' || text[i] == '/')
			return false;
	}
	memcpy(name, text, len);
	name[len] = '\0';
	return true;
}

static bool take_path(struct bytes *r, char path[FILE_PATH_MAX])
{
	uint16_t len = bytes_take_16(r);
	const uint8_t *text = bytes_take(r, len);

	if (text == NULL || !file_path_is_good((const char *)text, len))
		return false;
	memcpy(path, text, len);
	path[len] = '\0';
	return true;
}

const char *file_next(struct span *rest, const char *last, struct file_entry *ret_entry)
{
	struct bytes r = bytes_of(*rest);
	struct file_entry *e = ret_entry;
	uint8_t type = bytes_take_8(&r);

	*e = (struct file_entry){ .type = (enum file_type)type, .mode = bytes_take_16(&r) };
	if (type != FILE_REGULAR && type != FILE_DIRECTORY)
		return "an entry is neither a file nor a directory";
	if (e->mode > MODE_MAX)
		return "an entry's mode is none";
	if (!take_name(&r, e->owner) || !take_name(&r, e->group))
		return "an entry's owner is none";
	if (!take_path(&r, e->path))
		return "an entry's path is none";
	if (strcmp(last, e->path) >= 0)
		return "the entries are out of order";
	if (type == FILE_REGULAR) {
		uint32_t len = bytes_take_32(&r);

		if (len > FILE_BYTES_MAX)
			return "a file is longer than 4 MiB";
		e->bytes = span_of(bytes_take(&r, len), len);
	}
	if (r.bad)
		return "it ends within an entry";
	*rest = span_of(r.at, (size_t)(r.end - r.at));
	return NULL;
}
