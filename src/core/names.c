/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nsrp/node.h"

const char *group_state_name(enum group_state state)
{
	switch (state) {
	case GROUP_INIT: return "init";
	case GROUP_MASTER: return "master";
	case GROUP_PRIMARY_BACKUP: return "primary-backup";
	case GROUP_BACKUP: return "backup";
	case GROUP_INELIGIBLE: return "ineligible";
	case GROUP_INOPERABLE: return "inoperable";
	}
	return "?";
}

const char *path_state_name(enum path_state state)
{
	switch (state) {
	case PATH_SILENT: return "silent";
	case PATH_ALIVE: return "alive";
	case PATH_ONE_WAY: return "one-way";
	case PATH_LOST: return "lost";
	}
	return "?";
}

const char *rule_label(enum election_rule rule)
{
	static const char *const labels[RULE_COUNT] = {
#define X(name, label, text) [RULE_##name] = label,
		ELECTION_RULES(X)
#undef X
	};

	return (unsigned)rule < RULE_COUNT ? labels[rule] : "?";
}

const char *rule_text(enum election_rule rule)
{
	static const char *const texts[RULE_COUNT] = {
#define X(name, label, text) [RULE_##name] = text,
		ELECTION_RULES(X)
#undef X
	};

	return (unsigned)rule < RULE_COUNT ? texts[rule] : "?";
}

const char *reason_text(enum reason reason)
{
	switch (reason) {
#define X(name, number, text)                                                                      \
	case REASON_##name: return text;
		REASONS(X)
#undef X
	}
	return "?"; /* a later release's */
}

const char *step_key(enum step step)
{
	static const char *const keys[STEP_COUNT] = {
#define X(name, key, text) [STEP_##name] = key,
		STEPS(X)
#undef X
	};

	return (unsigned)step < STEP_COUNT ? keys[step] : "?";
}

const char *step_text(enum step step)
{
	static const char *const texts[STEP_COUNT] = {
#define X(name, key, text) [STEP_##name] = text,
		STEPS(X)
#undef X
	};

	return (unsigned)step < STEP_COUNT ? texts[step] : "?";
}

const char *result_text(enum result result)
{
	switch (result) {
#define X(name, number, ok, text)                                                                  \
	case RESULT_##name: return text;
		RESULTS(X)
#undef X
	}
	return "?";
}

bool result_ok(enum result result)
{
	switch (result) {
#define X(name, number, ok, text)                                                                  \
	case RESULT_##name: return ok;
		RESULTS(X)
#undef X
	}
	return false;
}

const char *counter_key(enum counter counter)
{
	static const char *const keys[COUNTER_COUNT] = {
#define X(name, key, text) [COUNTER_##name] = key,
		COUNTERS(X)
#undef X
	};

	return (unsigned)counter < COUNTER_COUNT ? keys[counter] : "?";
}

const char *counter_text(enum counter counter)
{
	static const char *const texts[COUNTER_COUNT] = {
#define X(name, key, text) [COUNTER_##name] = text,
		COUNTERS(X)
#undef X
	};

	return (unsigned)counter < COUNTER_COUNT ? texts[counter] : "?";
}

const char *document_kind_name(uint8_t kind)
{
	switch ((enum document_kind)kind) {
#define X(name, number, text)                                                                      \
	case DOCUMENT_##name: return text;
		DOCUMENT_KINDS(X)
#undef X
	}
	return "?";
}

const char *document_result_text(enum document_result result)
{
	switch (result) {
#define X(name, number, text)                                                                      \
	case DOCUMENT_##name: return text;
		DOCUMENT_RESULTS(X)
#undef X
	}
	return "?"; /* a later release's */
}

const char *document_condition_key(enum document_condition condition)
{
	static const char *const keys[CONDITION_COUNT] = {
#define X(name, key, text) [CONDITION_##name] = key,
		DOCUMENT_CONDITIONS(X)
#undef X
	};

	return (unsigned)condition < CONDITION_COUNT ? keys[condition] : "?";
}

const char *document_condition_text(enum document_condition condition)
{
	static const char *const texts[CONDITION_COUNT] = {
#define X(name, key, text) [CONDITION_##name] = text,
		DOCUMENT_CONDITIONS(X)
#undef X
	};

	return (unsigned)condition < CONDITION_COUNT ? texts[condition] : "?";
}
