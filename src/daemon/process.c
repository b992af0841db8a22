/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "process.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const char user_name[] = "nsrp";
static const cap_value_t engine_caps[] = { CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_NICE, CAP_IPC_LOCK };
static const cap_value_t clerk_caps[] = { CAP_NET_ADMIN, CAP_SYS_ADMIN, CAP_DAC_OVERRIDE, CAP_CHOWN,
	CAP_FOWNER, CAP_FSETID };

bool process_go_realtime(const struct log *log, const char *name, int priority)
{
	struct sched_param param = { .sched_priority = priority };

	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0)
		log_warn(log, "%s: memory is not locked: %s", name, strerror(errno));
	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param) != 0) {
		log_warn(log, "%s: no real-time priority: %s", name, strerror(errno));
		return false;
	}
	return true;
}

static int keep_only(const cap_value_t *caps, int n)
{
	cap_t set = cap_init();
	int result = 0;

	if (set == NULL)
		return -ENOMEM;
	if (cap_set_flag(set, CAP_PERMITTED, n, caps, CAP_SET) != 0 ||
		cap_set_flag(set, CAP_EFFECTIVE, n, caps, CAP_SET) != 0 || cap_set_proc(set) != 0)
		result = -errno;
	cap_free(set);
	return result;
}

/* Takes from the bounding set what is not among the n. */
static void bound_capabilities(const cap_value_t *caps, unsigned n)
{
	for (cap_value_t cap = 0; cap_get_bound(cap) >= 0; cap++) {
		bool kept = false;

		for (unsigned i = 0; i < n; i++)
			kept |= cap == caps[i];
		if (!kept)
			(void)cap_drop_bound(cap);
	}
}

int process_drop_privileges(const struct log *log)
{
	const struct passwd *user = getpwnam(user_name);

	if (geteuid() != 0)
		return 0; /* started without: what it may do is the host's choice */
	bound_capabilities(engine_caps, ARRAY_LEN(engine_caps));
	if (user == NULL) {
		log_warn(log, "there is no user %s: the engine stays root's, with few capabilities",
			user_name);
	} else if (prctl(PR_SET_KEEPCAPS, 1) != 0 || initgroups(user_name, user->pw_gid) != 0 ||
		   setresgid(user->pw_gid, user->pw_gid, user->pw_gid) != 0 ||
		   setresuid(user->pw_uid, user->pw_uid, user->pw_uid) != 0) {
		return -errno;
	}
	int result = keep_only(engine_caps, ARRAY_LEN(engine_caps));

	if (result == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		result = -errno;
	return result;
}

int process_become_clerk(pid_t parent)
{
	cap_value_t kept[ARRAY_LEN(clerk_caps)];
	unsigned n = 0;

	(void)prctl(PR_SET_NAME, "nsrpd-clerk", 0, 0, 0);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		return -errno;
	if (getppid() != parent)
		return -ESRCH;
	if (geteuid() != 0)
		return 0;
	/* A service manager may have left less. */
	for (unsigned i = 0; i < ARRAY_LEN(clerk_caps); i++) {
		if (cap_get_bound(clerk_caps[i]) > 0)
			kept[n++] = clerk_caps[i];
	}
	bound_capabilities(kept, n);
	int result = keep_only(kept, (int)n);

	if (result == 0 && (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 ||
				   prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0))
		result = -errno;
	return result;
}

void process_let_engine_in(const struct log *log, const char *directory)
{
	const struct passwd *user = getpwnam(user_name);
	struct stat st;

	if (geteuid() != 0 || user == NULL)
		return;
	if (stat(directory, &st) != 0 || (st.st_mode & S_IXOTH))
		return;
	if (chown(directory, (uid_t)-1, user->pw_gid) != 0 ||
		chmod(directory, (st.st_mode & 07777) | S_IXGRP) != 0)
		log_warn(log, "%s: user %s is not let in: %s", directory, user_name,
			strerror(errno));
}

void process_hide_memory(void)
{
	struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0);
}
