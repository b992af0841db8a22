/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guardian_state.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "io/kernel.h"
#include "io/neighbours.h"
#include "process.h"

enum {
	PRIORITY = 49, /* one below the engine's */
	/* A predecessor that was killed closes its socket when its memory is given back. */
	LISTEN_TRIES = 20,
	LISTEN_AGAIN_US = 100000,
};

void guardian_arm(struct guardian *g)
{
	loop_timer_set(&g->guard_timer, g->leaving ? MONO_NEVER : guard_deadline(&g->guard));
}

/* Nothing is held any more; hooks have their say, for a while. */
static void leave(struct guardian *g)
{
	if (g->leaving)
		return;
	g->leaving = true;
	if (programs_finish(g))
		loop_stop(&g->loop);
}

static void kill_engine(struct guardian *g)
{
	log_err(g->log, "the engine hangs: killed");
	if (g->engine > 0)
		(void)kill(g->engine, SIGKILL);
}

void guardian_obey(struct guardian *g, const struct guard_actions *actions)
{
	for (unsigned i = 0; i < actions->n; i++) {
		const struct guard_action *a = &actions->action[i];

		switch (a->type) {
		case GUARD_ADD:
		case GUARD_REMOVE:
		case GUARD_REMOVE_LINGER:
		case GUARD_REMOVE_REST:
		case GUARD_PUT_BACK:
		case GUARD_RENEW: steward_do(g, a); break;
		case GUARD_SPAWN: guardian_spawn(g); break;
		case GUARD_KILL: kill_engine(g); break;
		case GUARD_SAY_HOLD: steward_say_hold(g); break;
		case GUARD_SAY_PARTING: steward_say_parting(g); break;
		case GUARD_TELL_LEASE_LOST:
			guardian_tell_group(g, MESSAGE_LEASE_LOST, a->group);
			break;
		case GUARD_TELL_TAKEN_AWAY:
			guardian_tell_group(g, MESSAGE_TAKEN_AWAY, a->group);
			break;
		case GUARD_EXIT: leave(g); break;
		}
	}
	guardian_arm(g);
}

static void guard_due(void *user, mono_t due)
{
	struct guardian *g = user;
	struct guard_actions actions;

	(void)due;
	guardian_check_wake(g);
	guard_timer(&g->guard, loop_now(), &actions);
	guardian_obey(g, &actions);
}

static void watchdog_due(void *user, mono_t due)
{
	struct guardian *g = user;

	/* An engine that hangs is the guardian's to kill; the service manager looks after the
	 * guardian alone. */
	(void)sd_notify(0, "WATCHDOG=1");
	loop_timer_set(&g->watchdog_timer, mono_after_us(due, g->watchdog_us));
}

static void stop(struct guardian *g)
{
	struct guard_actions actions;
	struct message m = { .type = MESSAGE_STOP };

	log_info(g->log, "stops: hands over what it holds");
	(void)sd_notify(0, "STOPPING=1");
	guardian_tell(g, &m);
	guard_stop(&g->guard, loop_now(), &actions);
	guardian_obey(g, &actions);
}

static void reap(struct guardian *g)
{
	siginfo_t info = { .si_pid = 0 };
	int status;

	/* What a program left in its group is killed before the program is reaped. */
	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0) {
		pid_t pid = info.si_pid;

		info.si_pid = 0;
		if (programs_heard_child(g, pid))
			continue;
		if (waitpid(pid, &status, WNOHANG) != pid)
			return;
		if (pid == g->engine)
			guardian_engine_ended(g, status);
		else if (!clerk_ended(g, pid, status))
			(void)chores_ended(&g->chores, pid, status);
	}
}

static void caught(void *user, int number)
{
	struct guardian *g = user;

	if (number == SIGCHLD)
		reap(g);
	else if (number == SIGHUP && !g->leaving)
		guardian_reload(g, 0);
	else if (number != SIGHUP)
		stop(g);
}

static int start(struct guardian *g)
{
	sigset_t set;
	int result = loop_init(&g->loop);

	if (result != 0)
		return result;
	g->wake = wake_new();
	g->pulse = pulse_new();
	if (g->wake == NULL || g->pulse == NULL)
		return -ENOMEM;
	loop_timer_init(&g->guard_timer, &g->loop, guard_due, g);
	loop_timer_init(&g->watchdog_timer, &g->loop, watchdog_due, g);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	result = loop_signals_init(&g->signals, &g->loop, &set, caught, g);
	if (result == 0)
		result = steward_init(g);
	return result;
}

static void start_watchdog(struct guardian *g)
{
	uint64_t interval_us;

	if (sd_watchdog_enabled(0, &interval_us) <= 0)
		return;
	g->watchdog_us = interval_us / 3;
	loop_timer_set(&g->watchdog_timer, mono_after_us(loop_now(), g->watchdog_us));
}

static int listen_patiently(struct guardian *g)
{
	int result = -EADDRINUSE;

	for (unsigned i = 0; i < LISTEN_TRIES && result == -EADDRINUSE; i++) {
		if (i > 0)
			(void)usleep(LISTEN_AGAIN_US);
		result = control_listen(g->setup->rundir, &g->control);
	}
	return result;
}

static int run(struct guardian *g)
{
	int result = listen_patiently(g);

	if (result != 0) {
		log_err(g->log, "%s: no control socket: %s", g->setup->rundir,
			result == -EADDRINUSE ? "another nsrpd runs there" : strerror(-result));
		return 1;
	}
	result = start(g);
	if (result != 0) {
		log_err(g->log, "guardian: not started: %s", strerror(-result));
		control_unlink(g->setup->rundir);
		return 1;
	}
	(void)process_go_realtime(g->log, "guardian", PRIORITY);
	guard_init(&g->guard, &g->loaded.conf, 0, loop_now());
	programs_init(g);
	clerk_init(g);
	start_watchdog(g);
	guardian_arm(g);
	loop_run(&g->loop);
	programs_fini(g);
	clerk_fini(g);
	chores_finish(&g->chores);
	steward_settle(g);
	steward_fini(g);
	loop_signals_fini(&g->signals);
	loop_fini(&g->loop);
	control_unlink(g->setup->rundir);
	log_info(g->log, "stopped");
	return 0;
}

int guardian_run(const struct guardian_setup *setup)
{
	char error[LOAD_ERROR_MAX];
	struct guardian *g = calloc(1, sizeof(*g));
	int status = 1;

	if (g == NULL)
		return 1;
	g->setup = setup;
	g->log = &setup->logger->log;
	g->engine_fd = g->clerk_fd = -1;
	process_hide_memory();
	process_let_engine_in(g->log, setup->statedir);
	chores_init(&g->chores, setup->statedir, g->log);
	if (load(setup->conf_file, setup->node, g->log, &g->loaded, error) == 0) {
		(void)store_load(setup->statedir, g->log, &g->saved);
		if (g->loaded.conf.mirror.sessions)
			kernel_want_events(g->log);
		if (g->loaded.conf.mirror.ipsec)
			kernel_want_numbers(g->log);
		status = run(g);
	}
	wake_free(g->wake);
	pulse_free(g->pulse);
	explicit_bzero(g, sizeof(*g));
	free(g);
	return status;
}

int guardian_withdraw(const struct log *log)
{
	struct rtnl *rtnl;
	unsigned removed = 0, macvlans = 0;
	int result = rtnl_new(&rtnl);

	if (result == 0) {
		int other;

		result = vip_withdraw_all(rtnl, &removed);
		other = vmac_withdraw_all(rtnl, log, &macvlans);
		result = result != 0 ? result : other;
		other = neighbours_release(rtnl);
		result = result != 0 ? result : other;
		rtnl_free(rtnl);
	}
	if (result != 0)
		log_err(log, "withdraw: %s", strerror(-result));
	if (kernel_leave_ipsec(log) != 0 || result != 0)
		return 1;
	if (removed > 0)
		log_info(log, "withdraw: removed %u addresses and routes", removed);
	if (macvlans > 0)
		log_info(log, "withdraw: removed %u macvlans", macvlans);
	return 0;
}
