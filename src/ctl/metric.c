/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metric.h"

#include <inttypes.h>
#include <string.h>

enum { LABELS_MAX = 4 };

static void put_text(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\\' || *text == '"' || *text == '\n')
			(void)fputc('\\', out);
		(void)fputc(*text == '\n' ? 'n' : *text, out);
	}
}

void metric_family(FILE *out, const char *name, const char *type, const char *help)
{
	(void)fprintf(out, "# TYPE nsrpd_%s %s\n# HELP nsrpd_%s ", name, type, name);
	put_text(out, help);
	(void)fputc('\n', out);
}

static void put_name(FILE *out, const char *name, const struct metric_label *labels)
{
	const char *between = "{";

	(void)fprintf(out, "nsrpd_%s", name);
	for (; labels && labels->name; labels++) {
		(void)fprintf(out, "%s%s=\"", between, labels->name);
		put_text(out, labels->value);
		(void)fputc('"', out);
		between = ",";
	}
	(void)fprintf(out, "%s ", between[0] == ',' ? "}" : "");
}

void metric_number(FILE *out, const char *name, const struct metric_label *labels, int64_t value)
{
	put_name(out, name, labels);
	(void)fprintf(out, "%" PRId64 "\n", value);
}

void metric_seconds(
	FILE *out, const char *name, const struct metric_label *labels, int64_t value, int digits)
{
	put_name(out, name, labels);
	(void)fprintf(out, "%.*f\n", digits, (double)value / (digits == 3 ? 1e3 : 1e6));
}

void metric_states(FILE *out, const char *name, const struct metric_label *labels,
	const char *const *states, const char *present)
{
	char own_name[64];
	struct metric_label all[LABELS_MAX + 1] = { { NULL, NULL } };
	size_t n = 0;

	(void)snprintf(own_name, sizeof(own_name), "nsrpd_%s", name);
	for (; labels && labels->name && n + 2 < ARRAY_LEN(all); labels++)
		all[n++] = *labels;
	for (; *states; states++) {
		all[n] = (struct metric_label){ own_name, *states };
		all[n + 1] = (struct metric_label){ NULL, NULL };
		metric_number(out, name, all, strcmp(*states, present) == 0);
	}
}
