/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nft_text.h"
#include "listing.h"
#include "nft.h"
#include "rtnl.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <nftables/libnftables.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* For a reason's sake nobody waits longer. */
enum { RULE_SECONDS = 2 };

/* ---- in the child -------------------------------------------------------------------------- */

static bool make_interface(const char *name, const char *kind)
{
	struct rtnl *r;
	bool made = false;

	if (rtnl_new(&r))
		return false;
	rtnl_begin(r);
	struct nlmsghdr *nlh = rtnl_add(r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	struct nlattr *nest = mnl_attr_nest_start(nlh, IFLA_LINKINFO);

	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, kind);
	mnl_attr_nest_end(nlh, nest);
	made = !rtnl_send(r) && rtnl_outcome(r, 0)->error == 0;
	rtnl_free(r);
	return made;
}

/* An interface that a rule names is made when it is asked for: libnftables prints its name. */
static uint32_t index_of(const char *name)
{
	uint32_t index = if_nametoindex(name);

	if (!index && (make_interface(name, "dummy") || make_interface(name, "veth") ||
			      make_interface(name, "bridge")))
		index = if_nametoindex(name);
	return index;
}

static int load(const struct ruleset_host *host, struct span document, char why[RULESET_WHY_LEN])
{
	const uint8_t any_digest[RULESET_DIGEST_LEN] = { 0 };
	struct ruleset_host here = *host;
	struct ruleset *wanted = NULL;
	struct nft *nft = NULL;
	int error = nft_new(host->conf, &nft);

	here.index_of = index_of;
	if (!error)
		error = ruleset_decode(&here, document, nft_now_ms(), &wanted);
	if (error)
		(void)snprintf(why, RULESET_WHY_LEN, "%s", strerror(-error));
	else
		error = nft_apply(nft, wanted, any_digest, false, why);
	ruleset_free(wanted);
	nft_free(nft);
	return error == -EUCLEAN ? 0 : error;
}

static int print(const char *command, FILE *to)
{
	struct nft_ctx *ctx = nft_ctx_new(NFT_CTX_DEFAULT);
	int error = -ENOMEM;

	if (!ctx)
		return error;
	nft_ctx_output_set_flags(ctx, NFT_CTX_OUTPUT_STATELESS);
	if (!nft_ctx_buffer_output(ctx) && !nft_ctx_buffer_error(ctx))
		error = nft_run_cmd_from_buffer(ctx, command) ? -EIO : 0;
	if (!error && fputs(nft_ctx_get_output_buffer(ctx), to) < 0)
		error = -EIO;
	nft_ctx_free(ctx);
	return error;
}

/* What is to be listed: a document, or one rule of a ruleset. */
struct subject {
	const struct ruleset_host *host;
	struct span document;
	const struct ruleset *ruleset; /* NULL: the document */
	const struct ruleset_found *rule;
};

static int load_rule(const struct subject *of)
{
	struct ruleset_host here = *of->host;
	struct ruleset_batch *batch = NULL;
	struct nft *nft = NULL;
	int error = nft_new(of->host->conf, &nft);

	here.index_of = index_of;
	if (!error)
		error = ruleset_plan_rule(of->ruleset, of->rule, &here, &batch);
	if (!error)
		error = nft_load(nft, batch);
	ruleset_batch_free(batch);
	nft_free(nft);
	return error;
}

static int print_rule(const struct ruleset_found *rule, FILE *to)
{
	char command[2 * RULESET_NAME_MAX + 32];

	(void)snprintf(command, sizeof(command), "list chain %s %s %s",
		ruleset_family_name(rule->family), rule->table, rule->chain);
	return print(command, to);
}

/* Never returns: what it has to say goes into `fd`, and the exit status tells which it is. */
static _Noreturn void list_in_child(const struct subject *of, int fd)
{
	char why[RULESET_WHY_LEN] = "";
	FILE *to = fdopen(fd, "w");
	int error = !to || unshare(CLONE_NEWNET) < 0 ? -errno : 0;

	if (of->ruleset)
		(void)alarm(RULE_SECONDS);
	if (error)
		(void)snprintf(why, sizeof(why), "no network namespace: %s%s", strerror(-error),
			error == -EPERM ? " (nsrpd-documents.conf beside the unit allows it)" : "");
	else
		error = of->ruleset ? load_rule(of) : load(of->host, of->document, why);
	if (!error)
		error = of->ruleset ? print_rule(of->rule, to) : print("list ruleset", to);
	if (to && error)
		(void)fputs(why, to);
	_exit(to && fclose(to) == 0 && !error ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* ---- in the parent ------------------------------------------------------------------------- */

struct text {
	char *at; /* owned */
	size_t len;
};

static int read_all(int fd, struct text *ret)
{
	FILE *in = fdopen(fd, "r"), *out = open_memstream(&ret->at, &ret->len);
	char piece[4096];
	size_t n;
	int error = in && out ? 0 : -ENOMEM;

	while (!error && (n = fread(piece, 1, sizeof(piece), in)) > 0)
		error = fwrite(piece, 1, n, out) == n ? 0 : -ENOMEM;
	if (out && fclose(out) != 0)
		error = -ENOMEM;
	if (in)
		(void)fclose(in);
	else
		close(fd);
	return error;
}

/* The listing of a document, or an error and its reason. */
static int list(const struct subject *of, struct text *ret, char why[RULESET_WHY_LEN])
{
	int ends[2], status = 0, error;

	(void)snprintf(why, RULESET_WHY_LEN, "it cannot be listed: no process for it");
	if (pipe(ends) < 0)
		return -errno;
	pid_t child = fork();

	if (child == 0) {
		close(ends[0]);
		list_in_child(of, ends[1]);
	}
	close(ends[1]);
	if (child < 0) {
		close(ends[0]);
		return -EAGAIN;
	}
	error = read_all(ends[0], ret);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (!error && (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS)) {
		(void)snprintf(why, RULESET_WHY_LEN, "it cannot be listed: %.200s",
			ret->len > 0 ? ret->at : "its listing ended early");
		error = -EIO;
	}
	return error;
}

int nft_diff(const struct ruleset_host *host, struct span own, struct span document, FILE *to,
	char why[RULESET_WHY_LEN])
{
	struct text mine = { NULL, 0 }, other = { NULL, 0 };
	int error = list(&(struct subject){ .host = host, .document = own }, &mine, why);

	if (!error)
		error = list(&(struct subject){ .host = host, .document = document }, &other, why);
	if (!error)
		error = listing_differ(
			span_of(mine.at, mine.len), span_of(other.at, other.len), to);
	free(mine.at);
	free(other.at);
	return error < 0 ? error : 0;
}

/* The lines of the only rule, without what surrounds them, as one. */
static int rule_of(const char *listing, char text[RULESET_WHY_LEN])
{
	const char *at = strstr(listing, "\n\t\t"), *end = at ? strstr(at, "\n\t}") : NULL;
	size_t len = 0;

	if (!end)
		return -ENOENT;
	for (at += strspn(at, "\n\t "); at < end && len < RULESET_WHY_LEN - 1; at++) {
		bool blank = *at == '\n' || *at == '\t' || *at == ' ';

		if (!blank || (len > 0 && text[len - 1] != ' '))
			text[len++] = blank ? ' ' : *at;
	}
	text[len] = '\0';
	return 0;
}

int nft_rule_text(const struct ruleset_host *host, const struct ruleset *wanted,
	const struct ruleset_found *of, char text[RULESET_WHY_LEN])
{
	const struct subject rule = { .host = host, .ruleset = wanted, .rule = of };
	struct text listing = { NULL, 0 };
	char why[RULESET_WHY_LEN];
	int error = list(&rule, &listing, why);

	if (!error)
		error = rule_of(listing.at, text);
	free(listing.at);
	return error;
}
