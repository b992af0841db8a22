/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * files: the document of the listed files and directories.
 *
 * No symbolic link is ever followed, in no part of a path: what one leads to lies somewhere else
 * than the list says. Links, devices and sockets are not mirrored; nor are the daemon's own
 * configuration, its keys and STATEDIR, wherever they lie. Whoever wrote the peer's document,
 * nothing outside this node's own list is touched.
 */
#ifndef NSRP_IO_FILES_H
#define NSRP_IO_FILES_H

#include "nsrp/document.h"

enum {
	FILES_BYTES_MAX = 32 * 1024 * 1024, /* of all of them */
	FILES_PROGRAM_MS = 30000,
};

/* Names of files that are being replaced begin so. */
#define FILES_OWN_PREFIX ".nsrpd-"

extern const struct document_ops files_ops;

#endif
