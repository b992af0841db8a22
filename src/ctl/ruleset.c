/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ruleset.h"

#include <errno.h>
#include <nftables/libnftables.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NETLINK_OF_NETFILTER = 12 };

/* libnftables ends the process where it gets no socket, and writes to stderr where it has no right.
 */
static bool has_netfilter(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_OF_NETFILTER);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* The first line of what libnftables says, without what stands before it. */
static void say_why(struct nft_ctx *nft, char why[RULESET_WHY_MAX])
{
	static const char error[] = "Error: ";
	const char *text = nft_ctx_get_error_buffer(nft);
	const char *begin = text ? strstr(text, error) : NULL;

	begin = begin ? begin + strlen(error) : text;
	if (!begin || *begin == '\0')
		begin = "libnftables does not say why";
	size_t len = strcspn(begin, "\n");

	len = len < RULESET_WHY_MAX ? len : RULESET_WHY_MAX - 1;
	memcpy(why, begin, len);
	why[len] = '\0';
}

json_t *ruleset_read(char why[RULESET_WHY_MAX])
{
	json_t *ruleset = NULL;

	if (geteuid() != 0 || !has_netfilter()) {
		(void)snprintf(why, RULESET_WHY_MAX, "%s", strerror(EPERM));
		return NULL;
	}
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);

	(void)snprintf(why, RULESET_WHY_MAX, "%s", strerror(ENOMEM));
	if (!nft)
		return NULL;
	if (nft_ctx_buffer_output(nft) || nft_ctx_buffer_error(nft))
		goto out;
	nft_ctx_output_set_flags(nft, NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_NUMERIC_ALL);
	if (nft_run_cmd_from_buffer(nft, "list ruleset")) {
		say_why(nft, why);
		goto out;
	}
	json_error_t error;

	ruleset = json_loads(nft_ctx_get_output_buffer(nft), 0, &error);
	if (!ruleset)
		(void)snprintf(why, RULESET_WHY_MAX, "%s", error.text);
out:
	nft_ctx_free(nft);
	return ruleset;
}
