/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_ipsec: many tunnels at once, in the network namespace it runs in.
 *
 *   bench_ipsec sas TUNNELS HERE THERE        makes both SAs of each (ESP, AES-GCM)
 *   bench_ipsec policies TUNNELS HERE THERE   its policies out and fwd, from one /24 to another
 *   bench_ipsec jump TUNNELS HERE THERE       writes the numbers of every SA, and
 *   bench_ipsec open TUNNELS HERE THERE       every policy anew, as a takeover does
 *   bench_ipsec wait SAS POLICIES             until there are so many
 *
 * Prints when it began and ended, by the machine's clock, in milliseconds.
 */
#include "../netns/session.h"

#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ROW_MAX = 64 * 1024, MESSAGE_MAX = 2048, KEY_LEN = 20, OUT_SPI = 0x10000, IN_SPI = 0x20000 };

struct row {
	int fd;
	size_t used;
	_Alignas(struct nlmsghdr) uint8_t bytes[ROW_MAX];
};

struct tunnel {
	unsigned n;
	uint32_t here, there; /* network byte order */
};

static double clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void row_open(struct row *row)
{
	const struct sockaddr_nl self = { .nl_family = AF_NETLINK };

	row->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_XFRM);
	row->used = 0;
	must(row->fd >= 0 && bind(row->fd, (const void *)&self, sizeof(self)) == 0, "socket");
}

/* Nothing is acknowledged: an answer is a refusal. */
static void row_send(struct row *row)
{
	uint8_t answer[256];

	must(send(row->fd, row->bytes, row->used, 0) == (ssize_t)row->used, "send");
	must(recv(row->fd, answer, sizeof(answer), MSG_DONTWAIT) < 0, "the kernel refused one");
	row->used = 0;
}

static struct nlmsghdr *row_begin(struct row *row, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh;

	if (row->used + MESSAGE_MAX > ROW_MAX)
		row_send(row);
	nlh = mnl_nlmsg_put_header(row->bytes + row->used);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	return nlh;
}

static void row_end(struct row *row, const struct nlmsghdr *nlh)
{
	row->used += NLMSG_ALIGN(nlh->nlmsg_len);
}

static void put_sa(struct row *row, const struct tunnel *t, bool out)
{
	struct nlmsghdr *nlh = row_begin(row, XFRM_MSG_NEWSA, 0);
	struct xfrm_usersa_info *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));
	const struct xfrm_algo_aead algorithm = {
		.alg_name = "rfc4106(gcm(aes))", .alg_key_len = KEY_LEN * 8, .alg_icv_len = 128
	};
	uint8_t aead[sizeof(algorithm) + KEY_LEN];

	*info = (struct xfrm_usersa_info){ .family = AF_INET,
		.mode = XFRM_MODE_TUNNEL,
		.reqid = t->n,
		.replay_window = 32,
		.id = { .proto = IPPROTO_ESP, .spi = htonl((out ? OUT_SPI : IN_SPI) + t->n) },
		.lft = { XFRM_INF, XFRM_INF, XFRM_INF, XFRM_INF, 0, 0, 0, 0 } };
	info->saddr.a4 = out ? t->here : t->there;
	info->id.daddr.a4 = out ? t->there : t->here;
	memcpy(aead, &algorithm, sizeof(algorithm));
	memset(aead + sizeof(algorithm), (int)t->n | 1, KEY_LEN);
	mnl_attr_put(nlh, XFRMA_ALG_AEAD, sizeof(aead), aead);
	row_end(row, nlh);
}

/* Jumped by 2^20, as of one that sent nothing. */
static void put_numbers(struct row *row, const struct tunnel *t, bool out)
{
	struct nlmsghdr *nlh = row_begin(row, XFRM_MSG_NEWAE, NLM_F_REPLACE);
	struct xfrm_aevent_id *id = mnl_nlmsg_put_extra_header(nlh, sizeof(*id));
	const struct xfrm_replay_state replay = { .oseq = 1 << 20 };
	const struct xfrm_lifetime_cur times = { .add_time = (uint64_t)time(NULL) };

	id->sa_id = (struct xfrm_usersa_id){ .family = AF_INET,
		.proto = IPPROTO_ESP,
		.spi = htonl((out ? OUT_SPI : IN_SPI) + t->n) };
	id->sa_id.daddr.a4 = out ? t->there : t->here;
	if (out)
		mnl_attr_put(nlh, XFRMA_REPLAY_VAL, sizeof(replay), &replay);
	mnl_attr_put(nlh, XFRMA_LTIME_VAL, sizeof(times), &times);
	row_end(row, nlh);
}

static void put_policy(struct row *row, const struct tunnel *t, bool out, uint16_t type)
{
	const uint32_t near = htonl(0x0a4d0000), far = htonl(0x0a800000 + (t->n << 8));
	struct nlmsghdr *nlh = row_begin(row, type, 0);
	struct xfrm_userpolicy_info *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));
	struct xfrm_user_tmpl template = { .family = AF_INET,
		.mode = XFRM_MODE_TUNNEL,
		.reqid = t->n,
		.id = { .proto = IPPROTO_ESP },
		.aalgos = UINT32_MAX,
		.ealgos = UINT32_MAX,
		.calgos = UINT32_MAX };

	*info = (struct xfrm_userpolicy_info){ .dir = out ? XFRM_POLICY_OUT : XFRM_POLICY_FWD,
		.priority = 100,
		.sel = { .family = AF_INET, .prefixlen_s = 24, .prefixlen_d = 24 },
		.lft = { XFRM_INF, XFRM_INF, XFRM_INF, XFRM_INF, 0, 0, 0, 0 } };
	info->sel.saddr.a4 = out ? near : far;
	info->sel.daddr.a4 = out ? far : near;
	template.saddr.a4 = out ? t->here : t->there;
	template.id.daddr.a4 = out ? t->there : t->here;
	mnl_attr_put(nlh, XFRMA_TMPL, sizeof(template), &template);
	row_end(row, nlh);
}

static void put_one(struct row *row, const struct tunnel *t, bool out, const char *what)
{
	switch (what[0]) {
	case 's': put_sa(row, t, out); break;
	case 'p': put_policy(row, t, out, XFRM_MSG_NEWPOLICY); break;
	case 'j': put_numbers(row, t, out); break;
	default: put_policy(row, t, out, XFRM_MSG_UPDPOLICY); break;
	}
}

static void write_all(const char *what, unsigned tunnels, const char *here, const char *there)
{
	static struct row row;
	struct tunnel t = { .here = inet_addr(here), .there = inet_addr(there) };

	row_open(&row);
	for (t.n = 1; t.n <= tunnels; t.n++) {
		for (int out = 0; out < 2; out++)
			put_one(&row, &t, out, what);
	}
	row_send(&row);
}

/* The answer's attribute, of one structure whose first number is a count for each of `n` words. */
static unsigned count_of(struct row *row, uint16_t type, uint16_t attribute, unsigned words)
{
	_Alignas(struct nlmsghdr) uint8_t answer[1024];
	struct nlmsghdr *nlh = row_begin(row, type, 0);
	const struct nlattr *attr;
	unsigned sum = 0;
	ssize_t len;

	*(uint32_t *)mnl_nlmsg_put_extra_header(nlh, sizeof(uint32_t)) = UINT32_MAX;
	must(send(row->fd, nlh, nlh->nlmsg_len, 0) > 0, "ask");
	len = recv(row->fd, answer, sizeof(answer), 0);
	must(len > NLMSG_HDRLEN, "an answer");
	nlh = (void *)answer;
	for (attr = mnl_nlmsg_get_payload_offset(nlh, sizeof(uint32_t));
		mnl_attr_ok(attr, (int)(answer + len - (const uint8_t *)attr));
		attr = mnl_attr_next(attr)) {
		if (mnl_attr_get_type(attr) != attribute)
			continue;
		const uint32_t *count = mnl_attr_get_payload(attr);

		for (unsigned i = 0; i < words; i++)
			sum += count[i];
	}
	return sum;
}

static void wait_for(unsigned sas, unsigned policies)
{
	static struct row row;

	row_open(&row);
	/* Policies for packets in, out and forwarded. */
	while (count_of(&row, XFRM_MSG_GETSADINFO, XFRMA_SAD_CNT, 1) < sas ||
		count_of(&row, XFRM_MSG_GETSPDINFO, XFRMA_SPD_INFO, 3) < policies)
		usleep(2000);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	unsigned n = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	double began = clock_ms();

	if (argc == 4 && strcmp(what, "wait") == 0)
		wait_for(n, (unsigned)strtoul(argv[3], NULL, 10));
	else if (argc == 5 && (strcmp(what, "sas") == 0 || strcmp(what, "policies") == 0 ||
				      strcmp(what, "jump") == 0 || strcmp(what, "open") == 0))
		write_all(what, n, argv[3], argv[4]);
	else
		must(false, "usage: bench_ipsec sas|policies|jump|open TUNNELS HERE THERE");
	printf("began %.1f ended %.1f took %.1f\n", began, clock_ms(), clock_ms() - began);
	return 0;
}
