/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a clerk keeps of a document over a boot of the machine.
 */
#include <sys/mman.h>

#include "test_store.h"

#include "daemon/clerk.h"

enum { BOOT_AT = 16 }; /* of the heading: where the boot's id begins */

static const struct document_ops ops = { .name = "ruleset", .kind = DOCUMENT_RULESET, .format = 3 };
static const struct document_digest digest = { { 1, 2, 3 } };

static int memory_with(const char *text)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

static void keep(struct fixture *f, const char *text)
{
	int fd = memory_with(text);

	assert_int_equal(clerk_keep(f->dir, &ops, &digest, fd), 0);
	close(fd);
}

/* Writes one byte of the kept file. */
static void spoil(struct fixture *f, off_t at, char byte)
{
	int fd = open(path(f, "ruleset.kept"), O_RDWR);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void what_is_kept_is_there_after_a_boot(void **state)
{
	struct fixture *f = *state;
	struct document_digest read = { { 0 } };
	char text[64] = "";

	assert_int_equal(clerk_kept(f->dir, &ops, &read), -ENOENT);
	keep(f, "table ip x {}");
	assert_int_equal(clerk_kept(f->dir, &ops, &read), -ESTALE); /* no boot since */
	spoil(f, BOOT_AT, 'x');
	int fd = clerk_kept(f->dir, &ops, &read);

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, text, sizeof(text), 0), 13);
	assert_string_equal(text, "table ip x {}");
	assert_memory_equal(&read, &digest, sizeof(read));
	close(fd);
	keep(f, "another"); /* in place of the old one, and of this boot again */
	assert_int_equal(clerk_kept(f->dir, &ops, &read), -ESTALE);
	assert_false(is_there(f, "ruleset.kept.new"));
}

static void what_is_damaged_is_not_used(void **state)
{
	struct fixture *f = *state;
	struct document_ops other = ops;
	struct document_digest read;

	keep(f, "table ip x {}");
	spoil(f, BOOT_AT, 'x');
	other.format = 4;
	assert_int_equal(clerk_kept(f->dir, &other, &read), -EBADMSG);
	assert_int_equal(truncate(path(f, "ruleset.kept"), 90), 0);
	assert_int_equal(clerk_kept(f->dir, &ops, &read), -EBADMSG);
	assert_int_equal(truncate(path(f, "ruleset.kept"), 9), 0);
	assert_int_equal(clerk_kept(f->dir, &ops, &read), -EBADMSG);
	keep(f, "");
	spoil(f, 0, 'X');
	assert_int_equal(clerk_kept(f->dir, &ops, &read), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_is_kept_is_there_after_a_boot, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_damaged_is_not_used, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
