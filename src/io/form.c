/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "form.h"

void form_begin(struct form *f)
{
	form_resume(f, json_object());
}

void form_resume(struct form *f, json_t *object)
{
	f->object = object;
	f->failed = !object;
}

void form_add(struct form *f, const char *key, json_t *value)
{
	if (json_object_set_new(f->object, key, value))
		f->failed = true;
}

void form_text(struct form *f, const char *key, const char *text)
{
	json_t *value = text ? json_string(text) : NULL;

	form_add(f, key, value ? value : json_null());
}

void form_number(struct form *f, const char *key, int64_t number)
{
	form_add(f, key, json_integer((json_int_t)number));
}

void form_claim(struct form *f, const char *key, bool claim)
{
	form_add(f, key, json_boolean(claim));
}

void form_null(struct form *f, const char *key)
{
	form_add(f, key, json_null());
}

json_t *form_end(struct form *f)
{
	if (f->failed) {
		json_decref(f->object);
		f->object = NULL;
	}
	return f->object;
}

json_t *form_wrap(const char *key, json_t *value)
{
	struct form f;

	form_begin(&f);
	form_add(&f, key, value);
	return form_end(&f);
}

json_t *form_append(json_t *array, json_t *value)
{
	if (json_array_append_new(array, value)) {
		json_decref(array);
		return NULL;
	}
	return array;
}
