/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"
#include "client.h"
#include "pulse.h"
#include "reply.h"
#include "verb.h"
#include "view.h"
#include "nsrp/node.h"

#include <stdlib.h>
#include <string.h>

enum { MONITORING_UNKNOWN = 3 };

static int ask(const struct invocation *in, json_t *request, json_t **ret_answer, char *error)
{
	return verb_ask(in, CLIENT_TIME_MS, request, ret_answer, error);
}

static void show(const struct invocation *in, const json_t *answer,
	void (*view)(const struct page *page, const json_t *answer))
{
	struct page page = page_of(stdout);

	if (in->options & OPTION_JSON)
		verb_print_json(answer);
	else
		view(&page, answer);
}

/* Asks and shows the answer. */
static int ask_and_view(const struct invocation *in, json_t *request,
	void (*view)(const struct page *page, const json_t *answer))
{
	char error[CLIENT_ERROR_MAX];
	json_t *answer = NULL;
	int status = ask(in, request, &answer, error);

	if (status != CTL_DONE)
		return verb_fail(status, "%s", error);
	show(in, answer, view);
	json_decref(answer);
	return CTL_DONE;
}

/* For monitoring, what cannot be known is a line of its own, too. */
static int check_status(const struct invocation *in)
{
	char error[CLIENT_ERROR_MAX];
	json_t *answer = NULL;
	struct page page = page_of(stdout);

	if (ask(in, json_pack("{s:s}", "verb", "status"), &answer, error) != CTL_DONE) {
		(void)printf("NSRP UNKNOWN: %s\n", error);
		return MONITORING_UNKNOWN;
	}
	int monitoring = view_monitoring(answer);

	if (in->options & OPTION_JSON)
		verb_print_json(answer);
	else
		view_check(&page, answer);
	json_decref(answer);
	return monitoring;
}

int verb_status(const struct invocation *in)
{
	if (in->options & OPTION_CHECK)
		return check_status(in);
	return ask_and_view(in, json_pack("{s:s}", "verb", "status"), view_status);
}

static int show_pulse(const struct invocation *in)
{
	char error[CLIENT_ERROR_MAX];
	json_t *answer = NULL;
	int status = pulse_ask(in, &answer, error);

	if (status != CTL_DONE)
		return verb_fail(status, "%s", error);
	show(in, answer, view_pulse);
	json_decref(answer);
	return CTL_DONE;
}

int verb_show(const struct invocation *in)
{
	static const struct {
		const char *what;
		void (*view)(const struct page *page, const json_t *answer);
	} shows[] = {
		{ "groups", view_groups },
		{ "links", view_links },
		{ "monitors", view_monitors },
		{ "mirror", view_mirror },
		{ "counters", view_counters },
		{ "config", view_config },
	};
	size_t i = 0;

	if (strcmp(in->argument[0], "pulse") == 0)
		return show_pulse(in);
	while (i + 1 < ARRAY_LEN(shows) && strcmp(shows[i].what, in->argument[0]) != 0)
		i++;
	return ask_and_view(
		in, json_pack("{s:s, s:s}", "verb", "show", "what", shows[i].what), shows[i].view);
}

int verb_why(const struct invocation *in)
{
	json_t *request = json_pack("{s:s}", "verb", "why");
	uint8_t id;

	if (invocation_group(in, &id))
		(void)json_object_set_new(request, "group", json_integer(id));
	return ask_and_view(in, request, view_why);
}

int verb_history(const struct invocation *in)
{
	return ask_and_view(in, json_pack("{s:s}", "verb", "history"), view_history);
}

static void view_result(const struct page *page, const json_t *answer)
{
	(void)fprintf(page->out, "%s\n", reply_text_or(answer, "result", "done"));
}

/* A request with what the invocation says of group and force. */
static int command(const struct invocation *in, json_t *request)
{
	uint8_t id;

	if (invocation_group(in, &id))
		(void)json_object_set_new(request, "group", json_integer(id));
	if (in->options & OPTION_FORCE)
		(void)json_object_set_new(request, "force", json_true());
	return ask_and_view(in, request, view_result);
}

int verb_failover(const struct invocation *in)
{
	return command(in, json_pack("{s:s}", "verb", "failover"));
}

int verb_maintenance(const struct invocation *in)
{
	bool on = strcmp(in->argument[0], "on") == 0;
	json_t *request = json_pack("{s:s, s:b}", "verb", "maintenance", "on", on);

	if (in->node)
		(void)json_object_set_new(request, "node", json_string(in->node));
	return command(in, request);
}

int verb_reload(const struct invocation *in)
{
	return ask_and_view(in, json_pack("{s:s}", "verb", "reload"), view_result);
}

int verb_sync(const struct invocation *in)
{
	char error[CLIENT_ERROR_MAX];
	json_t *answer = NULL, *request = json_pack("{s:s}", "verb", "sync");

	if (in->argument[0])
		(void)json_object_set_new(request, "kind", json_string(in->argument[0]));
	if (in->options & OPTION_DRY_RUN)
		(void)json_object_set_new(request, "dry", json_true());
	int status = verb_ask(in, CLIENT_LONG_TIME_MS, request, &answer, error);

	if (status != CTL_DONE)
		return verb_fail(status, "%s", error);
	show(in, answer, view_result);
	json_decref(answer);
	return CTL_DONE;
}

int verb_verify(const struct invocation *in)
{
	char error[CLIENT_ERROR_MAX];
	json_t *answer = NULL;
	int status = verb_ask(
		in, CLIENT_LONG_TIME_MS, json_pack("{s:s}", "verb", "verify"), &answer, error);

	if (status != CTL_DONE)
		return verb_fail(status, "%s", error);
	show(in, answer, view_verify);
	(void)fflush(stdout);
	if (!reply_claim(answer, "equal"))
		status = verb_fail(CTL_FAILED, "%s", reply_text(answer, "result"));
	json_decref(answer);
	return status;
}

/* What both nodes have, and is wrong on one of them, is no difference, but told with them: by the
 * configuration that is in force. */
static void add_warnings(const struct invocation *in, json_t *answer)
{
	struct check_findings found = { .n = 0 };
	struct conf *conf = (struct conf *)calloc(1, sizeof(*conf));
	char error[CLIENT_ERROR_MAX];
	json_t *config = NULL, *warnings = json_array();

	if (conf && ask(in, json_pack("{s:s, s:s}", "verb", "show", "what", "config"), &config,
			    error) == CTL_DONE) {
		const char *text = reply_text(config, "config");

		if (conf_read("", text, strlen(text), reply_text(answer, "node"), &check_silent,
			    conf) == 0)
			check_own_rules(conf, &found);
	}
	for (size_t i = 0; i < found.n; i++)
		(void)json_array_append_new(warnings, json_string(found.finding[i].text));
	(void)json_object_set_new(answer, "warnings", warnings);
	check_findings_fini(&found);
	json_decref(config);
	free(conf);
}

/* `other`: the verb was given without a kind, and goes on to the next that is mirrored. */
static int diff(const struct invocation *in, const char *kind, bool other)
{
	char error[CLIENT_ERROR_MAX];
	json_t *answer = NULL;
	int status = verb_ask(in, CLIENT_LONG_TIME_MS,
		json_pack("{s:s, s:s}", "verb", "diff", "kind", kind), &answer, error);

	if (status == CTL_FAILED && other && strstr(error, result_text(RESULT_NOT_MIRRORED)))
		return CTL_DONE;
	if (status != CTL_DONE)
		return verb_fail(status, "%s: %s", kind, error);
	(void)json_object_set_new(answer, "kind", json_string(kind));
	if (strcmp(kind, "ruleset") == 0)
		add_warnings(in, answer);
	show(in, answer, view_diff);
	json_decref(answer);
	return CTL_DONE;
}

int verb_diff(const struct invocation *in)
{
	int status = CTL_DONE;

	if (in->argument[0])
		return diff(in, in->argument[0], false);
	for (unsigned i = 0; status == CTL_DONE && i < DOCUMENTS; i++)
		status = diff(in, document_kind_name(document_kind_at(i)), true);
	return status;
}

int verb_version(const struct invocation *in)
{
	char error[CLIENT_ERROR_MAX];
	json_t *answer = NULL;
	bool runs = ask(in, json_pack("{s:s}", "verb", "version"), &answer, error) == CTL_DONE;

	if (in->options & OPTION_JSON) {
		json_t *versions = json_pack("{s:s, s:s?}", "nsrpctl", NSRP_VERSION, "nsrpd",
			runs ? reply_text(answer, "version") : NULL);

		verb_print_json(versions);
		json_decref(versions);
	} else {
		(void)printf("nsrpctl %s\nnsrpd %s\n", NSRP_VERSION,
			runs ? reply_text(answer, "version") : "not reached");
	}
	json_decref(answer);
	return CTL_DONE;
}
