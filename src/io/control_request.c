/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control_request.h"
#include "nsrp/node.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	MEMBER_WHAT = 1,
	MEMBER_GROUP = 2,
	MEMBER_ON = 4,
	MEMBER_FORCE = 8,
	MEMBER_NODE = 16,
	MEMBER_KIND = 32,
	MEMBER_DRY = 64,
	MEMBER_FROM = 128,
};

static const struct member {
	const char *name;
	unsigned bit;
} members[] = {
	{ "what", MEMBER_WHAT },
	{ "group", MEMBER_GROUP },
	{ "on", MEMBER_ON },
	{ "force", MEMBER_FORCE },
	{ "node", MEMBER_NODE },
	{ "kind", MEMBER_KIND },
	{ "dry", MEMBER_DRY },
	{ "from", MEMBER_FROM },
};

static const struct verb {
	const char *name;
	enum control_verb verb;
	bool commands;
	unsigned may, must; /* members */
} verbs[] = {
	{ "status", CONTROL_STATUS, false, 0, 0 },
	{ "show", CONTROL_SHOW, false, MEMBER_WHAT, MEMBER_WHAT },
	{ "why", CONTROL_WHY, false, MEMBER_GROUP, 0 },
	{ "history", CONTROL_HISTORY, false, 0, 0 },
	{ "pulse", CONTROL_PULSE, false, MEMBER_FROM, 0 },
	{ "version", CONTROL_VERSION, false, 0, 0 },
	{ "failover", CONTROL_FAILOVER, true, MEMBER_GROUP | MEMBER_FORCE, 0 },
	{ "maintenance", CONTROL_MAINTENANCE, true,
		MEMBER_ON | MEMBER_GROUP | MEMBER_FORCE | MEMBER_NODE, MEMBER_ON },
	{ "reload", CONTROL_RELOAD, true, 0, 0 },
	{ "sync", CONTROL_SYNC, true, MEMBER_KIND | MEMBER_DRY, 0 },
	{ "verify", CONTROL_VERIFY, true, 0, 0 },
	{ "diff", CONTROL_DIFF, true, MEMBER_KIND, MEMBER_KIND },
};

static const struct {
	const char *name;
	enum control_show what;
} shows[] = {
	{ "groups", CONTROL_SHOW_GROUPS },
	{ "links", CONTROL_SHOW_LINKS },
	{ "monitors", CONTROL_SHOW_MONITORS },
	{ "mirror", CONTROL_SHOW_MIRROR },
	{ "counters", CONTROL_SHOW_COUNTERS },
	{ "config", CONTROL_SHOW_CONFIG },
};

/* Writes the message, of which all that is not printable ASCII becomes `?`; always false. */
static bool refuse(char error[CONTROL_ERROR_MAX], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static bool refuse(char error[CONTROL_ERROR_MAX], const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): set by va_start */
	(void)vsnprintf(error, CONTROL_ERROR_MAX, format, arguments);
	va_end(arguments);
	for (char *c = error; *c != '\0'; c++) {
		if (*c < 0x20 || *c > 0x7e)
			*c = '?';
	}
	return false;
}

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	}
	return NULL;
}

/* The member's bit; 0 = not a member of this verb's requests. */
static unsigned find_member(const struct verb *verb, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		if ((verb->may & members[i].bit) && strcmp(members[i].name, name) == 0)
			return members[i].bit;
	}
	return 0;
}

static bool parse_what(const json_t *value, struct control_request *request, char *error)
{
	const char *text = json_string_value(value);

	for (size_t i = 0; text && i < ARRAY_LEN(shows); i++) {
		if (strcmp(shows[i].name, text) == 0) {
			request->what = shows[i].what;
			return true;
		}
	}
	return refuse(
		error, "\"what\" is one of groups, links, monitors, mirror, counters, config");
}

static bool parse_group(const json_t *value, struct control_request *request, char *error)
{
	json_int_t id = json_integer_value(value);

	if (!json_is_integer(value) || id < 0 || id > UINT8_MAX)
		return refuse(error, "\"group\" is the id of a group, 0 to 255");
	request->has_group = true;
	request->group = (uint8_t)id;
	return true;
}

static bool parse_node(const json_t *value, struct control_request *request, char *error)
{
	const char *text = json_string_value(value);
	size_t len = text ? json_string_length(value) : 0;

	if (len == 0 || len >= sizeof(request->node) || strlen(text) != len)
		return refuse(error, "\"node\" is the name of a node");
	memcpy(request->node, text, len + 1);
	return true;
}

static bool parse_kind(const json_t *value, struct control_request *request, char *error)
{
	static const char *const built[] = {
#define X(name, number, text) text,
		OBJECT_KINDS(X)
#undef X
	};
	const char *text = json_string_value(value);

	for (unsigned i = 0; text && i < DOCUMENTS; i++) {
		if (strcmp(text, document_kind_name(document_kind_at(i))) == 0) {
			request->document = document_kind_at(i);
			(void)snprintf(request->kind, sizeof(request->kind), "%s", text);
			return true;
		}
	}

	for (size_t i = 0; text && i < ARRAY_LEN(built); i++) {
		if (strcmp(text, built[i]) == 0) {
			(void)snprintf(request->kind, sizeof(request->kind), "%s", text);
			return true;
		}
	}
	return refuse(error,
		"\"kind\" is one of conntrack, expectation, neighbour, sa, policy, ruleset, "
		"files");
}

static bool parse_from(const json_t *value, struct control_request *request, char *error)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return refuse(error, "\"from\" is the number of a sample");
	request->from = (uint64_t)json_integer_value(value);
	return true;
}

static bool parse_claim(const json_t *value, const char *name, bool *claim, char *error)
{
	if (!json_is_boolean(value))
		return refuse(error, "\"%s\" is true or false", name);
	*claim = json_is_true(value);
	return true;
}

static bool parse_member(
	unsigned member, const json_t *value, struct control_request *request, char *error)
{
	switch (member) {
	case MEMBER_WHAT: return parse_what(value, request, error);
	case MEMBER_GROUP: return parse_group(value, request, error);
	case MEMBER_NODE: return parse_node(value, request, error);
	case MEMBER_KIND: return parse_kind(value, request, error);
	case MEMBER_FROM: return parse_from(value, request, error);
	case MEMBER_ON: return parse_claim(value, "on", &request->on, error);
	case MEMBER_DRY: return parse_claim(value, "dry", &request->dry, error);
	default: return parse_claim(value, "force", &request->force, error);
	}
}

static bool parse_object(json_t *object, struct control_request *request, char *error)
{
	if (!json_is_object(object))
		return refuse(error, "a request is a JSON object");
	const char *name = json_string_value(json_object_get(object, "verb"));

	if (!name)
		return refuse(error, "a request needs a \"verb\"");
	const struct verb *verb = find_verb(name);
	unsigned seen = 0;
	const char *key;
	json_t *value;

	if (!verb)
		return refuse(error, "there is no verb \"%s\"", name);
	request->verb = verb->verb;
	json_object_foreach(object, key, value)
	{
		unsigned member = find_member(verb, key);

		if (strcmp(key, "verb") == 0)
			continue;
		if (!member)
			return refuse(error, "\"%s\" has no member \"%s\"", verb->name, key);
		if (!parse_member(member, value, request, error))
			return false;
		seen |= member;
	}
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		if (verb->must & members[i].bit & ~seen)
			return refuse(error, "\"%s\" needs \"%s\"", verb->name, members[i].name);
	}
	if (request->document == 0 && (request->dry || request->verb == CONTROL_DIFF))
		return refuse(error, "\"%s\": \"kind\" is one of ruleset, files", verb->name);
	return true;
}

bool control_request_parse(const char *line, size_t len, struct control_request *ret_request,
	char error[CONTROL_ERROR_MAX])
{
	struct control_request request;
	json_error_t problem;

	memset(&request, 0, sizeof(request));
	if (len > CONTROL_REQUEST_MAX)
		return refuse(error, "a request has at most %d bytes", CONTROL_REQUEST_MAX);
	json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES, &problem);

	if (!object)
		return refuse(error, "not JSON: %s (at byte %d)", problem.text, problem.position);
	bool ok = parse_object(object, &request, error);

	json_decref(object);
	if (ok)
		*ret_request = request;
	return ok;
}

bool control_request_commands(const struct control_request *request)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (verbs[i].verb == request->verb)
			return verbs[i].commands;
	}
	return true;
}

unsigned control_request_time_ms(const struct control_request *request)
{
	switch (request->verb) {
	case CONTROL_SYNC:
	case CONTROL_VERIFY:
	case CONTROL_DIFF: return CONTROL_ANSWER_LONG_MS;
	case CONTROL_STATUS:
	case CONTROL_SHOW:
	case CONTROL_WHY:
	case CONTROL_HISTORY:
	case CONTROL_PULSE:
	case CONTROL_VERSION:
	case CONTROL_FAILOVER:
	case CONTROL_MAINTENANCE:
	case CONTROL_RELOAD: break;
	}
	return CONTROL_ANSWER_MS;
}

unsigned control_request_group(const struct conf *conf, uint8_t id)
{
	unsigned i = 0;

	while (i < conf->n_groups && conf->group[i].id != id)
		i++;
	return i;
}

const char *control_request_command(const struct control_request *request, const struct conf *conf,
	uint32_t token, struct command *ret_command)
{
	struct command command = {
		.group = COMMAND_ALL_GROUPS,
		.force = request->force,
		.token = token,
	};

	if (request->verb == CONTROL_FAILOVER)
		command.verb = COMMAND_FAILOVER;
	else if (request->verb == CONTROL_MAINTENANCE)
		command.verb = request->on ? COMMAND_MAINTENANCE_ON : COMMAND_MAINTENANCE_OFF;
	else
		return "not a command";
	if (request->node[0] != '\0' && strcmp(request->node, conf->node[conf->self]) != 0) {
		if (strcmp(request->node, conf->node[1 - conf->self]) != 0)
			return "there is no such node";
		command.peer = true;
	}
	if (request->has_group) {
		unsigned index = control_request_group(conf, request->group);

		if (index == conf->n_groups)
			return result_text(RESULT_NO_GROUP);
		command.group = (uint16_t)index;
	}
	*ret_command = command;
	return NULL;
}
