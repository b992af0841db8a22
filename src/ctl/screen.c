/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "screen.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* The other buffer, no cursor, no wrapping of long lines; and back. */
#define ENTER "\033[?1049h\033[?25l\033[?7l"
#define LEAVE "\033[?7h\033[?25h\033[?1049l"
#define HOME "\033[H"
#define END_OF_LINE "\033[K"
#define END_OF_SCREEN "\033[J"

static const int wanted[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH };

static int write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

bool screen_size(int fd, unsigned *ret_columns, unsigned *ret_rows)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) || size.ws_col == 0 || size.ws_row == 0)
		return false;
	*ret_columns = size.ws_col;
	*ret_rows = size.ws_row;
	return true;
}

static void forget(struct screen *s)
{
	free(s->shown);
	s->shown = NULL;
}

static int enter(struct screen *s)
{
	struct termios quiet = s->before;

	quiet.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	quiet.c_cc[VMIN] = 1;
	quiet.c_cc[VTIME] = 0;
	if (tcsetattr(s->in, TCSADRAIN, &quiet))
		return -errno;
	return write_all(s->out, ENTER, strlen(ENTER));
}

static void leave(const struct screen *s)
{
	(void)write_all(s->out, LEAVE, strlen(LEAVE));
	(void)tcsetattr(s->in, TCSAFLUSH, &s->before);
}

int screen_open(struct screen *s)
{
	sigset_t set;
	int error;

	*s = (struct screen){ .columns = 80, .rows = 24, .in = STDIN_FILENO, .out = STDOUT_FILENO };
	if (!isatty(s->in) || !isatty(s->out))
		return -ENOTTY;
	if (tcgetattr(s->in, &s->before))
		return -errno;
	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		(void)sigaddset(&set, wanted[i]);
	(void)sigprocmask(SIG_BLOCK, &set, &s->mask_before);
	s->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (s->signals < 0) {
		error = -errno;
		goto out_mask;
	}
	(void)screen_size(s->out, &s->columns, &s->rows);
	error = enter(s);
	if (!error)
		return 0;
	leave(s);
	close(s->signals);
out_mask:
	(void)sigprocmask(SIG_SETMASK, &s->mask_before, NULL);
	return error;
}

void screen_close(struct screen *s)
{
	leave(s);
	close(s->signals);
	(void)sigprocmask(SIG_SETMASK, &s->mask_before, NULL);
	forget(s);
}

/* One line each, all of which is written over what stood there. */
static void compose(const struct screen *s, FILE *frame, const char *text)
{
	(void)fputs(HOME, frame);
	for (unsigned row = 0; row < s->rows && *text != '\0'; row++) {
		size_t len = strcspn(text, "\n");

		(void)fprintf(frame, "%s%.*s" END_OF_LINE, row > 0 ? "\r\n" : "", (int)len, text);
		text += len;
		text += *text == '\n';
	}
	(void)fputs(END_OF_SCREEN, frame);
}

int screen_draw(struct screen *s, const char *text)
{
	char *bytes = NULL;
	size_t len = 0;

	if (s->shown && strcmp(s->shown, text) == 0)
		return 0;
	FILE *frame = open_memstream(&bytes, &len);

	if (!frame)
		return -ENOMEM;
	compose(s, frame, text);
	int error = fclose(frame) ? -ENOMEM : write_all(s->out, bytes, len);

	free(bytes);
	forget(s);
	s->shown = strdup(text); /* NULL: the next page is written anyway */
	return error;
}

static enum screen_input resized(struct screen *s)
{
	forget(s);
	(void)screen_size(s->out, &s->columns, &s->rows);
	return SCREEN_RESIZED;
}

static enum screen_input signalled(struct screen *s)
{
	struct signalfd_siginfo info;

	if (read(s->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return SCREEN_QUIET;
	if (info.ssi_signo == SIGWINCH)
		return resized(s);
	if (info.ssi_signo != SIGTSTP)
		return SCREEN_LEAVE;
	leave(s);
	(void)raise(SIGSTOP);
	return enter(s) ? SCREEN_LEAVE : resized(s);
}

static enum screen_input typed(const struct screen *s)
{
	char key = 'q';
	ssize_t n = read(s->in, &key, 1);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return SCREEN_QUIET;
	return n <= 0 || strchr("qQ\004\003", key) ? SCREEN_LEAVE : SCREEN_KEY;
}

enum screen_input screen_wait(struct screen *s, int ms)
{
	struct pollfd fds[] = {
		{ .fd = s->signals, .events = POLLIN },
		{ .fd = s->in, .events = POLLIN },
	};

	if (poll(fds, ARRAY_LEN(fds), ms) <= 0)
		return SCREEN_QUIET;
	if (fds[0].revents)
		return signalled(s);
	return typed(s);
}
