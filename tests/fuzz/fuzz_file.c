/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a document of files. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "nsrp/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read is put again as it was. */
static void check(const struct file_entry *e, struct span before, struct span rest)
{
	uint8_t head[FILE_HEAD_MAX];
	size_t len = file_put_head(e, (uint32_t)e->bytes.len, head);
	size_t bytes = e->type == FILE_REGULAR ? e->bytes.len : 0;

	assert(file_path_is_good(e->path, strlen(e->path)));
	assert(before.len - rest.len == len + bytes);
	assert(memcmp(head, before.data, len) == 0);
	assert(bytes == 0 || memcmp(e->bytes.data, before.data + len, bytes) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size + 1);
	char last[FILE_PATH_MAX] = "";
	struct file_entry e;

	if (copy == NULL)
		abort();
	memcpy(copy, data, size);
	struct span rest = span_of(copy, size), before = rest;

	while (rest.len > 0 && file_next(&rest, last, &e) == NULL) {
		check(&e, before, rest);
		memcpy(last, e.path, sizeof(last));
		before = rest;
	}
	free(copy);
	return 0;
}
