/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "client.h"
#include "reply.h"
#include "verb.h"
#include "view.h"

#include <string.h>

enum { MONITORING_UNKNOWN = 3 };

/* Asks; the exit status. Unless it is CTL_DONE the reason is in `error`. The request's reference
 * is taken. */
static int ask_for(
	const struct invocation *in, int time_ms, json_t *request, json_t **ret_answer, char *error)
{
	int status = CTL_UNREACHABLE;

	if (!request) {
		(void)snprintf(error, CLIENT_ERROR_MAX, "out of memory");
		return CTL_FAILED;
	}
	switch (client_ask(in->rundir, request, time_ms, ret_answer, error)) {
	case CLIENT_ANSWERED: status = CTL_DONE; break;
	case CLIENT_REFUSED: status = CTL_FAILED; break;
	case CLIENT_UNREACHABLE: status = CTL_UNREACHABLE; break;
	}
	json_decref(request);
	return status;
}

static int ask(const struct invocation *in, json_t *request, json_t **ret_answer, char *error)
{
	return ask_for(in, CLIENT_TIME_MS, request, ret_answer, error);
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
	int status = ask_for(in, CLIENT_LONG_TIME_MS, request, &answer, error);

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
	int status = ask_for(
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
