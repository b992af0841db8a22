/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scratch: a folder of a test's own, which the test removes.
 */
#ifndef NSRP_UNIT_SCRATCH_H
#define NSRP_UNIT_SCRATCH_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Makes a folder that only the owner may use, and writes its path. mkdtemp(3) wants six letters X
 * to replace. */
static inline void scratch_make(char *path, size_t size, const char *name)
{
	char blanks[7] = { 0 };

	memset(blanks, 'X', sizeof(blanks) - 1);
	assert_in_range(snprintf(path, size, "%s/nsrp-%s-%s", P_tmpdir, name, blanks), 1, size - 1);
	assert_non_null(mkdtemp(path));
}

#endif
