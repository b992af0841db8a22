/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metrics.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

enum {
	ASK_MS = 3000, /* for each of two answers; scrapers wait for 10 s */
	CONNECTIONS_MAX = 16,
	CONNECTION_S = 10,
	WAIT_MS = 60000,
};

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static bool read_port(const char *text, in_port_t *ret_port)
{
	char *end;
	unsigned long port = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || port == 0 || port > UINT16_MAX)
		return false;
	*ret_port = htons((uint16_t)port);
	return true;
}

/* IPv4:PORT or [IPv6]:PORT. */
static bool read_address(const char *text, union address *ret)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;
	char host[INET6_ADDRSTRLEN + 2];

	memset(ret, 0, sizeof(*ret));
	if (len == 0 || len >= sizeof(host))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	if (host[0] == '[' && host[len - 1] == ']') {
		host[len - 1] = '\0';
		ret->in6.sin6_family = AF_INET6;
		return inet_pton(AF_INET6, host + 1, &ret->in6.sin6_addr) == 1 &&
		       read_port(colon + 1, &ret->in6.sin6_port);
	}
	ret->in.sin_family = AF_INET;
	return inet_pton(AF_INET, host, &ret->in.sin_addr) == 1 &&
	       read_port(colon + 1, &ret->in.sin_port);
}

static json_t *ask(const char *rundir, json_t *request)
{
	char error[CLIENT_ERROR_MAX];
	json_t *answer = NULL;

	if (request && client_ask(rundir, request, ASK_MS, &answer, error) != CLIENT_ANSWERED)
		answer = NULL;
	json_decref(request);
	return answer;
}

/* The page, which the caller frees; NULL: memory ran out. */
static char *make_page(const char *rundir, size_t *ret_len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_len);

	if (!out)
		return NULL;
	json_t *status = ask(rundir, json_pack("{s:s}", "verb", "status"));
	json_t *counters =
		status ? ask(rundir, json_pack("{s:s, s:s}", "verb", "show", "what", "counters"))
		       : NULL;

	metrics_write(out, status, counters);
	json_decref(status);
	json_decref(counters);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

/* Takes `text` when it is `owned`, else copies it. */
static enum MHD_Result reply(struct MHD_Connection *connection, unsigned status, char *text,
	size_t len, bool owned, const char *type)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		len, text, owned ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result = MHD_NO;

	if (!response) {
		if (owned)
			free(text);
		return MHD_NO;
	}
	if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type) == MHD_YES &&
		(status != MHD_HTTP_METHOD_NOT_ALLOWED ||
			MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD") ==
				MHD_YES))
		result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result answer(void *user, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *body, size_t *body_len,
	void **connection_user)
{
	char no_method[] = "only GET and HEAD\n", no_page[] = "only /metrics\n";
	size_t len = 0;

	(void)version;
	(void)body;
	(void)connection_user;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
		*body_len = 0;
		return reply(connection, MHD_HTTP_METHOD_NOT_ALLOWED, no_method,
			sizeof(no_method) - 1, false, "text/plain");
	}
	if (strcmp(url, "/metrics") != 0)
		return reply(connection, MHD_HTTP_NOT_FOUND, no_page, sizeof(no_page) - 1, false,
			"text/plain");
	char *page = make_page((const char *)user, &len);

	return page ? reply(connection, MHD_HTTP_OK, page, len, true, METRICS_TYPE) : MHD_NO;
}

int metrics_serve(const char *where, const char *rundir)
{
	union address address;
	char directory[256];

	if (!read_address(where, &address) ||
		snprintf(directory, sizeof(directory), "%s", rundir) >= (int)sizeof(directory))
		return -EINVAL;
	errno = 0;
	struct MHD_Daemon *server = MHD_start_daemon(
		MHD_USE_EPOLL | (address.any.sa_family == AF_INET6 ? MHD_USE_IPv6 : 0), 0, NULL,
		NULL, answer, directory, MHD_OPTION_SOCK_ADDR, &address.any,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)CONNECTION_S, MHD_OPTION_END);

	if (!server)
		return errno ? -errno : -EADDRNOTAVAIL;
	while (MHD_run_wait(server, WAIT_MS) == MHD_YES)
		;
	MHD_stop_daemon(server);
	return -EIO;
}
