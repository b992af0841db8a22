/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * screen: a terminal that shows one page after the other, and is given back as it was.
 *
 * While it is open the signals that end, stop or resize are read here (signalfd), so that no way
 * out but SIGKILL leaves the terminal changed. A page goes out in one write, over the one before
 * and only when it differs: nothing flickers.
 */
#ifndef NSRP_CTL_SCREEN_H
#define NSRP_CTL_SCREEN_H

#include "nsrp/base.h"

#include <signal.h>
#include <termios.h>

/* The fields but columns and rows are private. */
struct screen {
	unsigned columns, rows; /* of the terminal, at least 1 */
	int in, out;            /* borrowed descriptors of the terminal */
	int signals;            /* owned */
	sigset_t mask_before;
	struct termios before;
	char *shown; /* owned: what the terminal shows, or NULL */
};

enum screen_input {
	SCREEN_QUIET,   /* the time is over */
	SCREEN_KEY,     /* any that has no other meaning */
	SCREEN_RESIZED, /* or continued: all is to be drawn again */
	SCREEN_LEAVE,   /* q, the end of the input, or a signal that ends */
};

/* Takes the terminal of stdin and stdout. 0; -ENOTTY when one of them is none; else negative
 * errno, and nothing is changed. */
int screen_open(struct screen *s);
void screen_close(struct screen *s);

/* Shows `text`, lines with their ends, of which those that are too long or too many are cut off.
 * 0 or negative errno: the terminal went away. */
int screen_draw(struct screen *s, const char *text);

/* Waits for ms at most. Ctrl-Z gives the terminal back until the process is continued. */
enum screen_input screen_wait(struct screen *s, int ms);

/* Columns and rows of a terminal; false, and they are untouched, where it does not tell. */
bool screen_size(int fd, unsigned *ret_columns, unsigned *ret_rows);

#endif
