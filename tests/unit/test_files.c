/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files are installed by a process that may be killed at any point: whoever starts next finds, or
 * makes, the old files or the new ones, and nothing between. Each call that changes something is
 * such a point.
 */
#include <fnmatch.h>
#include <ftw.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "test_store.h"

#include "io/files_state.h"

enum { KILLED = 77, POINTS_MAX = 400, STEP = 11, STEP_AGAIN = 13, FTW_DEPTHS = 8 };

/* ---- points -------------------------------------------------------------------------------- */

static unsigned points_left;    /* 0 = it is not killed */
static const char *last_rename; /* it is killed when a file has this name; NULL = it is not */

static void point(void)
{
	if (points_left > 0 && --points_left == 0)
		_exit(KILLED);
}

static int outcome(long result)
{
	return (int)result;
}

int renameat(int from_at, const char *from, int to_at, const char *to)
{
	point();
	int result = outcome(syscall(SYS_renameat2, from_at, from, to_at, to, 0));

	if (result == 0 && last_rename != NULL && strstr(to, last_rename) != NULL)
		_exit(KILLED);
	return result;
}

int rename(const char *from, const char *to)
{
	return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int linkat(int from_at, const char *from, int to_at, const char *to, int flags)
{
	point();
	return outcome(syscall(SYS_linkat, from_at, from, to_at, to, flags));
}

int unlinkat(int at, const char *path, int flags)
{
	point();
	return outcome(syscall(SYS_unlinkat, at, path, flags));
}

int unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

int mkdirat(int at, const char *path, mode_t mode)
{
	point();
	return outcome(syscall(SYS_mkdirat, at, path, mode));
}

int fchmod(int fd, mode_t mode)
{
	point();
	return outcome(syscall(SYS_fchmod, fd, mode));
}

/* No power is cut here. */
int fsync(int fd)
{
	point();
	return fcntl(fd, F_GETFD) < 0 ? -1 : 0;
}

/* Nobody waits for news, and the kernel takes its time to give them up. */
int inotify_init1(int flags)
{
	(void)flags;
	errno = ENOSYS;
	return -1;
}

/* Each process frees large blocks, and a sanitizer keeps them; a child would begin with copies of
 * all that its parent's keeps. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "quarantine_size_mb=8";
}

/* ---- two trees ----------------------------------------------------------------------------- */

static struct files_test {
	struct fixture *fixture;
	struct conf conf;
	char home[32]; /* of what follows; whoever installs looks through it */
	char top[64], program[64], applied[64];
	int document; /* the new one */
	struct document_digest old, new;
} t;

static void put_file(const char *name, const char *text, mode_t mode)
{
	char at[128];

	snprintf(at, sizeof(at), "%s/%s", t.top, name);
	FILE *to = fopen(at, "w");

	assert_non_null(to);
	assert_true(fputs(text, to) >= 0);
	assert_int_equal(fclose(to), 0);
	assert_int_equal(chmod(at, mode), 0);
}

static void make_directory(const char *name, mode_t mode)
{
	char at[128];

	snprintf(at, sizeof(at), "%s/%s", t.top, name);
	assert_int_equal(mkdir(at, mode), 0);
	assert_int_equal(chmod(at, mode), 0);
}

static void make_old(void)
{
	files_remove_tree(t.top);
	make_directory("", 0755);
	put_file("changed", "old", 0644);
	put_file("gone", "old", 0600);
	put_file("same", "same", 0644);
	make_directory("closed", 0755);
	put_file("closed/x", "old", 0644);
	make_directory("left", 0755);
	put_file("left/y", "old", 0644);
}

static void make_new(void)
{
	files_remove_tree(t.top);
	make_directory("", 0755);
	put_file("added", "new", 0640);
	put_file("changed", "new", 0444);
	put_file("same", "same", 0644);
	make_directory("closed", 0750);
	put_file("closed/x", "new", 0644);
	make_directory("made", 0700);
	put_file("made/z", "new", 0644);
}

static void *open_files_with(const char *statedir)
{
	static struct document_setup setup; /* borrowed until close() */

	setup = (struct document_setup){
		.conf = &t.conf,
		.log = &t.fixture->log,
		.statedir = statedir,
		.conf_file = "/nowhere/nsrpd.conf",
	};
	void *self;

	t.fixture->logged[0] = '\0';
	assert_int_equal(files_ops.open(&setup, &self), 0);
	return self;
}

static void *open_files(void)
{
	return open_files_with(t.fixture->dir);
}

/* What is there; *ret_fd, or nothing, holds it. */
static struct document_digest read_tree(void *self, int *ret_fd)
{
	struct document_reading reading;
	char why[DOCUMENT_TEXT_MAX] = "";
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(files_ops.read(self, fd, &reading, why), 0);
	if (ret_fd != NULL)
		*ret_fd = fd;
	else
		close(fd);
	return reading.digest;
}

static bool same(const struct document_digest *a, const struct document_digest *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static void write_program(void)
{
	FILE *to = fopen(t.program, "w");

	assert_non_null(to);
	fprintf(to, "#!/bin/sh\n: >%s\n", t.applied);
	assert_int_equal(fclose(to), 0);
	assert_int_equal(chmod(t.program, 0700), 0);
}

static int start(void **state)
{
	void *self;

	set_up(state);
	t = (struct files_test){ .fixture = *state };
	scratch_make(t.home, sizeof(t.home), "files");
	snprintf(t.top, sizeof(t.top), "%s/tree", t.home);
	snprintf(t.program, sizeof(t.program), "%s/apply", t.home);
	snprintf(t.applied, sizeof(t.applied), "%s/applied", t.home);
	snprintf(t.conf.mirror.file[0], sizeof(t.conf.mirror.file[0]), "%s", t.top);
	snprintf(t.conf.mirror.files_apply, sizeof(t.conf.mirror.files_apply), "%s", t.program);
	t.conf.mirror.n_files = 1;
	write_program();
	self = open_files();
	make_new();
	t.new = read_tree(self, &t.document);
	make_old();
	t.old = read_tree(self, NULL);
	files_ops.close(self);
	return 0;
}

static int end(void **state)
{
	close(t.document);
	files_remove_tree(t.top);
	files_remove_tree(path(t.fixture, "previous"));
	unlink(path(t.fixture, "changed"));
	unlink(path(t.fixture, "files.new"));
	unlink(t.program);
	unlink(t.applied);
	assert_int_equal(rmdir(t.home), 0);
	return tear_down(state);
}

/* ---- killed -------------------------------------------------------------------------------- */

/* True when it was killed: at that point, counted from 1; 0: at none. */
static bool killed_at(unsigned n, void (*work)(void))
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		points_left = n;
		work();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == KILLED);
	return WEXITSTATUS(status) == KILLED;
}

static void install(void)
{
	const struct document_offer offer = { .fd = t.document, .digest = t.new };
	struct document_verdict verdict;
	void *self = open_files();

	files_ops.apply(self, &offer, false, &verdict);
	if (verdict.result != DOCUMENT_ACCEPTED)
		_exit(1);
}

static void open_only(void)
{
	(void)open_files();
}

static unsigned n_left_over;

static int look(const char *at, const struct stat *st, int type, struct FTW *part)
{
	const char *name = at + part->base;

	(void)st;
	(void)type;
	if (fnmatch(".nsrpd-*", name, 0) == 0 || fnmatch("files.[bsr]*", name, 0) == 0) {
		print_message("left over: %s\n", at);
		n_left_over++;
	}
	return 0;
}

static bool has_leftovers(void)
{
	n_left_over = 0;
	assert_int_equal(nftw(t.home, look, FTW_DEPTHS, FTW_PHYS), 0);
	assert_int_equal(nftw(t.fixture->dir, look, FTW_DEPTHS, FTW_PHYS), 0);
	return n_left_over > 0;
}

/* Whoever starts next makes the old tree or the new one, and tells the program of a new one. True:
 * it is new. */
static bool assert_whole(void)
{
	void *self = open_files();
	struct document_digest is = read_tree(self, NULL);
	bool new = same(&is, &t.new);

	files_ops.close(self);
	assert_true(new || same(&is, &t.old));
	assert_false(has_leftovers());
	assert_int_equal(access(t.applied, F_OK), new ? 0 : -1);
	return new;
}

static void old_or_new_whenever_it_is_killed(void **state)
{
	unsigned n = 1, n_old = 0, n_new = 0;

	(void)state;
	for (; n < POINTS_MAX; n++) {
		make_old();
		unlink(t.applied);
		bool killed = killed_at(n, install);

		if (assert_whole())
			n_new++;
		else
			n_old++;
		if (!killed)
			break;
	}
	assert_in_range(n, 40, POINTS_MAX - 1);
	assert_true(n_old > 20 && n_new > 5);
}

static void also_when_who_comes_next_is_killed(void **state)
{
	bool killed = true;

	(void)state;
	for (unsigned n = 1; killed; n += STEP) {
		bool again = true;

		for (unsigned m = 1; again; m += STEP_AGAIN) {
			make_old();
			unlink(t.applied);
			killed = killed_at(n, install);
			again = killed_at(m, open_only);
			(void)assert_whole();
		}
	}
}

static void the_version_before_is_kept_by_who_comes_next(void **state)
{
	char before[16] = "", name[96];

	(void)state;
	make_old();
	/* All is in its place, and the program comes next. */
	last_rename = "files.replaced";
	assert_true(killed_at(0, install));
	last_rename = NULL;
	assert_true(is_there(t.fixture, "files.replaced"));
	snprintf(name, sizeof(name), "previous%s/changed", t.top);
	assert_false(is_there(t.fixture, name));
	assert_true(assert_whole());
	assert_int_equal(get(t.fixture, name, before, sizeof(before)), 3);
	assert_string_equal(before, "old");
	assert_non_null(strstr(t.fixture->logged, "cut short is finished"));
}

/* The list leads to STATEDIR, which the configuration knows by another name. */
static void statedir_is_out_of_reach_by_any_name(void **state)
{
	struct document_verdict verdict = { .text = "" };
	struct document_offer offer = { .form = DOCUMENT_WHOLE };
	char link[64], made[96], listed[96];
	void *self;

	(void)state;
	snprintf(made, sizeof(made), "%s/made", t.top);
	snprintf(listed, sizeof(listed), "%s/made/z", t.top);
	snprintf(t.conf.mirror.file[0], sizeof(t.conf.mirror.file[0]), "%s", listed);
	self = open_files();
	make_new();
	offer.digest = read_tree(self, &offer.fd);
	files_ops.close(self);
	unlink(listed);
	snprintf(link, sizeof(link), "%s/link", t.home);
	assert_int_equal(symlink(made, link), 0);
	self = open_files_with(link);
	files_ops.apply(self, &offer, false, &verdict);
	files_ops.close(self);
	close(offer.fd);
	unlink(link);
	assert_int_equal(verdict.result, DOCUMENT_REFUSED);
	assert_non_null(strstr(verdict.text, "made/z: it is never mirrored"));
	assert_int_equal(access(listed, F_OK), -1);
}

static void a_damaged_journal_is_said_and_gone(void **state)
{
	void *self;

	(void)state;
	put(t.fixture, "files.staged", "\3nonsense", 9);
	self = open_files();
	files_ops.close(self);
	assert_non_null(strstr(t.fixture->logged, "cut short has left cannot be read"));
	assert_false(is_there(t.fixture, "files.staged"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(old_or_new_whenever_it_is_killed, start, end),
		cmocka_unit_test_setup_teardown(also_when_who_comes_next_is_killed, start, end),
		cmocka_unit_test_setup_teardown(
			the_version_before_is_kept_by_who_comes_next, start, end),
		cmocka_unit_test_setup_teardown(statedir_is_out_of_reach_by_any_name, start, end),
		cmocka_unit_test_setup_teardown(a_damaged_journal_is_said_and_gone, start, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
