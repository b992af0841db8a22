/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One document of the clerk's. */
#include "clerk_state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	QUIET_MS = 25,         /* without a change: then a document is read */
	QUIET_MAX_MS = 500,    /* or so long after the first of a row that does not end */
	KEEP_AFTER_MS = 10000, /* what is kept is written so long after it was read */
};

/* ---- the engine is told -------------------------------------------------------------------- */

static struct message message_on(const struct folder *f, enum message_type type)
{
	struct message m = { .type = type };

	m.document.kind = f->ops->kind;
	m.document.format = f->ops->format;
	m.document.digest = f->digest;
	m.document.lasting = f->lasting;
	return m;
}

static void tell_reading(const struct folder *f, const struct document_reading *reading)
{
	struct message m =
		message_on(f, f->fd >= 0 ? MESSAGE_DOCUMENT_READ : MESSAGE_DOCUMENT_UNREAD);

	if (reading != NULL && reading->patch_fd >= 0) {
		struct message patch = message_on(f, MESSAGE_DOCUMENT_PATCH);

		patch.document.base = reading->base;
		(void)message_seal(reading->patch_fd);
		clerk_tell(f->clerk, &patch, reading->patch_fd);
	}
	memcpy(m.document.text, f->why, sizeof(f->why));
	clerk_tell(f->clerk, &m, f->fd);
}

void folder_tell_again(const struct folder *f)
{
	if (f->told)
		tell_reading(f, NULL);
}

/* ---- reading ------------------------------------------------------------------------------- */

static int new_memory(void)
{
	int fd = memfd_create("nsrpd-document", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	return fd < 0 ? -errno : fd;
}

static int read_now(struct folder *f, struct document_reading *reading, char why[DOCUMENT_TEXT_MAX])
{
	int fd = new_memory();
	int result = fd < 0 ? fd : f->ops->read(f->self, fd, reading, why);

	if (result == 0)
		result = message_seal(fd);
	if (result != 0 && why[0] == '\0')
		(void)snprintf(why, DOCUMENT_TEXT_MAX, "%s", strerror(-result));
	if (result != 0 && fd >= 0)
		close(fd);
	return result != 0 ? result : fd;
}

/* Reads the document, and tells the engine what is new. */
static void look(struct folder *f)
{
	struct document_reading reading = { .patch_fd = -1 };
	char why[DOCUMENT_TEXT_MAX] = "";
	int fd = read_now(f, &reading, why);
	bool same = f->told && (fd >= 0) == (f->fd >= 0) &&
		    (fd >= 0 ? memcmp(&reading.digest, &f->digest, sizeof(f->digest)) == 0
			     : strcmp(why, f->why) == 0);

	f->changed_at = MONO_NEVER;
	loop_timer_set(&f->read_timer, mono_after_ms(loop_now(), f->ops->interval_ms));
	if (same) {
		if (fd >= 0)
			close(fd);
	} else {
		if (f->fd >= 0)
			close(f->fd);
		f->fd = fd;
		f->digest = reading.digest;
		f->lasting = reading.lasting;
		memcpy(f->why, why, sizeof(why));
		f->told = true;
		tell_reading(f, &reading);
	}
	if (reading.patch_fd >= 0)
		close(reading.patch_fd);
}

static void read_due(void *user, mono_t due)
{
	(void)due;
	look(user);
}

/* Something may have changed: it is read when that is over. */
static void changed(void *user, unsigned readiness)
{
	struct folder *f = user;
	mono_t now = loop_now();

	(void)readiness;
	if (!f->ops->heard(f->self))
		return;
	if (mono_is_never(f->changed_at))
		f->changed_at = now;
	loop_timer_set(&f->read_timer,
		mono_min(mono_after_ms(now, QUIET_MS), mono_after_ms(f->changed_at, QUIET_MAX_MS)));
}

/* ---- what is kept -------------------------------------------------------------------------- */

static void forget_keep(struct folder *f)
{
	if (f->keep_fd >= 0)
		close(f->keep_fd);
	f->keep_fd = -1;
}

static void keep_due(void *user, mono_t due)
{
	struct folder *f = user;
	int result = clerk_keep(f->clerk->setup->statedir, f->ops, &f->keep_digest, f->keep_fd);

	(void)due;
	if (result != 0)
		log_err(f->clerk->log, "%s: the last that both nodes had is not kept: %s",
			f->ops->name, strerror(-result));
	forget_keep(f);
}

/* What changed before this was heard is not what the engine means: it says so again. */
void folder_keep(struct folder *f, const struct document_digest *digest)
{
	if (f->self == NULL || f->fd < 0 || memcmp(&f->digest, digest, sizeof(*digest)) != 0)
		return;
	forget_keep(f);
	f->keep_fd = fcntl(f->fd, F_DUPFD_CLOEXEC, 0);
	if (f->keep_fd < 0) {
		log_err(f->clerk->log, "%s: the last that both nodes had is not kept: %s",
			f->ops->name, strerror(errno));
		return;
	}
	f->keep_digest = *digest;
	loop_timer_set(&f->keep_timer, mono_after_ms(loop_now(), KEEP_AFTER_MS));
}

static void apply_aside(struct folder *f, const struct document_offer *offer, bool dry,
	struct document_verdict *ret)
{
	clerk_step_aside(f->clerk);
	f->ops->apply(f->self, offer, dry, ret);
	clerk_step_back(f->clerk);
}

void folder_load(struct folder *f)
{
	struct document_offer offer = { .form = DOCUMENT_WHOLE };
	struct document_verdict verdict = { .text = "" };

	if (f->self == NULL)
		return;
	offer.fd = clerk_kept(f->clerk->setup->statedir, f->ops, &offer.digest);
	if (offer.fd == -ENOENT || offer.fd == -ESTALE)
		return;
	if (offer.fd < 0) {
		log_err(f->clerk->log, "%s: what is kept cannot be used: %s", f->ops->name,
			strerror(-offer.fd));
		return;
	}
	apply_aside(f, &offer, false, &verdict);
	close(offer.fd);
	log_info(f->clerk->log,
		"%s: the last that both nodes had, since the peer is not heard: %s%s%s",
		f->ops->name, document_result_text(verdict.result),
		verdict.text[0] != '\0' ? ": " : "", verdict.text);
	look(f);
}

/* ---- what the engine wants ----------------------------------------------------------------- */

/* What stands in the way of using what the engine sent, or NULL. Memory that it could change while
 * it is read is not looked at: the engine hears the network, and may do less. */
static const char *obstacle(const struct folder *f, int fd)
{
	struct stat st;

	if (f->self == NULL)
		return "it is not mirrored here";
	if (fd < 0)
		return "there was no memory for it";
	if (!message_is_sealed(fd))
		return "its memory is not sealed";
	return fstat(fd, &st) != 0 || st.st_size > DOCUMENT_BYTES_MAX ? "it is too long" : NULL;
}

void folder_apply(struct folder *f, const struct message_document *m, int fd)
{
	const char *why = obstacle(f, fd);
	struct document_offer offer = {
		.form = m->form,
		.fd = fd,
		.digest = m->digest,
		.base = m->base,
	};
	bool dry = m->purpose == PURPOSE_TRY;
	struct document_verdict verdict = {
		.result = dry ? DOCUMENT_INVALID : DOCUMENT_REFUSED,
	};
	struct message answer;

	if (why != NULL)
		(void)snprintf(verdict.text, sizeof(verdict.text), "%s", why);
	else
		apply_aside(f, &offer, dry, &verdict);
	/* What the engine hears of first is what is there now. */
	if (f->self != NULL && !dry)
		look(f);
	answer = message_on(f, MESSAGE_DOCUMENT_JUDGED);
	answer.document.digest = m->digest;
	answer.document.result = verdict.result;
	memcpy(answer.document.text, verdict.text, sizeof(verdict.text));
	clerk_tell(f->clerk, &answer, -1);
}

/* The text is a memfd; or negative errno. */
static int write_difference(struct folder *f, int fd, char why[DOCUMENT_TEXT_MAX])
{
	int text = new_memory();
	int copy = text >= 0 ? fcntl(text, F_DUPFD_CLOEXEC, 0) : -1;
	FILE *to = copy >= 0 ? fdopen(copy, "w") : NULL;
	int result = -ENOMEM;

	if (to != NULL) {
		clerk_step_aside(f->clerk); /* it tries the rules, to list them */
		result = f->ops->diff(f->self, fd, to, why);
		clerk_step_back(f->clerk);
		if (fclose(to) != 0 && result == 0)
			result = -errno;
	} else if (copy >= 0) {
		close(copy);
	}
	if (result != 0 && why[0] == '\0')
		(void)snprintf(why, DOCUMENT_TEXT_MAX, "%s", strerror(-result));
	if (result != 0 && text >= 0)
		close(text);
	return result != 0 ? result : text;
}

void folder_compare(struct folder *f, const struct message_document *m, int fd)
{
	struct message answer = message_on(f, MESSAGE_DOCUMENT_COMPARED);
	const char *why = obstacle(f, fd);
	int text = -1;

	if (why != NULL)
		(void)snprintf(answer.document.text, DOCUMENT_TEXT_MAX, "%s", why);
	else
		text = write_difference(f, fd, answer.document.text);
	answer.document.token = m->token;
	if (text >= 0)
		(void)message_seal(text);
	clerk_tell(f->clerk, &answer, text);
	if (text >= 0)
		close(text);
}

/* ---- life ---------------------------------------------------------------------------------- */

void folder_close(struct folder *f)
{
	if (f->self == NULL)
		return;
	if (f->has_fd)
		loop_fd_fini(&f->io);
	loop_timer_fini(&f->read_timer);
	loop_timer_fini(&f->keep_timer);
	f->ops->close(f->self);
	if (f->fd >= 0)
		close(f->fd);
	if (f->keep_fd >= 0)
		keep_due(f, loop_now());
	*f = (struct folder){
		.clerk = f->clerk, .ops = f->ops, .fd = -1, .keep_fd = -1, .changed_at = MONO_NEVER
	};
}

static void open_folder(struct folder *f)
{
	struct clerk *c = f->clerk;
	struct document_setup setup = {
		.conf = &c->conf,
		.log = c->log,
		.statedir = c->setup->statedir,
		.conf_file = c->setup->conf_file,
	};
	int result = f->ops->open(&setup, &f->self);

	if (result != 0) {
		f->self = NULL;
		f->told = true;
		(void)snprintf(
			f->why, sizeof(f->why), "it cannot be watched: %s", strerror(-result));
		tell_reading(f, NULL);
		return;
	}
	loop_timer_init(&f->read_timer, &c->loop, read_due, f);
	loop_timer_init(&f->keep_timer, &c->loop, keep_due, f);
	f->has_fd = f->ops->fd(f->self) >= 0;
	if (f->has_fd)
		loop_fd_init(&f->io, &c->loop, f->ops->fd(f->self), changed, f);
	loop_timer_set(&f->read_timer, loop_now());
}

void folder_init(struct folder *f, struct clerk *c, uint8_t kind)
{
	*f = (struct folder){
		.clerk = c,
		.ops = document_ops_of(kind),
		.fd = -1,
		.keep_fd = -1,
		.changed_at = MONO_NEVER,
	};
	if (f->ops != NULL && f->ops->wanted(&c->conf))
		open_folder(f);
}
