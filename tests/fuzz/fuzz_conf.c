/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a configuration and as a key file. What is accepted must survive print and read;
 * not with logical names, by which one node's values may contradict the other's. */
#include <assert.h>
#include <string.h>

#include "nsrp/confread.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void found(
	void *user, enum conf_severity severity, const char *file, unsigned line, const char *text)
{
	assert(file[0] != '\0' && line > 0 && text[0] != '\0');
	*(unsigned *)user += severity == CONF_SEVERITY_ERROR;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct conf conf, again;
	static char printed[512 * 1024];
	unsigned n_errors = 0;
	struct conf_report report = { &n_errors, found };
	uint8_t key[CONF_KEY_LEN];

	conf_read_key((const char *)data, size, key);
	int result = conf_read("fuzz", (const char *)data, size, "fw1", &report, &conf);

	assert((result == 0) == (n_errors == 0));
	if (result != 0 || conf.n_interfaces > 0)
		return 0;
	size_t len = conf_print(&conf, printed, sizeof(printed));

	assert(len < sizeof(printed));
	result = conf_read("printed", printed, len, "fw1", &report, &again);
	again.digest = conf.digest;
	assert(result == 0 && memcmp(&conf, &again, sizeof(conf)) == 0);
	return 0;
}
