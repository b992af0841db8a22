/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * vmac_setting: the sysctls without which a macvlan and the interface below it get into each
 * other's way; doc/VIRTUAL_MAC.md says what each is for.
 */
#ifndef NSRP_IO_VMAC_SETTING_H
#define NSRP_IO_VMAC_SETTING_H

#include "nsrp/base.h"
#include "nsrp/log.h"

enum { VMAC_BELOW_MAX = 2 }; /* settings of the interface below */

/* What those were, in the order of the table; -1 = not known, or not there. */
struct vmac_before {
	int value[VMAC_BELOW_MAX];
};

void vmac_settings_read(const char *below, struct vmac_before *ret_before);

struct vmac_settings_outcome {
	unsigned put_back; /* that another program had changed */
	unsigned refused;  /* that cannot be had */
};

/* Sets what is not as it must be, of the macvlan and of what is below it, and looks again. What
 * was set before (`again`) is another program's doing, and each is logged; so is what cannot be
 * had, unless `quiet`. */
struct vmac_settings_outcome vmac_settings_apply(
	const char *name, const char *below, bool again, bool quiet, const struct log *log);

/* Gives the interface below what it had, where it still has what we set. */
void vmac_settings_restore(
	const char *below, const struct vmac_before *before, const struct log *log);

/* The settings below as the end of an alias, and back; false: it is none of ours. */
enum { VMAC_BEFORE_TEXT_MAX = 64 };
void vmac_before_print(const struct vmac_before *before, char text[VMAC_BEFORE_TEXT_MAX]);
bool vmac_before_parse(const char *alias, struct vmac_before *ret_before);

/* A row of the table, for documents and tests; false behind its end. `below`: of the interface
 * below, else of the macvlan. */
bool vmac_setting_at(unsigned i, bool *ret_ipv6, bool *ret_below, const char **ret_key);

#endif
