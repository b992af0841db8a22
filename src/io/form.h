/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * form: a JSON object that is filled in member by member, and is whole or not there at all.
 */
#ifndef NSRP_IO_FORM_H
#define NSRP_IO_FORM_H

#include "nsrp/base.h"

#include <jansson.h>

/* The fields are private. */
struct form {
	json_t *object; /* owned */
	bool failed;
};

void form_begin(struct form *f);
/* Takes up an object again; takes the reference, which may be NULL. */
void form_resume(struct form *f, json_t *object);

/* Each adds a member. NULL text, and text that is not UTF-8, is null. */
void form_text(struct form *f, const char *key, const char *text);
void form_number(struct form *f, const char *key, int64_t number);
void form_claim(struct form *f, const char *key, bool claim);
void form_null(struct form *f, const char *key);
/* Takes the reference to value; NULL means that memory ran out. */
void form_add(struct form *f, const char *key, json_t *value);

/* The object, which is the caller's, or NULL when anything failed. */
json_t *form_end(struct form *f);

/* {key: value} at once. Takes the reference to value, which may be NULL. */
json_t *form_wrap(const char *key, json_t *value);

/* Adds to an array that may be NULL; takes the reference to value, which may be NULL. The array
 * is then gone, and NULL is returned. */
json_t *form_append(json_t *array, json_t *value);

#endif
