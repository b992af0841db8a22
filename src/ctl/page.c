/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "page.h"
#include "screen.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Narrower than this text is not wrapped. */
enum { ROOM_MIN = 12 };

static const char *tone_code(enum tone tone)
{
	switch (tone) {
	case TONE_PLAIN: return "";
	case TONE_GOOD: return "\033[32m";
	case TONE_POOR: return "\033[33m";
	case TONE_BAD: return "\033[1;31m";
	case TONE_HEAD: return "\033[1m";
	case TONE_DIM: return "\033[2m";
	}
	return "";
}

struct page page_of(FILE *out)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");
	struct page page = { .out = out, .width = PAGE_WIDTH };
	unsigned rows;

	(void)screen_size(fileno(out), &page.width, &rows);

	page.coloured = isatty(fileno(out)) == 1 && (!no_colour || no_colour[0] == '\0') &&
			terminal && strcmp(terminal, "dumb") != 0;
	return page;
}

void page_put(const struct page *page, enum tone tone, const char *format, ...)
{
	bool coloured = page->coloured && tone != TONE_PLAIN;
	va_list arguments;

	if (coloured)
		(void)fputs(tone_code(tone), page->out);
	va_start(arguments, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): set by va_start */
	(void)vfprintf(page->out, format, arguments);
	va_end(arguments);
	if (coloured)
		(void)fputs("\033[0m", page->out);
}

static bool begins_character(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

size_t text_width(const char *text)
{
	size_t width = 0;

	for (; *text != '\0'; text++)
		width += begins_character(*text);
	return width;
}

/* Bytes of `text` that fit into `room` columns, cut in front of a blank if there is one. */
static size_t fitting(const char *text, size_t room)
{
	size_t columns = 0, blank = 0, i = 0;

	for (; text[i] != '\0'; i++) {
		if (text[i] == ' ')
			blank = i;
		if (begins_character(text[i]) && ++columns > room)
			return blank > 0 ? blank : i;
	}
	return i;
}

void page_wrap(const struct page *page, enum tone tone, size_t at, size_t indent, const char *text)
{
	while (page->width >= indent + ROOM_MIN && at + text_width(text) > page->width) {
		size_t room = page->width > at ? page->width - at : 1;
		size_t len = fitting(text, room);

		page_put(page, tone, "%.*s", (int)len, text);
		(void)fprintf(page->out, "\n%*s", (int)indent, "");
		at = indent;
		text += len;
		text += strspn(text, " ");
	}
	page_put(page, tone, "%s", text);
	(void)fputc('\n', page->out);
}
