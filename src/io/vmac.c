/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmac.h"

#include "vmac_kernel.h"
#include "vmac_setting.h"

#include <assert.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

struct vmac {
	struct vmac_setup setup;
	const struct conf *conf; /* borrowed; NULL before vmac_configure() */
	/* Beside conf.vmac. */
	struct {
		uint32_t on;    /* index of the interface on which it was seen last; 0 = none */
		bool refused;   /* it, and the log says so */
		bool unsettled; /* a setting was refused, likewise */
	} state[CONF_VMACS_MAX];
	struct vmac_list list; /* as found last */
	/* What interfaces had before we came; a macvlan that somebody removes takes its alias
	 * along. below 0: free. */
	struct {
		uint32_t below;
		struct vmac_before before;
	} known[CONF_VMACS_MAX];
};

int vmac_new(const struct vmac_setup *setup, struct vmac **ret_vmac)
{
	struct vmac *v = calloc(1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	v->setup = *setup;
	*ret_vmac = v;
	return 0;
}

void vmac_free(struct vmac *v)
{
	free(v);
}

/* ---- removing ------------------------------------------------------------------------------ */

/* One of ours is there, and not in `gone`. */
static bool stands_on(const struct vmac_list *list, uint32_t below, const bool *gone)
{
	for (unsigned i = 0; i < list->n; i++)
		if (list->found[i].ifindex && list->found[i].below == below && !(gone && gone[i]))
			return true;
	return false;
}

static void restore(uint32_t below, const struct vmac_before *before, const struct log *log)
{
	char name[IF_NAMESIZE];

	if (below && if_indextoname(below, name))
		vmac_settings_restore(name, before, log);
}

/* Those that are marked in `gone`, in one batch; where none stays on an interface, that is restored
 * first: whoever is killed in between leaves an alias for the next. Returns how many went. */
static unsigned remove_found(struct rtnl *rtnl, struct vmac_list *list,
	const bool gone[VMAC_FOUND_MAX], const struct log *log)
{
	unsigned n = 0;

	for (unsigned i = 0; i < list->n; i++)
		if (gone[i] && !stands_on(list, list->found[i].below, gone))
			restore(list->found[i].below, &list->found[i].before, log);
	rtnl_begin(rtnl);
	for (unsigned i = 0; i < list->n; i++)
		if (gone[i])
			vmac_kernel_remove(rtnl, list->found[i].ifindex, i);
	int result = rtnl_send(rtnl);

	for (unsigned i = 0; i < rtnl_count(rtnl); i++) {
		const struct rtnl_outcome *o = rtnl_outcome(rtnl, i);
		int error = result ? result : o->error;

		if (error && error != -ENODEV) {
			log_err(log, "interface %s: not removed: %s", list->found[o->tag].name,
				strerror(-error));
			continue;
		}
		n++;
		list->found[o->tag].ifindex = 0;
	}
	return n;
}

int vmac_withdraw_all(struct rtnl *rtnl, const struct log *log, unsigned *ret_removed)
{
	struct vmac_list *list = malloc(sizeof(*list));
	bool gone[VMAC_FOUND_MAX];
	int result;

	*ret_removed = 0;
	if (!list)
		return -ENOMEM;
	memset(gone, true, sizeof(gone));
	result = vmac_kernel_find(rtnl, list);
	if (!result)
		*ret_removed = remove_found(rtnl, list, gone, log);
	free(list);
	return result;
}

/* ---- making -------------------------------------------------------------------------------- */

static uint32_t below_of(const struct vmac *v, const struct conf_vmac *vmac)
{
	const struct watch_link *link = watch_link(v->setup.watch, vmac->device);

	return link ? link->ifindex : 0;
}

/* As it must be, or NULL. */
static const struct vmac_found *found_of(const struct vmac *v, unsigned i)
{
	const struct conf_vmac *vmac = &v->conf->vmac[i];
	uint32_t below = below_of(v, vmac);

	for (unsigned j = 0; j < v->list.n; j++)
		if (v->list.found[j].ifindex && below &&
			vmac_kernel_is(&v->list.found[j], vmac, below))
			return &v->list.found[j];
	return NULL;
}

/* Ours that nothing in the configuration is. */
static void mark_strays(const struct vmac *v, bool gone[VMAC_FOUND_MAX])
{
	memset(gone, true, VMAC_FOUND_MAX * sizeof(gone[0]));
	for (unsigned i = 0; i < v->conf->n_vmacs; i++) {
		const struct vmac_found *found = found_of(v, i);

		if (found)
			gone[found - v->list.found] = false;
	}
}

/* Those of this name that are not as they must be stand in the way. */
static void remove_wrong(struct vmac *v, uint64_t wanted)
{
	bool gone[VMAC_FOUND_MAX] = { false }, some = false;

	for (unsigned i = 0; i < v->conf->n_vmacs; i++) {
		if (!(wanted >> v->conf->vmac[i].group & 1) || found_of(v, i))
			continue;
		for (unsigned j = 0; j < v->list.n; j++)
			if (v->list.found[j].ifindex &&
				strcmp(v->list.found[j].name, v->conf->vmac[i].name) == 0)
				some = gone[j] = true;
	}
	if (some)
		(void)remove_found(v->setup.rtnl, &v->list, gone, v->setup.log);
}

/* What the interface below had before we came: by another macvlan there, by memory, or as it is. */
static struct vmac_before before_of(const struct vmac *v, const char *device, uint32_t below)
{
	struct vmac_before before;

	for (unsigned i = 0; i < v->list.n; i++)
		if (v->list.found[i].ifindex && v->list.found[i].below == below)
			return v->list.found[i].before;
	for (unsigned i = 0; i < CONF_VMACS_MAX; i++)
		if (v->known[i].below == below)
			return v->known[i].before;
	vmac_settings_read(device, &before);
	return before;
}

static void remember(struct vmac *v, uint32_t below, const struct vmac_before *before)
{
	unsigned place = 0;

	for (unsigned i = 0; i < CONF_VMACS_MAX; i++) {
		if (v->known[i].below == below)
			return;
		if (!v->known[i].below)
			place = i;
	}
	v->known[place].below = below;
	v->known[place].before = *before;
}

/* Restores the interfaces on which nothing of ours stands any more, nor is to. */
static void forget(struct vmac *v, bool all)
{
	for (unsigned i = 0; i < CONF_VMACS_MAX; i++) {
		uint32_t below = v->known[i].below;
		bool wanted = stands_on(&v->list, below, NULL);

		for (unsigned j = 0; !all && j < v->conf->n_vmacs; j++)
			wanted |= below_of(v, &v->conf->vmac[j]) == below;
		if (!below || wanted)
			continue;
		restore(below, &v->known[i].before, v->setup.log);
		v->known[i].below = 0;
	}
}

static unsigned settle(struct vmac *v, unsigned i, bool again)
{
	const struct conf_vmac *vmac = &v->conf->vmac[i];
	struct vmac_settings_outcome outcome = vmac_settings_apply(
		vmac->name, vmac->device, again, v->state[i].unsettled, v->setup.log);

	v->state[i].unsettled = outcome.refused > 0;
	return outcome.put_back;
}

/* True when another program had removed it. */
static bool made(struct vmac *v, unsigned i, int error, const char *kernel_text)
{
	const struct conf_vmac *vmac = &v->conf->vmac[i];
	uint32_t below = below_of(v, vmac);
	bool again = !error && v->state[i].on == below;

	if (error && !v->state[i].refused)
		log_err(v->setup.log, "interface %s on %s: not made: %s%s%s", vmac->name,
			vmac->device, strerror(-error), kernel_text[0] ? ", " : "", kernel_text);
	v->state[i].refused = error != 0;
	if (error)
		return false;
	v->state[i].on = below;
	if (again)
		log_warn(v->setup.log, "interface %s: was removed, made again", vmac->name);
	(void)watch_refresh(v->setup.watch, vmac->name);
	(void)settle(v, i, false);
	return again;
}

/* Makes what the groups `wanted` lack. v->list is new. Returns how many another program had
 * removed. */
static unsigned make(struct vmac *v, uint64_t wanted)
{
	int error[CONF_VMACS_MAX] = { 0 };
	bool tried[CONF_VMACS_MAX] = { false };
	char text[CONF_VMACS_MAX][RTNL_TEXT_MAX];
	unsigned n = 0;

	remove_wrong(v, wanted);
	rtnl_begin(v->setup.rtnl);
	for (unsigned i = 0; i < v->conf->n_vmacs; i++) {
		const struct conf_vmac *vmac = &v->conf->vmac[i];
		uint32_t below = below_of(v, vmac);

		if (!below || !(wanted >> vmac->group & 1) || found_of(v, i))
			continue;
		struct vmac_before before = before_of(v, vmac->device, below);

		remember(v, below, &before);
		vmac_kernel_make(v->setup.rtnl, vmac, below, &before, i);
		tried[i] = true;
	}
	int result = rtnl_send(v->setup.rtnl);

	for (unsigned k = rtnl_count(v->setup.rtnl); k-- > 0;) {
		const struct rtnl_outcome *o = rtnl_outcome(v->setup.rtnl, k);

		/* The first of the two answers is the cause of the second. */
		error[o->tag] = result ? result : o->error ? o->error : error[o->tag];
		memcpy(text[o->tag], o->text, sizeof(o->text));
	}
	for (unsigned i = 0; i < v->conf->n_vmacs; i++) {
		if (tried[i])
			n += made(v, i, error[i], text[i]);
	}
	return n;
}

static int look(struct vmac *v)
{
	int result = vmac_kernel_find(v->setup.rtnl, &v->list);

	if (result)
		log_warn(v->setup.log, "virtual MACs: not looked at: %s", strerror(-result));
	return result;
}

/* One that is there already; somebody may have changed its settings. */
static void adopt(struct vmac *v, unsigned i, const struct vmac_found *found, uint64_t up)
{
	v->state[i].on = found->below;
	remember(v, found->below, &found->before);
	(void)settle(v, i, false);
	if (!found->up || (up >> v->conf->vmac[i].group & 1))
		return;
	rtnl_begin(v->setup.rtnl);
	vmac_kernel_down(v->setup.rtnl, found->ifindex, 0);
	(void)rtnl_send(v->setup.rtnl);
}

int vmac_configure(struct vmac *v, const struct conf *conf, uint64_t up)
{
	int result = 0;

	v->conf = conf;
	memset(v->state, 0, sizeof(v->state));
	if (conf->n_vmacs)
		result = look(v);
	if (!conf->n_vmacs || result)
		return result;
	for (unsigned i = 0; i < conf->n_vmacs; i++) {
		const struct vmac_found *found = found_of(v, i);

		if (found)
			adopt(v, i, found, up);
	}
	(void)make(v, UINT64_MAX);
	return 0;
}

unsigned vmac_prune(struct vmac *v)
{
	bool gone[VMAC_FOUND_MAX];
	unsigned n;

	assert(v->conf);
	if (look(v) != 0)
		return 0;
	mark_strays(v, gone);
	n = remove_found(v->setup.rtnl, &v->list, gone, v->setup.log);
	forget(v, false);
	return n;
}

void vmac_remove(struct vmac *v)
{
	bool gone[VMAC_FOUND_MAX];

	memset(gone, true, sizeof(gone));
	if (look(v) != 0)
		return;
	(void)remove_found(v->setup.rtnl, &v->list, gone, v->setup.log);
	forget(v, true);
}

void vmac_make(struct vmac *v, unsigned group, bool surely)
{
	bool lacks = false;

	assert(v->conf && group < v->conf->n_groups);
	for (unsigned i = 0; i < v->conf->n_vmacs; i++) {
		const struct conf_vmac *vmac = &v->conf->vmac[i];
		const struct watch_link *link = watch_link(v->setup.watch, vmac->name);

		lacks |= vmac->group == group &&
			 (surely || !link || memcmp(link->mac, vmac->mac, sizeof(vmac->mac)) != 0);
	}
	if (lacks && look(v) == 0)
		(void)make(v, UINT64_C(1) << group);
}

/* ---- mending ------------------------------------------------------------------------------- */

static unsigned mend(struct vmac *v, unsigned i, uint64_t up)
{
	const struct conf_vmac *vmac = &v->conf->vmac[i];
	const struct vmac_found *found = found_of(v, i);
	uint32_t mtu;
	unsigned n;

	if (!found)
		return 0;
	n = settle(v, i, true);
	rtnl_begin(v->setup.rtnl);
	if (found->up && !(up >> vmac->group & 1)) {
		log_warn(v->setup.log, "interface %s: was up, set down again", vmac->name);
		vmac_kernel_down(v->setup.rtnl, found->ifindex, 0);
		n++;
	}
	mtu = vmac_kernel_mtu_of(vmac->device);
	if (mtu && found->mtu != mtu)
		vmac_kernel_mtu(v->setup.rtnl, found->ifindex, mtu, 0);
	(void)rtnl_send(v->setup.rtnl);
	return n;
}

unsigned vmac_mend(struct vmac *v, uint64_t held, uint64_t up)
{
	unsigned n;

	if (!v->conf || !v->conf->n_vmacs || look(v) != 0)
		return 0;
	n = make(v, ~held);
	for (unsigned i = 0; i < v->conf->n_vmacs; i++)
		n += mend(v, i, up);
	return n;
}
