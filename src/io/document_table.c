/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The documents of this build. A new kind is one struct document_ops and one line here.
 */
#include "files.h"
#include "ruleset.h"

const struct document_ops *const document_table[] = {
	&ruleset_ops,
	&files_ops,
	NULL,
};

const struct document_ops *document_ops_of(uint8_t kind)
{
	for (unsigned i = 0; document_table[i] != NULL; i++) {
		if (document_table[i]->kind == kind)
			return document_table[i];
	}
	return NULL;
}
