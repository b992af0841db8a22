/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test_control.h"

#define STATUS "{\"verb\":\"status\"}\n"
#define RELOAD "{\"verb\":\"reload\"}\n"

static void a_request_is_answered_by_a_line(void **state)
{
	struct fixture *f = *state;
	int client = connect_client(f);

	say(client, STATUS);
	assert_string_equal(hear(f, client), "{\"answer\":1}");
	say(client, "{\"verb\":\"failover\",\"group\":7}\n");
	assert_string_equal(hear(f, client), "{\"answer\":2}");
	assert_int_equal(f->request.verb, CONTROL_FAILOVER);
	assert_int_equal(f->request.group, 7);
	assert_int_equal(f->counted[COUNTER_CONTROL_REQUESTS], 2);
	assert_int_equal(f->counted[COUNTER_CONTROL_MALFORMED], 0);
	assert_int_equal(f->counted[COUNTER_CONTROL_REFUSED], 0);
	close(client);
}

static void the_next_request_waits_for_the_answer_before(void **state)
{
	struct fixture *f = *state;
	int client = connect_client(f);

	f->keep = true;
	say(client, STATUS RELOAD STATUS);
	run_for(f, 20);
	assert_int_equal(f->asked, 1);
	uint32_t first = f->token;

	control_reply(&f->server, first, json_pack("{s:i}", "late", 1));
	assert_string_equal(hear(f, client), "{\"late\":1}");
	run_for(f, 20);
	assert_int_equal(f->asked, 2);
	assert_int_equal(f->request.verb, CONTROL_RELOAD);
	assert_int_not_equal(f->token, first);

	/* An answer counts once. */
	control_reply(&f->server, first, json_pack("{s:i}", "late", 1));
	f->keep = false;
	control_reply_error(&f->server, f->token, "no");
	assert_string_equal(hear(f, client), "{\"error\":\"no\"}");
	assert_string_equal(hear(f, client), "{\"answer\":3}");
	close(client);
}

static void requests_may_come_in_pieces_and_together(void **state)
{
	struct fixture *f = *state;
	int client = connect_client(f);
	const char *text = STATUS;

	for (; text[1] != '\0'; text++) {
		char piece[2] = { text[0], '\0' };

		say(client, piece);
		run_for(f, 1);
	}
	assert_int_equal(f->asked, 0);
	say(client, text);
	assert_string_equal(hear(f, client), "{\"answer\":1}");

	say(client, "{\"verb\":\"version\"}\r\n" STATUS RELOAD);
	run_for(f, 50);
	assert_int_equal(f->asked, 4);
	close(client);
}

static void what_is_malformed_is_refused_and_counted(void **state)
{
	struct fixture *f = *state;
	int client = connect_client(f);
	unsigned n = 0;
	static const char *const bad[] = { "\n", "{\n", "[]\n", "{\"verb\":\"stat\\u0000us\"}\n",
		"{\"verb\":\"\xff\"}\n", "{\"verb\":\"status\"}}\n" };

	for (; n < ARRAY_LEN(bad); n++) {
		say(client, bad[n]);
		assert_ptr_equal(strstr(hear(f, client), "{\"error\":\""), f->answer);
		assert_int_equal(f->counted[COUNTER_CONTROL_MALFORMED], n + 1);
	}
	assert_int_equal(f->asked, 0);
	say(client, STATUS);
	assert_string_equal(hear(f, client), "{\"answer\":1}");
	close(client);
}

static void a_line_that_is_too_long_ends_the_client(void **state)
{
	struct fixture *f = *state;
	int client = connect_client(f);
	char line[CONTROL_REQUEST_MAX + 2];

	memset(line, ' ', sizeof(line));
	memcpy(line, STATUS, strlen(STATUS) - 1);
	line[CONTROL_REQUEST_MAX] = '\n';
	assert_int_equal(send(client, line, CONTROL_REQUEST_MAX + 1, 0), CONTROL_REQUEST_MAX + 1);
	assert_string_equal(hear(f, client), "{\"answer\":1}");

	line[CONTROL_REQUEST_MAX] = ' ';
	assert_int_equal(send(client, line, sizeof(line), 0), sizeof(line));
	assert_string_equal(hear(f, client), "{\"error\":\"a request has at most 4096 bytes\"}");
	assert_string_equal(hear(f, client), "");
	assert_int_equal(f->counted[COUNTER_CONTROL_MALFORMED], 1);
	close(client);
}

static void a_client_that_does_not_read_holds_up_nobody(void **state)
{
	struct fixture *f = *state;
	int slow = connect_client(f), quick = connect_client(f);

	f->answer_len = CONTROL_REPLY_MAX - 100;
	say(slow, STATUS STATUS STATUS);
	run_for(f, 20);
	assert_true(f->asked < 3);
	unsigned asked = f->asked;

	f->answer_len = 0;
	for (unsigned i = 1; i <= 10; i++) {
		say(quick, STATUS);
		assert_int_equal(hear(f, quick)[0], '{');
		assert_int_equal(f->asked, asked + i);
	}
	assert_int_equal(
		strlen(hear(f, slow)), CONTROL_REPLY_MAX - 100 + strlen("{\"answer\":\"\"}"));
	close(slow);
	close(quick);
}

static void an_answer_beyond_the_bound_becomes_an_error(void **state)
{
	struct fixture *f = *state;
	int client = connect_client(f);

	f->answer_len = CONTROL_REPLY_MAX;
	say(client, STATUS);
	assert_string_equal(hear(f, client), "{\"error\":\"the answer is too long\"}");
	f->keep = true;
	say(client, STATUS);
	run_for(f, 20);
	control_reply(&f->server, f->token, NULL);
	assert_string_equal(hear(f, client), "{\"error\":\"out of memory\"}");
	close(client);
}

static void more_clients_than_places_are_told_so(void **state)
{
	struct fixture *f = *state;
	int client[CONTROL_CLIENTS_MAX];

	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		client[i] = connect_client(f);
		run_for(f, 2);
	}
	int other = connect_client(f);

	assert_string_equal(hear(f, other), "{\"error\":\"too many clients\"}");
	assert_string_equal(hear(f, other), "");
	close(other);
	close(client[3]);
	run_for(f, 5);
	other = connect_client(f);
	say(other, STATUS);
	assert_string_equal(hear(f, other), "{\"answer\":1}");
	close(other);
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		if (i != 3)
			close(client[i]);
	}
}

static void a_client_that_went_away_is_forgotten(void **state)
{
	struct fixture *f = *state;
	int client = connect_client(f);

	f->keep = true;
	say(client, STATUS);
	run_for(f, 10);
	close(client);
	run_for(f, 10);
	uint32_t token = f->token;

	control_reply(&f->server, token, json_pack("{s:i}", "late", 1));
	run_for(f, 10);

	/* Whoever has the place now does not get another's answer. */
	client = connect_client(f);
	say(client, STATUS);
	run_for(f, 10);
	control_reply(&f->server, token, json_pack("{s:i}", "late", 1));
	control_reply(&f->server, f->token, json_pack("{s:i}", "mine", 1));
	assert_string_equal(hear(f, client), "{\"mine\":1}");
	control_reply(&f->server, 0, NULL);
	control_reply(&f->server, INT32_MAX, NULL);
	close(client);
}

static void a_client_may_end_its_side_first(void **state)
{
	struct fixture *f = *state;
	int client = connect_client(f);

	say(client, STATUS "{\"verb\":\"version\"}");
	assert_int_equal(shutdown(client, SHUT_WR), 0);
	assert_string_equal(hear(f, client), "{\"answer\":1}");
	assert_string_equal(hear(f, client), "{\"answer\":2}");
	assert_int_equal(f->request.verb, CONTROL_VERSION);
	assert_string_equal(hear(f, client), "");
	close(client);
}

static void time_runs_out_for_the_idle_and_the_unanswered(void **state)
{
	struct fixture *f = *state;
	int idle = connect_client(f), asking = connect_client(f);

	f->keep = true;
	say(asking, STATUS);
	run_for(f, 10);
	for (unsigned i = 0; i < 2; i++)
		f->server.client[i].drop_at = loop_now();
	loop_timer_set(&f->server.timer, loop_now());
	assert_string_equal(hear(f, asking), "{\"error\":\"the daemon found no answer in time\"}");
	assert_string_equal(hear(f, idle), "");
	control_reply(&f->server, f->token, json_pack("{s:i}", "late", 1));

	f->keep = false;
	say(asking, STATUS);
	assert_string_equal(hear(f, asking), "{\"answer\":2}");
	close(idle);
	close(asking);
}

static void what_was_answered_is_sent_before_the_end(void **state)
{
	struct fixture *f = *state;
	int client = connect_client(f);
	char answer[64] = "";

	f->keep = true;
	say(client, STATUS);
	run_for(f, 10);
	control_reply(&f->server, f->token, json_pack("{s:i}", "last", 1));
	control_fini(&f->server);
	assert_true(recv(client, answer, sizeof(answer) - 1, MSG_DONTWAIT) > 0);
	assert_string_equal(answer, "{\"last\":1}\n");
	close(client);

	struct control_handlers handlers = { f, requested, counted };
	control_init(&f->server, &f->loop, &f->socket, &handlers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(a_request_is_answered_by_a_line),
		TEST(the_next_request_waits_for_the_answer_before),
		TEST(requests_may_come_in_pieces_and_together),
		TEST(what_is_malformed_is_refused_and_counted),
		TEST(a_line_that_is_too_long_ends_the_client),
		TEST(a_client_that_does_not_read_holds_up_nobody),
		TEST(an_answer_beyond_the_bound_becomes_an_error),
		TEST(more_clients_than_places_are_told_so),
		TEST(a_client_that_went_away_is_forgotten),
		TEST(a_client_may_end_its_side_first),
		TEST(time_runs_out_for_the_idle_and_the_unanswered),
		TEST(what_was_answered_is_sent_before_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
