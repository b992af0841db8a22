/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "invocation.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const struct option {
	const char *name;
	enum ctl_option option;
	const char *value; /* what it takes; NULL = nothing */
	const char *help;
} options[] = {
	{ "-r", OPTION_RUNDIR, "RUNDIR", "the daemon's directory (" RUNDIR_DEFAULT ")" },
	{ "--json", OPTION_JSON, NULL, "print the answer as JSON" },
	{ "--check", OPTION_CHECK, NULL,
		"for monitoring: exit 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN" },
	{ "--force", OPTION_FORCE, NULL, "also when the peer is not ready" },
	{ "--node", OPTION_NODE, "NAME", "the node that is meant (this one)" },
	{ "-n", OPTION_NODE, "NAME", "the same" },
	{ "--listen", OPTION_LISTEN, "ADDR",
		"serve them over HTTP, at 127.0.0.1:9417 or the like" },
	{ "--dry-run", OPTION_DRY_RUN, NULL, "only tell what would come of it" },
	{ "-h", OPTION_HELP, NULL, "this page" },
	{ "--help", OPTION_HELP, NULL, NULL },
};

/* Always false. */
static bool refuse(char error[INVOCATION_ERROR_MAX], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static bool refuse(char error[INVOCATION_ERROR_MAX], const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): set by va_start */
	(void)vsnprintf(error, INVOCATION_ERROR_MAX, format, arguments);
	va_end(arguments);
	return false;
}

/* The option that `argument` begins with; *ret_value is what is glued to it, or NULL. */
static const struct option *find_option(const char *argument, const char **ret_value)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		const struct option *o = &options[i];
		size_t len = strlen(o->name);
		bool is_long = o->name[1] == '-';

		*ret_value = NULL;
		if (strcmp(argument, o->name) == 0)
			return o;
		if (!o->value || strncmp(argument, o->name, len) != 0)
			continue;
		*ret_value = argument + len + (is_long ? 1 : 0);
		if (!is_long || argument[len] == '=')
			return o;
	}
	return NULL;
}

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < verbs_count; i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	}
	return NULL;
}

/* True when `word` is one of `words`. */
static bool is_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *w = words; *w != '\0'; w += strspn(w, " ")) {
		size_t end = strcspn(w, " ");

		if (end == len && strncmp(w, word, len) == 0)
			return true;
		w += end;
	}
	return false;
}

static bool read_group(const char *text, uint8_t *ret_id)
{
	char *end;
	unsigned long id = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || id > UINT8_MAX)
		return false;
	*ret_id = (uint8_t)id;
	return true;
}

bool invocation_group(const struct invocation *in, uint8_t *ret_id)
{
	int i = in->verb->first_group;

	return i >= 0 && (unsigned)i < in->n_arguments && read_group(in->argument[i], ret_id);
}

static bool check(const struct invocation *in, char *error)
{
	const struct verb *verb = in->verb;
	uint8_t id;
	int group = verb->first_group;

	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		if (options[i].option & in->options & ~(verb->options | OPTION_ANYWHERE))
			return refuse(error, "%s has no option %s", verb->name, options[i].name);
	}
	if (in->n_arguments < verb->min_arguments)
		return refuse(error, "usage: nsrpctl %s %s", verb->name, verb->synopsis);
	if (verb->words && in->n_arguments > 0 && !is_word(verb->words, in->argument[0]))
		return refuse(error, "%s: found `%s`, allowed: %s", verb->name, in->argument[0],
			verb->words);
	if (group >= 0 && (unsigned)group < in->n_arguments &&
		!read_group(in->argument[group], &id))
		return refuse(error, "%s: found `%s`, allowed: the id of a group, 0 to 255",
			verb->name, in->argument[group]);
	return true;
}

static bool take_option(const struct option *o, const char *value, struct invocation *in)
{
	in->options |= o->option;
	if (!o->value)
		return true;
	if (!value || value[0] == '\0')
		return false;
	if (o->option == OPTION_RUNDIR)
		in->rundir = value;
	else if (o->option == OPTION_LISTEN)
		in->listen = value;
	else
		in->node = value;
	return true;
}

static bool take_word(const char *word, struct invocation *in, char *error)
{
	if (!in->verb) {
		in->verb = find_verb(word);
		return in->verb ? true : refuse(error, "there is no verb `%s`", word);
	}
	if (in->n_arguments == in->verb->max_arguments)
		return refuse(error, "%s: too many arguments: `%s`", in->verb->name, word);
	in->argument[in->n_arguments++] = word;
	return true;
}

bool invocation_parse(int argc, const char *const *argv, struct invocation *ret_in,
	char error[INVOCATION_ERROR_MAX])
{
	struct invocation in = { .rundir = RUNDIR_DEFAULT };
	bool options_end = false;

	for (int i = 0; i < argc; i++) {
		const char *value = NULL;

		if (options_end || argv[i][0] != '-' || argv[i][1] == '\0') {
			if (!take_word(argv[i], &in, error))
				return false;
			continue;
		}
		if (strcmp(argv[i], "--") == 0) {
			options_end = true;
			continue;
		}
		const struct option *o = find_option(argv[i], &value);

		if (!o)
			return refuse(error, "there is no option `%s`", argv[i]);
		if (o->value && !value && i + 1 < argc)
			value = argv[++i];
		if (!take_option(o, value, &in))
			return refuse(error, "%s needs a value: %s", o->name, o->value);
	}
	if (!in.verb)
		in.verb = find_verb("status");
	if (!(in.options & OPTION_HELP) && !check(&in, error))
		return false;
	*ret_in = in;
	return true;
}

void invocation_help(FILE *out)
{
	(void)fprintf(out, "Usage: nsrpctl [-r RUNDIR] [--json] [VERB ...]\n\nVerbs:\n");
	for (size_t i = 0; i < verbs_count; i++) {
		const struct verb *v = &verbs[i];

		(void)fprintf(out, "  %s%s%s\n      %s\n", v->name, v->synopsis[0] ? " " : "",
			v->synopsis, v->help);
	}
	(void)fprintf(out, "\nOptions, before or after the verb:\n");
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		const struct option *o = &options[i];

		if (o->help)
			(void)fprintf(out, "  %s%s%-*s%s\n", o->name, o->value ? " " : "",
				(int)(15 - strlen(o->name) - (o->value ? 1 : 0)),
				o->value ? o->value : "", o->help);
	}
	(void)fprintf(out, "\nExit status: 0 done, 1 refused or failed, 2 usage, 3 daemon not "
			   "reachable.\n");
}
