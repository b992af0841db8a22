/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_TEXT_MAX = 256 };

/* Says what keeps a key file from being used. NULL: nothing; its text is in `text`. */
static const char *read_key_text(int fd, char text[KEY_TEXT_MAX], size_t *ret_len)
{
	struct stat st;
	size_t len = 0;

	if (fstat(fd, &st))
		return strerror(errno);
	if (!conf_key_file_mode_ok(st.st_mode))
		return "a key file must be a regular file of mode 0600 or 0400";
	while (len < KEY_TEXT_MAX) {
		ssize_t n = read(fd, text + len, KEY_TEXT_MAX - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return strerror(errno);
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*ret_len = len;
	return NULL;
}

static void check_key(const char *file, struct check_findings *f)
{
	char text[KEY_TEXT_MAX];
	uint8_t key[CONF_KEY_LEN];
	size_t len = 0;
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 && (errno == EACCES || errno == EPERM)) {
		check_found(f, CONF_SEVERITY_NOTE, 0, "%s: not checked: %s", file, strerror(errno));
		return;
	}
	if (fd < 0) {
		check_found(f, CONF_SEVERITY_WARNING, 0,
			"%s: %s; the daemon needs it (nsrpctl genkey makes one)", file,
			strerror(errno));
		return;
	}
	const char *problem = read_key_text(fd, text, &len);

	close(fd);
	if (!problem) {
		enum conf_key_result result = conf_read_key(text, len, key);

		problem = result != CONF_KEY_OK ? conf_key_result_text(result) : NULL;
	}
	if (problem)
		check_found(f, CONF_SEVERITY_ERROR, 0, "%s: %s", file, problem);
	explicit_bzero(text, sizeof(text));
	explicit_bzero(key, sizeof(key));
}

void check_keys(const struct conf *conf, struct check_findings *f)
{
	check_key(conf->key_file, f);
	if (conf->previous_key_file[0] != '\0')
		check_key(conf->previous_key_file, f);
}

bool check_is_taken(const struct device_master *master)
{
	return master->kind[0] != '\0' && strcmp(master->kind, "vrf") != 0;
}

void check_interfaces(const struct conf *conf, struct check_findings *f)
{
	for (unsigned i = 0; i < conf->n_links; i++) {
		const struct conf_link *link = &conf->path[i];
		struct device_master master;

		if (link->device[0] == '\0')
			continue;
		int error = device_look(link->device, &master);

		if (error == -ENODEV)
			check_found(f, CONF_SEVERITY_WARNING, 0,
				"[link %s]: there is no interface %s on this host", link->name,
				link->device);
		else if (error)
			check_found(f, CONF_SEVERITY_NOTE, 0, "[link %s]: %s not checked: %s",
				link->name, link->device, strerror(-error));
		else if (check_is_taken(&master))
			check_found(f, CONF_SEVERITY_WARNING, 0,
				"[link %s]: %s belongs to the %s %s; an HA link's interface must "
				"be its own",
				link->name, link->device, master.kind, master.name);
	}
}

static void check_program(
	const char *section, const char *name, const char *path, struct check_findings *f)
{
	enum executable what = executable_look(path, 0);

	if (what == EXECUTABLE_HIDDEN)
		check_found(f, CONF_SEVERITY_NOTE, 0, "[%s %s]: %s not checked: %s", section, name,
			path, executable_text(what));
	else if (what != EXECUTABLE_GOOD)
		check_found(f, CONF_SEVERITY_WARNING, 0, "[%s %s]: %s: %s; it will not be run",
			section, name, path, executable_text(what));
}

void check_programs(const struct conf *conf, struct check_findings *f)
{
	for (unsigned i = 0; i < conf->n_groups; i++) {
		char id[4];

		(void)snprintf(id, sizeof(id), "%u", conf->group[i].id);
		if (conf->group[i].hook[0] != '\0')
			check_program("group", id, conf->group[i].hook, f);
	}
	for (unsigned i = 0; i < conf->n_monitors; i++) {
		const struct conf_monitor *m = &conf->monitor[i];

		if (m->type == CONF_MONITOR_SCRIPT)
			check_program("monitor", m->name, m->program, f);
	}
}
