/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "form.h"
#include "store.h"
#include "store_file.h"
#include "wall.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HISTORY_NAME "history"
#define HISTORY_OLD_NAME "history.1"

enum { LINE_MAX_LEN = 512 };

static json_t *steps_object(const struct store_record *record)
{
	struct form f;

	form_begin(&f);
	for (unsigned i = 0; i < STEP_COUNT; i++) {
		int64_t us = record->change.step_us[i];

		if (record->change.steps >> i & 1)
			form_number(&f, step_key((enum step)i), record->sequel ? us : -us);
	}
	return form_end(&f);
}

static void put_change(struct form *f, const struct store_record *record)
{
	const struct action_record *change = &record->change;
	char time[WALL_TEXT_MAX];

	wall_text(record->wall_ms, time);
	form_text(f, "time", time);
	form_number(f, "group", record->group);
	form_text(f, "from", group_state_name(change->from));
	form_text(f, "to", group_state_name(change->to));
	form_text(f, "rule", rule_label(change->rule));
	form_text(f, "reason", reason_text(change->reason));
	form_number(f, "term", change->term);
	if (record->monitor[0] != '\0')
		form_text(f, "monitor", record->monitor);
	if (change->two_masters_ms > 0)
		form_number(f, "two_masters_ms", change->two_masters_ms);
}

static json_t *record_object(const struct store_record *record)
{
	struct form f;

	form_begin(&f);
	if (record->sequel) {
		form_number(&f, "group", record->group);
		form_text(&f, "to", group_state_name(record->change.to));
		form_number(&f, "term", record->change.term);
	} else {
		put_change(&f, record);
	}
	if (record->change.steps != 0)
		form_add(&f, "steps_us", steps_object(record));
	return form_end(&f);
}

/* One write for the whole line. Where a line was cut short (a power cut, a full disk) another is
 * begun. */
static int append(int fd, off_t size, const char *text, size_t text_len)
{
	char line[LINE_MAX_LEN + 2];
	char last = '\n';
	size_t len = 0;

	ssize_t n = size > 0 ? pread(fd, &last, 1, size - 1) : 1;

	if (n != 1)
		return n < 0 ? -errno : -EIO;
	if (last != '\n')
		line[len++] = '\n';
	memcpy(line + len, text, text_len);
	len += text_len;
	line[len++] = '\n';
	int error = store_write(fd, line, len);

	if (!error && fdatasync(fd))
		error = -errno;
	return error;
}

static int open_history(const char *statedir, struct stat *st)
{
	int fd = store_open(statedir, HISTORY_NAME, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW);

	if (fd >= 0 && fstat(fd, st)) {
		int error = -errno;

		close(fd);
		return error;
	}
	return fd;
}

int store_history_add(const char *statedir, const struct store_record *record)
{
	struct stat st;
	json_t *object = record_object(record);
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	size_t len = text ? strlen(text) : 0;
	int error = 0;
	int fd = -1;

	if (!text || len > LINE_MAX_LEN) {
		error = -ENOMEM;
		goto out;
	}
	fd = open_history(statedir, &st);
	if (fd >= 0 && st.st_size >= STORE_HISTORY_BYTES) {
		close(fd);
		error = store_rename(statedir, HISTORY_NAME, HISTORY_OLD_NAME);
		fd = error ? error : open_history(statedir, &st);
	}
	if (fd < 0) {
		error = fd;
		goto out;
	}
	error = append(fd, st.st_size, text, len);
	if (close(fd) && !error)
		error = -errno;
out:
	free(text);
	json_decref(object);
	return error;
}

/* ---- reading ----------------------------------------------------------------------------- */

static bool same(const json_t *a, const json_t *b, const char *key)
{
	return json_equal(json_object_get(a, key), json_object_get(b, key));
}

/* Puts the steps of a sequel to those of the line that it belongs to; one whose line is gone is
 * passed over. */
static int follow(json_t *history, const json_t *sequel)
{
	for (size_t i = json_array_size(history); i-- > 0;) {
		json_t *line = json_array_get(history, i);
		json_t *steps = json_object_get(line, "steps_us");

		if (!same(line, sequel, "group") || !same(line, sequel, "term") ||
			!same(line, sequel, "to"))
			continue;
		if (!json_is_object(steps) && json_object_set_new(line, "steps_us", json_object()))
			return -ENOMEM;
		steps = json_object_get(line, "steps_us");
		return json_object_update(steps, json_object_get(sequel, "steps_us")) ? -ENOMEM : 0;
	}
	return 0;
}

/* Adds a line of the file, unless it is damaged. */
static int take_line(json_t *history, json_t *line)
{
	if (!json_is_object(line))
		return 0;
	if (json_object_get(line, "time"))
		return json_array_append(history, line) ? -ENOMEM : 0;
	return json_is_object(json_object_get(line, "steps_us")) ? follow(history, line) : 0;
}

/* No file is no lines. */
static int read_history(const char *statedir, const char *name, json_t *history)
{
	enum { SIZE = STORE_HISTORY_BYTES + LINE_MAX_LEN + 2 };
	char *text = (char *)malloc(SIZE);
	size_t len = 0;
	int error = text ? store_read(statedir, name, text, SIZE, &len) : -ENOMEM;
	size_t at = 0;

	while (!error && at < len) {
		const char *end = (const char *)memchr(text + at, '\n', len - at);
		size_t line_len = end ? (size_t)(end - text) - at : len - at;
		json_t *object = json_loadb(text + at, line_len, 0, NULL);

		error = take_line(history, object);
		json_decref(object);
		at += line_len + 1;
	}
	free(text);
	return error == -ENOENT ? 0 : error;
}

static bool is_text(const json_t *line, const char *key, const char *text)
{
	const char *value = json_string_value(json_object_get(line, key));

	return value && strcmp(value, text) == 0;
}

/* From when on nobody may have served; NULL: the line tells of no takeover. */
static const char *gap_begins(const json_t *line, const json_t *steps)
{
	if (!is_text(line, "to", group_state_name(GROUP_MASTER)))
		return NULL;
	if (json_object_get(steps, step_key(STEP_HEARD)))
		return step_key(STEP_HEARD);
	if (!json_object_get(steps, step_key(STEP_ASKED)))
		return NULL;
	/* What a monitor found fails at once; else the old master serves until it gives up. */
	return is_text(line, "reason", reason_text(REASON_MONITORS)) ? step_key(STEP_ASKED) : "";
}

static int add_gap(json_t *line)
{
	const json_t *steps = json_object_get(line, "steps_us");
	const json_t *announced = json_object_get(steps, step_key(STEP_ANNOUNCED));
	const char *begins = gap_begins(line, steps);

	if (!announced || !begins)
		return 0;
	json_int_t gap =
		json_integer_value(announced) - json_integer_value(json_object_get(steps, begins));

	return json_object_set_new(line, "gap_us", json_integer(gap)) ? -ENOMEM : 0;
}

int store_history_read(const char *statedir, json_t **ret_history)
{
	json_t *lines = json_array();
	int error = lines ? read_history(statedir, HISTORY_OLD_NAME, lines) : -ENOMEM;

	if (!error)
		error = read_history(statedir, HISTORY_NAME, lines);
	while (!error && json_array_size(lines) > STORE_HISTORY_LINES)
		(void)json_array_remove(lines, 0);
	for (size_t i = 0; !error && i < json_array_size(lines); i++)
		error = add_gap(json_array_get(lines, i));
	if (error) {
		json_decref(lines);
		return error;
	}
	json_t *history = form_wrap("history", lines);

	if (!history)
		return -ENOMEM;
	*ret_history = history;
	return 0;
}
