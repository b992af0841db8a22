/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loop.h"
#include "path.h"

#include <assert.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/pkt_sched.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

enum { REFUSAL_LOGGED_AFTER_US = 1500000 };

static const struct path_ops *const path_table[] = {
	[CONF_TRANSPORT_ETHERNET] = &path_ethernet,
	[CONF_TRANSPORT_UDP] = &path_udp,
};

static bool has_device(const struct path *p)
{
	return p->conf.device[0] != '\0';
}

/* What the log calls the other half of a path. */
static const char *via(const struct path *p)
{
	return has_device(p) ? p->conf.device : p->ops->name;
}

/* The only place that changes p->error. */
static void set_error(struct path *p, int error)
{
	int before = p->error;

	p->error = error;
	if (!before && error)
		log_warn(p->log, "path %s: up -> down, %s: %s", p->conf.name, via(p),
			strerror(-error));
	else if (before && !error)
		log_info(p->log, "path %s: down -> up, %s", p->conf.name, via(p));
}

/* Ties the socket to the interface anew. */
static int attach(struct path *p)
{
	if (has_device(p) && !p->ifindex)
		return -ENODEV;
	int error = p->ops->attach(p);

	if (error == -ENODEV && p->ifindex) {
		p->ops->detach(p);
		p->ifindex = 0;
	}
	return error;
}

/* A call on the socket says that there is no way. The kernel may have untied the socket from
 * its interface, and tells only once; so tie it again, though it takes a frame that gets
 * through to believe in the path again. */
static void came_down(struct path *p, int error)
{
	if (p->error)
		return;
	set_error(p, error);
	(void)attach(p);
}

static void got_through(struct path *p)
{
	if (!mono_is_never(p->refused_since) && p->is_refusal_logged)
		log_info(p->log, "path %s: %s takes what we send again", p->conf.name, via(p));
	p->refused_since = MONO_NEVER;
	p->is_refusal_logged = false;
	if (p->error && !attach(p))
		set_error(p, 0);
}

int path_open(struct path *p, const struct conf_link *conf, unsigned flags, const struct log *log)
{
	memset(p, 0, sizeof(*p));
	p->conf = *conf;
	p->ops = path_table[conf->transport];
	p->log = log;
	p->flags = flags;
	p->fd = -1;
	p->error = -ENODEV;
	p->refused_since = MONO_NEVER;

	int error = p->ops->make(p);
	if (error) {
		path_close(p);
		return error;
	}
	if (has_device(p))
		p->ifindex = if_nametoindex(p->conf.device);
	error = attach(p);
	if (error == -EADDRINUSE || error == -EPERM || error == -EACCES) {
		path_close(p);
		return error;
	}
	set_error(p, error);
	if (error)
		log_warn(p->log, "path %s: down, %s: %s", p->conf.name, via(p), strerror(-error));
	return 0;
}

void path_close(struct path *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

int path_fd(const struct path *p)
{
	return p->fd;
}

int path_error(const struct path *p)
{
	return p->error;
}

void path_refresh(struct path *p, unsigned ifindex)
{
	if (!has_device(p) || (ifindex == p->ifindex && !p->error))
		return;
	if (p->ifindex && ifindex != p->ifindex)
		p->ops->detach(p);
	bool is_new = p->ifindex != ifindex;

	p->ifindex = ifindex;
	int error = attach(p);
	/* Tied again to the same one, only a send shows whether that helps. */
	if (error || is_new)
		set_error(p, error);
}

void path_look_up(struct path *p)
{
	if (has_device(p))
		path_refresh(p, if_nametoindex(p->conf.device));
}

/* The log waits until it cannot be the carrier: the kernel may take a second to tell of that, and
 * a path that only loses one is no news. */
static void count_filtered(struct path *p)
{
	mono_t now = loop_now();

	p->count.send_filtered++;
	if (mono_is_never(p->refused_since))
		p->refused_since = now;
	if (p->is_refusal_logged || mono_since_us(p->refused_since, now) < REFUSAL_LOGGED_AFTER_US)
		return;
	p->is_refusal_logged = true;
	log_warn(p->log, "path %s: a rule or queue of %s drops all that we send", p->conf.name,
		via(p));
}

/* One frame was not taken. True if the next one may fare better. */
static bool send_failed(struct path *p, int error)
{
	switch (-error) {
	case EPERM: count_filtered(p); return true;
	case ENOBUFS:
		if (p->ops->is_filtered(p))
			count_filtered(p);
		else
			p->count.send_errors++;
		return true;
	case EMSGSIZE: p->count.send_errors++; return true;
	case EAGAIN:
	case EINTR:
	case ENOMEM: p->count.send_errors++; return false;
	default:
		p->count.send_errors++;
		came_down(p, error);
		return false;
	}
}

static void prepare(
	struct path *p, struct mmsghdr *message, struct iovec *vector, struct span frame)
{
	/* An iovec is not const, but sending only reads. */
	*vector = (struct iovec){ .iov_base = (void *)(uintptr_t)frame.data, .iov_len = frame.len };
	*message = (struct mmsghdr){ .msg_hdr = {
					     .msg_name = &p->to,
					     .msg_namelen = p->to_len,
					     .msg_iov = vector,
					     .msg_iovlen = 1,
				     } };
}

/* Sends up to PATH_BATCH. Returns how many were taken, or negative errno of the first. */
static int send_some(struct path *p, const struct span *frames, unsigned n)
{
	struct mmsghdr message[PATH_BATCH];
	struct iovec vector[PATH_BATCH];

	/* Without an interface the socket may have no address of the peer's either. */
	if (has_device(p) && !p->ifindex)
		return -ENODEV;
	if (n > PATH_BATCH)
		n = PATH_BATCH;
	for (unsigned i = 0; i < n; i++)
		prepare(p, &message[i], &vector[i], frames[i]);

	int taken = sendmmsg(p->fd, message, n, MSG_DONTWAIT);
	if (taken < 0)
		return -errno;
	p->count.sent += (unsigned)taken;
	got_through(p);
	return taken;
}

int path_send(struct path *p, struct span frame)
{
	int taken = send_some(p, &frame, 1);

	if (taken < 0)
		send_failed(p, taken);
	return taken < 0 ? taken : 0;
}

unsigned path_send_batch(struct path *p, const struct span *frames, unsigned n)
{
	unsigned taken = 0, i = 0;

	while (i < n) {
		int result = send_some(p, frames + i, n - i);

		if (result >= 0) {
			taken += (unsigned)result;
			i += (unsigned)result;
			continue;
		}
		i++; /* the one that was refused */
		if (!send_failed(p, result)) {
			p->count.send_errors += n - i;
			break;
		}
	}
	return taken;
}

static void count_overruns(struct path *p, struct msghdr *header)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		uint32_t drops;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_RXQ_OVFL)
			continue;
		memcpy(&drops, CMSG_DATA(c), sizeof(drops));
		p->count.overruns += (uint32_t)(drops - p->kernel_drops); /* it wraps */
		p->kernel_drops = drops;
	}
}

static int take_off(struct path *p, struct path_inbox *in)
{
	for (unsigned i = 0; i < PATH_BATCH; i++) {
		in->vector[i] = (struct iovec){ in->bytes[i], sizeof(in->bytes[i]) };
		in->message[i].msg_hdr = (struct msghdr){
			.msg_name = &in->from[i],
			.msg_namelen = sizeof(in->from[i]),
			.msg_iov = &in->vector[i],
			.msg_iovlen = 1,
			.msg_control = in->control[i],
			.msg_controllen = sizeof(in->control[i]),
		};
	}
	int n = recvmmsg(p->fd, in->message, PATH_BATCH, MSG_DONTWAIT, NULL);

	return n < 0 ? -errno : n;
}

int path_receive(struct path *p, struct path_inbox *inbox,
	void (*heard)(void *user, struct span frame), void *user)
{
	int n = take_off(p, inbox);

	if (n == -EAGAIN || n == -EINTR)
		return 0;
	if (n < 0) {
		came_down(p, n);
		return n;
	}
	for (int i = 0; i < n; i++) {
		struct msghdr *header = &inbox->message[i].msg_hdr;
		size_t len = inbox->message[i].msg_len;

		count_overruns(p, header);
		if (!p->ops->is_ours(p, &inbox->from[i])) {
			p->count.foreign++;
		} else if (len > WIRE_FRAME_MAX || header->msg_flags & MSG_TRUNC) {
			p->count.truncated++;
		} else {
			p->count.received++;
			inbox->sender = &inbox->from[i];
			heard(user, span_of(inbox->bytes[i], len));
		}
	}
	return n;
}

bool path_sender_mac(const struct path_inbox *inbox, uint8_t ret_mac[6])
{
	struct sockaddr_ll from;

	if (inbox->sender->ss_family != AF_PACKET)
		return false;
	memcpy(&from, inbox->sender, sizeof(from));
	if (from.sll_halen != 6)
		return false;
	memcpy(ret_mac, from.sll_addr, 6);
	return true;
}

void path_tune(int fd, int send_size, int receive_size)
{
	int one = 1, priority = TC_PRIO_CONTROL, modest = TC_PRIO_INTERACTIVE;

	/* Each is a help, none a condition. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &send_size, sizeof(send_size)))
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_size, sizeof(send_size));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_size, sizeof(receive_size)))
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_size, sizeof(receive_size));
	(void)setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &one, sizeof(one));
	if (setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &priority, sizeof(priority)))
		(void)setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &modest, sizeof(modest));
}

int path_deafen(int fd)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = { .len = 1, .filter = &nothing };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) ? -errno : 0;
}
