/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Dossiers: the documents on their way between the clerk, who reads and applies them, and the core,
 * which has them carried to the peer. The core reads the clerk's memory in place.
 */
#include "engine_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIFF_MAX = 192 * 1024 }; /* of the text that the operator is shown */

static struct dossier *dossier_of(struct engine *e, uint8_t kind)
{
	return &e->dossiers.of[document_place(kind)];
}

uint32_t dossiers_kinds(void)
{
	uint32_t kinds = 0;

	for (unsigned i = 0; document_table[i] != NULL; i++)
		kinds |= 1u << document_table[i]->kind;
	return kinds;
}

/* ---- memory -------------------------------------------------------------------------------- */

static void unmap(struct span *bytes)
{
	if (bytes->len > 0)
		(void)munmap((void *)(uintptr_t)bytes->data, bytes->len);
	*bytes = span_of(NULL, 0);
}

/* Closes fd. 0 or negative errno. */
static int map(int fd, struct span *ret)
{
	struct stat st;
	void *memory = NULL;
	int result = -EBADMSG;

	if (fd >= 0 && message_is_sealed(fd) && fstat(fd, &st) == 0 &&
		st.st_size <= DOCUMENT_BYTES_MAX) {
		memory = st.st_size == 0
				 ? NULL
				 : mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
		result = memory == MAP_FAILED ? -errno : 0;
	}
	if (fd >= 0)
		close(fd);
	if (result == 0)
		*ret = span_of(memory, (size_t)st.st_size);
	return result;
}

/* ---- what the clerk says ------------------------------------------------------------------- */

static void tell_core(struct engine *e, uint8_t kind, enum document_news news, const char *text)
{
	struct event event = { .type = EVENT_DOCUMENT };

	event.document.kind = kind;
	event.document.news = news;
	event.document.text = text;
	engine_step(e, &event);
}

static void heard_read(struct engine *e, const struct message_document *m, int fd)
{
	struct dossier *d = dossier_of(e, m->kind);
	struct event event = { .type = EVENT_DOCUMENT };
	struct span old = d->bytes, old_patch = d->patch;
	int result = map(fd, &d->bytes);

	if (result != 0) {
		log_err(e->log, "%s: what the clerk read cannot be had: %s",
			document_kind_name(m->kind), strerror(-result));
		return;
	}
	d->patch = d->next_patch;
	d->next_patch = span_of(NULL, 0);
	event.document.kind = m->kind;
	event.document.news = DOCUMENT_IS_READ;
	event.document.format = m->format;
	event.document.digest = m->digest;
	event.document.lasting = m->lasting;
	event.document.bytes = d->bytes;
	event.document.patch = d->patch;
	event.document.base = d->next_base;
	event.document.has_patch = d->patch.len > 0;
	engine_step(e, &event);
	unmap(&old);
	unmap(&old_patch);
}

static void heard_patch(struct engine *e, const struct message_document *m, int fd)
{
	struct dossier *d = dossier_of(e, m->kind);

	unmap(&d->next_patch);
	if (map(fd, &d->next_patch) == 0)
		d->next_base = m->base;
}

static void heard_unread(struct engine *e, const struct message_document *m)
{
	struct dossier *d = dossier_of(e, m->kind);

	tell_core(e, m->kind, DOCUMENT_UNREADABLE, m->text);
	unmap(&d->bytes);
	unmap(&d->patch);
}

static void heard_judged(struct engine *e, const struct message_document *m)
{
	struct event event = { .type = EVENT_DOCUMENT };

	event.document.kind = m->kind;
	event.document.news = DOCUMENT_JUDGED;
	event.document.digest = m->digest;
	event.document.result = m->result;
	event.document.text = m->text;
	engine_step(e, &event);
}

/* What files hold is anything. The caller frees it; NULL: no memory. */
static char *readable(struct span bytes)
{
	static const char cut[] = "... and more\n";
	size_t len = bytes.len < DIFF_MAX ? bytes.len : DIFF_MAX;
	char *text = malloc(len + sizeof(cut));

	if (text == NULL)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		uint8_t c = bytes.data[i];

		text[i] = (c >= 0x20 && c <= 0x7e) || c == '\n' || c == '\t' ? (char)c : '?';
	}
	memcpy(text + len, cut, sizeof(cut));
	if (len == bytes.len)
		text[len] = '\0';
	return text;
}

static void heard_compared(struct engine *e, const struct message_document *m, int fd)
{
	struct dossier *d = dossier_of(e, m->kind);
	struct span text = span_of(NULL, 0);
	char *copy = NULL;

	if (fd >= 0 && map(fd, &text) == 0)
		copy = readable(text);
	unmap(&text);
	if (d->diff_token != 0 && d->diff_token == m->token)
		desk_compared(e, m->token, copy, m->text);
	free(copy);
	d->diff_token = 0;
	tell_core(e, m->kind, DOCUMENT_COMPARED, "");
}

/* True: the descriptor is taken. */
static bool heard(struct engine *e, const struct message *m, int fd)
{
	const struct message_document *d = &m->document;

	if (document_place(d->kind) == DOCUMENTS)
		return false;
	if (m->type == MESSAGE_DOCUMENT_READ)
		heard_read(e, d, fd);
	else if (m->type == MESSAGE_DOCUMENT_PATCH)
		heard_patch(e, d, fd);
	else if (m->type == MESSAGE_DOCUMENT_COMPARED)
		heard_compared(e, d, fd);
	else if (m->type == MESSAGE_DOCUMENT_UNREAD)
		heard_unread(e, d);
	else if (m->type == MESSAGE_DOCUMENT_JUDGED)
		heard_judged(e, d);
	return m->type == MESSAGE_DOCUMENT_READ || m->type == MESSAGE_DOCUMENT_PATCH ||
	       m->type == MESSAGE_DOCUMENT_COMPARED;
}

static void forget_incoming(struct dossier *d)
{
	if (d->incoming_fd >= 0)
		close(d->incoming_fd);
	d->incoming_fd = -1;
}

static void clerk_is_gone(struct engine *e)
{
	struct dossiers *s = &e->dossiers;

	if (s->clerk_fd < 0)
		return;
	loop_fd_fini(&s->clerk_io);
	close(s->clerk_fd);
	s->clerk_fd = -1;
	for (unsigned i = 0; i < DOCUMENTS; i++) {
		struct dossier *d = &s->of[i];

		tell_core(e, document_kind_at(i), DOCUMENT_NO_CLERK, "");
		unmap(&d->bytes);
		unmap(&d->patch);
		unmap(&d->next_patch);
		forget_incoming(d);
		if (d->diff_token != 0)
			desk_compared(
				e, d->diff_token, NULL, "the process that compares has ended");
		d->diff_token = 0;
	}
}

static void clerk_says(void *user, unsigned readiness)
{
	struct engine *e = user;
	struct message m;
	int fd, result;

	(void)readiness;
	while ((result = message_receive(e->dossiers.clerk_fd, &m, &fd)) > 0) {
		if (!heard(e, &m, fd) && fd >= 0)
			close(fd);
	}
	if (result == -EPIPE)
		clerk_is_gone(e);
}

bool dossiers_meet(struct engine *e, int fd)
{
	struct dossiers *s = &e->dossiers;

	clerk_is_gone(e);
	if (fd < 0)
		return false;
	s->clerk_fd = fd;
	loop_fd_init(&s->clerk_io, &e->loop, fd, clerk_says, e);
	return true;
}

void dossiers_init(struct engine *e)
{
	e->dossiers.clerk_fd = -1;
	for (unsigned i = 0; i < DOCUMENTS; i++)
		e->dossiers.of[i].incoming_fd = -1;
}

void dossiers_fini(struct engine *e)
{
	struct dossiers *s = &e->dossiers;

	if (s->clerk_fd >= 0) {
		loop_fd_fini(&s->clerk_io);
		close(s->clerk_fd);
	}
	s->clerk_fd = -1;
}

/* ---- what the core wants ------------------------------------------------------------------- */

/* A clerk that does not read is none: the core hears of its end. */
static void tell_clerk(struct engine *e, const struct message *m, int fd)
{
	int result = e->dossiers.clerk_fd < 0 ? -EPIPE : message_send(e->dossiers.clerk_fd, m, fd);

	if (result == 0 || result == -EPIPE)
		return;
	log_err(e->log, "the clerk was not told: %s", strerror(-result));
	(void)shutdown(e->dossiers.clerk_fd, SHUT_RDWR);
}

void dossiers_open(struct engine *e, uint8_t kind)
{
	struct dossier *d = dossier_of(e, kind);

	forget_incoming(d);
	d->incoming_fd = memfd_create("nsrpd-document", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (d->incoming_fd < 0)
		log_err(e->log, "%s: no memory for the peer's: %s", document_kind_name(kind),
			strerror(errno));
}

/* What is missing shows when the clerk looks at the digest. */
void dossiers_add(struct engine *e, uint8_t kind, struct span piece)
{
	struct dossier *d = dossier_of(e, kind);

	if (d->incoming_fd < 0)
		return;
	if (write(d->incoming_fd, piece.data, piece.len) == (ssize_t)piece.len)
		return;
	log_err(e->log, "%s: no memory for the peer's: %s", document_kind_name(kind),
		strerror(errno));
	forget_incoming(d);
}

void dossiers_apply(struct engine *e, uint8_t kind, const struct action_document *what)
{
	struct dossier *d = dossier_of(e, kind);
	struct message m = { .type = MESSAGE_DOCUMENT_APPLY };

	m.document.kind = kind;
	m.document.purpose = what->purpose;
	m.document.form = what->form;
	m.document.token = what->token;
	m.document.digest = what->digest;
	m.document.base = what->base;
	if (what->purpose == PURPOSE_COMPARE)
		d->diff_token = what->token;
	if (d->incoming_fd >= 0)
		(void)message_seal(d->incoming_fd);
	tell_clerk(e, &m, d->incoming_fd);
	forget_incoming(d);
}

void dossiers_keep(struct engine *e, uint8_t kind, const struct action_document *what)
{
	struct message m = { .type = MESSAGE_DOCUMENT_KEEP };

	m.document.kind = kind;
	m.document.digest = what->digest;
	tell_clerk(e, &m, -1);
}

void dossiers_load(struct engine *e, uint8_t kind)
{
	struct message m = { .type = MESSAGE_DOCUMENT_LOAD };

	m.document.kind = kind;
	tell_clerk(e, &m, -1);
}
