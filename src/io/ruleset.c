/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ruleset.h"
#include "nft.h"
#include "nft_text.h"
#include "store_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A patch that is longer than this part of the whole is none. */
enum { PATCH_PART = 2 };

struct keeper {
	struct nft *nft;
	/* Of the last reading; `read` once there is one. */
	bool read;
	struct document_digest digest;
};

/* Bytes that are mapped as long as they are looked at. */
struct view {
	void *at;
	size_t len;
};

static bool wanted(const struct conf *conf)
{
	return conf->mirror.ruleset;
}

static int open_ruleset(const struct document_setup *setup, void **ret_self)
{
	struct keeper *k = calloc(1, sizeof(*k));
	int error;

	if (!k)
		return -ENOMEM;
	error = nft_new(setup->conf, &k->nft);
	if (error)
		free(k);
	else
		*ret_self = k;
	return error;
}

static void close_ruleset(void *self)
{
	struct keeper *k = self;

	nft_free(k->nft);
	free(k);
}

static int fd_of(const void *self)
{
	const struct keeper *k = self;

	return nft_fd(k->nft);
}

static bool heard(void *self)
{
	struct keeper *k = self;

	return nft_heard(k->nft);
}

/* ---- bytes --------------------------------------------------------------------------------- */

static int view_open(int fd, struct view *ret)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size <= 0 || st.st_size > DOCUMENT_BYTES_MAX)
		return -EBADMSG;
	ret->len = (size_t)st.st_size;
	ret->at = mmap(NULL, ret->len, PROT_READ, MAP_PRIVATE, fd, 0);
	return ret->at == MAP_FAILED ? -errno : 0;
}

static void view_close(struct view *v)
{
	(void)munmap(v->at, v->len);
}

/* What changed since the last reading, when that is little: a memfd, or -1. */
static int make_patch(const struct ruleset *rs, size_t whole)
{
	uint8_t *bytes;
	size_t len;
	int fd = -1;

	if (ruleset_encode_patch(rs, nft_now_ms(), &bytes, &len) != 0)
		return -1;
	if (len < whole / PATCH_PART)
		fd = memfd_create("nsrpd-ruleset", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd >= 0 && store_write(fd, (const char *)bytes, len) != 0) {
		close(fd);
		fd = -1;
	}
	free(bytes);
	return fd;
}

static int read_ruleset(
	void *self, int memfd, struct document_reading *ret, char why[DOCUMENT_TEXT_MAX])
{
	_Static_assert((int)RULESET_WHY_LEN == (int)DOCUMENT_TEXT_MAX, "one kind of line");
	_Static_assert((int)RULESET_DIGEST_LEN == (int)DOCUMENT_DIGEST_LEN, "one kind of digest");
	struct keeper *k = self;
	struct document_digest before = k->digest;
	bool had = k->read;
	uint8_t *bytes;
	size_t len;
	int error = nft_read(k->nft, true, why);

	k->read = false;
	if (error)
		return error;
	ruleset_digest(nft_ruleset(k->nft), k->digest.bytes);
	if (had && memcmp(&before, &k->digest, sizeof(before)) == 0) {
		*ret = (struct document_reading){ .digest = before, .patch_fd = -1 };
		ruleset_digest_lasting(nft_ruleset(k->nft), ret->lasting.bytes);
		k->read = true;
		return 0;
	}
	error = ruleset_encode(nft_ruleset(k->nft), nft_now_ms(), &bytes, &len);
	if (error)
		return error;
	if (len > DOCUMENT_BYTES_MAX) {
		(void)snprintf(why, DOCUMENT_TEXT_MAX, "it has %zu bytes, at most %d are mirrored",
			len, DOCUMENT_BYTES_MAX);
		error = -EFBIG;
	} else {
		error = store_write(memfd, (const char *)bytes, len);
	}
	free(bytes);
	if (error)
		return error;
	ret->digest = k->digest;
	ruleset_digest_lasting(nft_ruleset(k->nft), ret->lasting.bytes);
	ret->base = before;
	ret->patch_fd = had ? make_patch(nft_ruleset(k->nft), len) : -1;
	ruleset_mark(nft_ruleset(k->nft));
	k->read = true;
	return 0;
}

/* ---- the peer's ---------------------------------------------------------------------------- */

static int decode(struct keeper *k, int fd, struct ruleset **ret, char why[DOCUMENT_TEXT_MAX])
{
	struct view view;
	int error = view_open(fd, &view);

	if (!error) {
		error = ruleset_decode(
			nft_host(k->nft), span_of(view.at, view.len), nft_now_ms(), ret);
		view_close(&view);
	}
	if (error == -EPROTO)
		(void)snprintf(
			why, DOCUMENT_TEXT_MAX, "it is from a machine of another byte order");
	else if (error)
		(void)snprintf(why, DOCUMENT_TEXT_MAX, "it cannot be read: %s", strerror(-error));
	return error;
}

/* A patch is of what both nodes had, and that is what this node must have. */
static bool has_base(struct keeper *k, const struct document_offer *offer)
{
	struct document_digest now;
	char why[RULESET_WHY_LEN];

	if (offer->form == DOCUMENT_WHOLE)
		return true;
	if (nft_read(k->nft, false, why) != 0)
		return false;
	ruleset_digest(nft_ruleset(k->nft), now.bytes);
	return memcmp(&now, &offer->base, sizeof(now)) == 0;
}

static int apply_offer(
	struct keeper *k, const struct document_offer *offer, bool dry, char why[DOCUMENT_TEXT_MAX])
{
	struct ruleset *rs = NULL;
	int error = has_base(k, offer) ? 0 : -ESTALE;

	if (!error)
		error = decode(k, offer->fd, &rs, why);
	if (!error && ruleset_is_patch(rs) != (offer->form == DOCUMENT_PATCH)) {
		(void)snprintf(why, DOCUMENT_TEXT_MAX, "it is not what it was said to be");
		error = -EBADMSG;
	}
	if (!error) {
		ruleset_expire(rs, nft_now_ms());
		error = nft_apply(k->nft, rs, offer->digest.bytes, dry, why);
	}
	ruleset_free(rs);
	return error;
}

static void apply(
	void *self, const struct document_offer *offer, bool dry, struct document_verdict *ret)
{
	int error = apply_offer(self, offer, dry, ret->text);

	/* That the kernel shows something else is said, and seen in the digest. */
	if (error == 0 || error == -EUCLEAN)
		ret->result = dry ? DOCUMENT_VALID : DOCUMENT_ACCEPTED;
	else if (error == -ESTALE)
		ret->result = DOCUMENT_BASE_MISSING;
	else
		ret->result = dry ? DOCUMENT_INVALID : DOCUMENT_REFUSED;
	if (error && ret->text[0] == '\0')
		(void)snprintf(ret->text, sizeof(ret->text), "%s", strerror(-error));
}

static int diff(void *self, int fd, FILE *to, char why[DOCUMENT_TEXT_MAX])
{
	struct keeper *k = self;
	struct view view;
	uint8_t *own = NULL;
	size_t len = 0;
	int error = nft_read(k->nft, false, why);

	if (!error)
		error = ruleset_encode(nft_ruleset(k->nft), nft_now_ms(), &own, &len);
	if (error)
		return error;
	error = view_open(fd, &view);
	if (!error) {
		error = nft_diff(
			nft_host(k->nft), span_of(own, len), span_of(view.at, view.len), to, why);
		view_close(&view);
	}
	free(own);
	return error;
}

const struct document_ops ruleset_ops = {
	.name = "ruleset",
	.kind = DOCUMENT_RULESET,
	.format = 1,
	.interval_ms = RULESET_INTERVAL_MS,
	.wanted = wanted,
	.open = open_ruleset,
	.close = close_ruleset,
	.fd = fd_of,
	.heard = heard,
	.read = read_ruleset,
	.apply = apply,
	.diff = diff,
};
