/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * watch_filter: the socket filter of a watch, by which the kernel drops what nobody asked for
 * before it wakes us: new routes, removals of foreign routes, gone or unanswered neighbours,
 * and our own doings, as watch_setup says.
 */
#ifndef NSRP_IO_WATCH_FILTER_H
#define NSRP_IO_WATCH_FILTER_H

#include "watch.h"

/* 0 or negative errno. */
int watch_filter_attach(int fd, const struct watch_setup *setup);

#endif
