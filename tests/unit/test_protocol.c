/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * doc/PROTOCOL.md and the headers say the same, both ways; its examples are rebuilt.
 */
#include "nsrp/wire.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/codec.h"
#include "core/handshake.h"
#include "io/seal.h"
#include "nsrp/conf.h"
#include "nsrp/node.h"
#include "protocol_example.h"

static char page[64 * 1024];

static int read_page(void **state)
{
	FILE *f = fopen("doc/PROTOCOL.md", "r");

	(void)state;
	if (f == NULL)
		return -1;
	size_t len = fread(page, 1, sizeof(page) - 1, f);

	fclose(f);
	page[len] = '\0';
	return len == sizeof(page) - 1;
}

enum { COLUMNS_MAX = 4, CELL_MAX = 256 };

struct row {
	char cell[COLUMNS_MAX][CELL_MAX];
};

/* Reads the table row that starts at `line`; false when there is none. */
static bool read_row(const char *line, struct row *row)
{
	memset(row, 0, sizeof(*row));
	if (*line++ != '|')
		return false;
	for (unsigned i = 0; i < COLUMNS_MAX && *line != '\n' && *line != '\0'; i++) {
		size_t len = strcspn(line, "|\n"), skipped = strspn(line, " ");
		size_t end = len, len_kept;

		while (end > skipped && line[end - 1] == ' ')
			end--;
		len_kept = end - skipped < CELL_MAX ? end - skipped : CELL_MAX - 1;
		memcpy(row->cell[i], line + skipped, len_kept);
		line += len + (line[len] == '|');
	}
	return true;
}

static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end != NULL ? end + 1 : line + strlen(line);
}

/* The first row of the table, behind `from`, whose first column has that title. */
static const char *find_table(const char *from, const char *title)
{
	struct row row;

	for (const char *line = from; *line != '\0'; line = next_line(line)) {
		if (read_row(line, &row) && strcmp(row.cell[0], title) == 0)
			return next_line(next_line(line)); /* behind the row of dashes */
	}
	fail_msg("no table of %s", title);
	return NULL;
}

/* A line of one of the headers' tables, as the page should show it. */
struct entry {
	const char *name;
	unsigned number;
	const char *text; /* NULL: not compared */
};

static void compare(const char *title, unsigned text_column, const struct entry *entry, unsigned n)
{
	const char *line = find_table(page, title);
	struct row row;
	unsigned i = 0;

	for (; read_row(line, &row); line = next_line(line), i++) {
		if (i == n)
			fail_msg("%s %s is not in the header", title, row.cell[0]);
		assert_string_equal(row.cell[0], entry[i].name);
		assert_int_equal(strtoul(row.cell[1], NULL, 10), entry[i].number);
		if (entry[i].text != NULL)
			assert_string_equal(row.cell[text_column], entry[i].text);
	}
	if (i < n)
		fail_msg("%s %s is not on the page", title, entry[i].name);
}

#define X(name, number, text) { #name, number, text },

static void frame_types_are_the_pages(void **state)
{
	static const struct entry types[] = { WIRE_FRAME_TYPES(X) };

	(void)state;
	compare("type", 2, types, ARRAY_LEN(types));
}

static void flags_steps_and_verbs_are_the_pages(void **state)
{
	static const struct entry beat[] = { WIRE_BEAT_FLAGS(X) };
	static const struct entry group[] = { WIRE_GROUP_FLAGS(X) };
	static const struct entry monitor[] = { WIRE_MONITOR_FLAGS(X) };
	static const struct entry steps[] = { WIRE_HANDOVER_STEPS(X) };
	static const struct entry verbs[] = { WIRE_VERBS(X) };
	static const struct entry records[] = { WIRE_RECORDS(X) };
	static const struct entry document[] = { WIRE_DOCUMENT_FLAGS(X) };
	static const struct entry document_records[] = { WIRE_DOCUMENT_RECORDS(X) };
	static const struct entry documents[] = { DOCUMENT_KINDS(X) };
	static const struct entry results[] = { DOCUMENT_RESULTS(X) };

	(void)state;
	compare("BEAT flag", 2, beat, ARRAY_LEN(beat));
	compare("group flag", 2, group, ARRAY_LEN(group));
	compare("monitor flag", 2, monitor, ARRAY_LEN(monitor));
	compare("hand-over step", 2, steps, ARRAY_LEN(steps));
	compare("verb", 2, verbs, ARRAY_LEN(verbs));
	compare("record", 2, records, ARRAY_LEN(records));
	compare("document flag", 2, document, ARRAY_LEN(document));
	compare("document record", 2, document_records, ARRAY_LEN(document_records));
	compare("document", 2, documents, ARRAY_LEN(documents));
	compare("document result", 2, results, ARRAY_LEN(results));
}
#undef X

#define X(name, number, text) { #name, number, NULL },
static void tlvs_are_the_pages(void **state)
{
	static const struct entry tlvs[] = { WIRE_TLVS(X) };

	(void)state;
	compare("TLV", 2, tlvs, ARRAY_LEN(tlvs));
}
#undef X

static void rules_are_the_pages(void **state)
{
	const char *line = find_table(page, "label");
	struct row row;
	unsigned rule = RULE_NONE + 1; /* which no verdict ever names */

	(void)state;
	for (; read_row(line, &row); line = next_line(line), rule++) {
		assert_true(rule < RULE_COUNT);
		assert_string_equal(row.cell[0], rule_label(rule));
		assert_string_equal(row.cell[1], rule_text(rule));
	}
	assert_int_equal(rule, RULE_COUNT);
}

static void the_header_is_as_long_as_its_fields(void **state)
{
	const char *line = find_table(page, "offset");
	struct row row;
	unsigned at = 0;

	(void)state;
	for (; read_row(line, &row); line = next_line(line)) {
		assert_int_equal(strtoul(row.cell[0], NULL, 10), at);
		at += (unsigned)strtoul(row.cell[1], NULL, 10);
	}
	assert_int_equal(at, WIRE_HEADER_LEN);
}

/* What the page says in prose. */
static void assert_said(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void assert_said(const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (strstr(page, text) == NULL)
		fail_msg("the page does not say: %s", text);
}

static void numbers_in_the_prose_are_the_headers(void **state)
{
	static const uint8_t mac[] = WIRE_MULTICAST_MAC;

	(void)state;
	assert_said("EtherType 0x%X", WIRE_ETHERTYPE);
	assert_said(
		"`%02x:%02x:%02x:%02x:%02x:%02x`", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	assert_said("port %d", CONF_UDP_PORT);
	assert_said("largest frame is %d bytes", WIRE_FRAME_MAX);
	assert_said("fit in %d.", WIRE_BEAT_FRAME_MAX);
	assert_said("| magic | 0x%02x |", WIRE_MAGIC);
	assert_said("| version | %d |", WIRE_VERSION);
	assert_said("(1, now %d)", WIRE_GROUP_RECORD_LEN);
	assert_said("(1: %d force, %d all groups)", WIRE_REQUEST_FORCE, WIRE_REQUEST_ALL_GROUPS);
	assert_said("at most %d bytes", HANDSHAKE_RELEASE_MAX);
	assert_said("States have NSRP's numbers: 1 %s, 2 %s, 3 %s, 4 %s, 5 %s, 6 %s.",
		group_state_name(1), group_state_name(2), group_state_name(3), group_state_name(4),
		group_state_name(5), group_state_name(6));
}

static void the_counters_of_drops_are_the_pages(void **state)
{
	static const char prefix[] = "drop_";
	char quoted[64];

	(void)state;
	for (unsigned i = 0; i < COUNTER_COUNT; i++) {
		if (strncmp(counter_key(i), prefix, sizeof(prefix) - 1) == 0)
			assert_said("`%s`", counter_key(i));
	}
	for (const char *at = page; (at = strstr(at, "`drop_")) != NULL; at++) {
		size_t len = strcspn(at + 1, "`");
		bool known = false;

		assert_true(len < sizeof(quoted));
		memcpy(quoted, at + 1, len);
		quoted[len] = '\0';
		for (unsigned i = 0; i < COUNTER_COUNT; i++)
			known |= strcmp(counter_key(i), quoted) == 0;
		if (!known)
			fail_msg("there is no counter %s", quoted);
	}
}

/* The bytes that a table of an example shows in its first column, one row after the other. */
static size_t shown_bytes(const char *section, const char *title, uint8_t *bytes, size_t size)
{
	const char *at = strstr(page, section);
	struct row row;
	size_t n = 0;

	assert_non_null(at);
	for (at = find_table(at, title); read_row(at, &row); at = next_line(at)) {
		for (const char *c = row.cell[0]; *c != '\0'; c++) {
			unsigned byte;

			if (!isxdigit((unsigned char)*c))
				continue;
			assert_int_equal(sscanf(c, "%2x", &byte), 1);
			assert_true(n < size);
			bytes[n++] = (uint8_t)byte;
			c++;
		}
	}
	return n;
}

static void assert_shown(
	const char *section, const char *title, const uint8_t *expected, size_t len)
{
	uint8_t bytes[1024];
	size_t n = shown_bytes(section, title, bytes, sizeof(bytes));

	/* For whoever changes an example: prints what the page should show. */
	if (getenv("PROTOCOL_SHOW") != NULL) {
		printf("%s %s:", section, title);
		for (size_t i = 0; i < len; i++)
			printf(" %02x", expected[i]);
		printf("\n");
		return;
	}
	assert_int_equal(n, len);
	assert_memory_equal(bytes, expected, len);
}

static void the_hello_of_the_example_is_what_the_code_sends(void **state)
{
	const char section[] = "### 11.1";
	const size_t clear_len = WIRE_HEADER_LEN + CRYPTO_NONCE_LEN;
	uint8_t frame[WIRE_BEAT_FRAME_MAX], body[WIRE_BEAT_FRAME_MAX];
	struct seal seal;
	struct handshake h;
	size_t len = example_hello(&seal, &h, frame);

	(void)state;
	assert_shown(section, "clear bytes", frame, clear_len);
	assert_shown(section, "sealed bytes", frame + clear_len, len - clear_len);
	assert_true(seal.crypto.open(&seal, 0, EXAMPLE_PATH, 1, span_of(frame, clear_len),
		span_of(frame + clear_len, len - clear_len), body));
	assert_shown(section, "body bytes", body, len - clear_len - CRYPTO_TAG_LEN);
	seal_fini(&seal);
}

static void the_beat_of_the_example_is_what_the_code_sends(void **state)
{
	const char section[] = "### 11.2";
	uint8_t keys[EXAMPLE_KEYS_LEN], frame[WIRE_BEAT_FRAME_MAX], body[WIRE_BEAT_FRAME_MAX];
	size_t body_len = example_body(body, sizeof(body));

	(void)state;
	example_keys(keys);
	size_t len = example_beat(keys, body, body_len, frame);

	assert_shown(section, "key bytes", keys, sizeof(keys));
	assert_shown(section, "body bytes", body, body_len);
	assert_shown(section, "clear bytes", frame, WIRE_HEADER_LEN);
	assert_shown(section, "sealed bytes", frame + WIRE_HEADER_LEN, len - WIRE_HEADER_LEN);
}

/* The body of the example, heard by a node. */
static void the_beat_of_the_example_is_understood(void **state)
{
	struct pair *p = example_pair();
	uint8_t frame[WIRE_BEAT_FRAME_MAX];
	size_t body_len = example_body(frame + WIRE_HEADER_LEN, sizeof(frame) - WIRE_HEADER_LEN);

	(void)state;
	size_t len = handshake_seal(
		&p->side[0].node->handshake, SESSION_CURRENT, 0, EXAMPLE_PATH, frame, body_len);

	pair_frame(p, 1, 0, frame, len);
	const struct node *n = p->side[1].node;

	assert_int_equal(n->counter[COUNTER_DROP_MALFORMED], 0);
	assert_int_equal(n->peer_beat, EXAMPLE_NUMBER);
	assert_int_equal(n->peer_echo, EXAMPLE_ECHO);
	assert_int_equal(n->peer_digest, EXAMPLE_DIGEST);
	assert_int_equal(n->peer_interval_us, 50000);
	assert_true(n->peer_realtime);
	assert_int_equal(n->group[0].peer.state, GROUP_MASTER);
	assert_int_equal(n->group[0].peer.priority, 50);
	assert_int_equal(n->group[0].peer.term, 2);
	assert_int_equal(n->group[0].peer.handover, WIRE_HANDOVER_NONE);
	assert_int_equal(n->group[0].peer.reason, REASON_PEER_LOST);
	assert_int_equal(n->group[0].peer.failed_weight, 100);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frame_types_are_the_pages),
		cmocka_unit_test(flags_steps_and_verbs_are_the_pages),
		cmocka_unit_test(tlvs_are_the_pages),
		cmocka_unit_test(rules_are_the_pages),
		cmocka_unit_test(the_header_is_as_long_as_its_fields),
		cmocka_unit_test(numbers_in_the_prose_are_the_headers),
		cmocka_unit_test(the_counters_of_drops_are_the_pages),
		cmocka_unit_test(the_hello_of_the_example_is_what_the_code_sends),
		cmocka_unit_test(the_beat_of_the_example_is_what_the_code_sends),
		cmocka_unit_test(the_beat_of_the_example_is_understood),
	};

	return cmocka_run_group_tests(tests, read_page, NULL);
}
