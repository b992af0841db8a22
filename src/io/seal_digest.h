/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * seal_digest: a digest that nobody can make two rows of bytes for.
 */
#ifndef NSRP_IO_SEAL_DIGEST_H
#define NSRP_IO_SEAL_DIGEST_H

#include "nsrp/document.h"

/* The first 16 bytes of SHA-256. 0, or -ENOTSUP when this OpenSSL has none. */
int seal_digest(struct span bytes, struct document_digest *ret_digest);

#endif
