#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Many connections at once, told what to do by lines of standard input; each command is answered
# by one line.
#
#   talk.py [--sink PORT]... PORT...      listens on these ports, TCP and UDP, IPv4 and IPv6
#
# Both ends speak in lines: who hears `NOOP n` answers `200 n`, but on a port that is a sink.
# Connections belong to groups; those accepted are in the group named as their port.
#
#   open GROUP N ADDRESS PORT       N TCP connections at once    -> opened N of N
#   udp GROUP N ADDRESS PORT MS     N UDP flows, each of which asks every MS ms (0 = never)
#   ask GROUP [SECONDS [BYTES]]     asks on all of them, with so many bytes that come back, and
#                                   waits                        -> GROUP N of N reset R
#   busy GROUP MS                   asks on one after the other, every MS ms (0 = no more)
#   say GROUP TEXT                  sends a line
#   heard GROUP                     the last line that was neither question nor answer
#   close GROUP | reset GROUP       ends them, by FIN or RST
#   answers GROUP                   answers heard so far
import errno
import resource
import selectors
import socket
import struct
import sys
import time

OPEN_SECONDS = 8  # a packet may be lost, and the next, before a connection is there
RESET = (ConnectionResetError, ConnectionRefusedError, BrokenPipeError)


class Talk:
    full = set()  # those that have more to send than their sockets take

    def __init__(self, sock, is_stream, is_sink=False):
        self.sock, self.is_stream, self.is_sink = sock, is_stream, is_sink
        self.token = self.heard_token = self.answers = self.interval = self.due = 0
        self.buffer, self.out, self.last = b"", b"", ""
        self.was_reset = self.ended = False

    def send(self, text):
        self.out += text.encode() + b"\r\n"
        self.flush()

    def flush(self):
        Talk.full.discard(self)
        try:
            sent = self.sock.send(self.out)
            self.out = self.out[sent:] if self.is_stream else b""
        except BlockingIOError:
            pass
        except RESET:
            self.was_reset, self.out = True, b""
        except OSError:
            self.out = b""  # no route for a moment
        if self.out:
            Talk.full.add(self)

    def ask(self, size=0):
        self.token += 1
        self.send(f"NOOP {self.token}" + (" " + "x" * size if size else ""))

    def hear_line(self, line, reply):
        word, _, rest = line.partition(" ")
        if word == "NOOP":
            if not self.is_sink:
                reply(f"200 {rest}")
        elif word == "200":
            self.answers += 1
            self.heard_token = max(self.heard_token, int(rest.split()[0]))
        else:
            self.last = line


class Talks:
    def __init__(self, ports, sinks):
        self.poll, self.groups, self.busy = selectors.DefaultSelector(), {}, {}
        for port in ports + sinks:
            listener = socket.create_server(
                ("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=4096)
            self.poll.register(listener, selectors.EVENT_READ, ("accept", port, port in sinks))
            udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
            udp.bind(("::", port))
            self.poll.register(udp, selectors.EVENT_READ, ("server", Talk(udp, False, port in sinks)))

    def add(self, group, sock, is_stream, is_sink=False):
        sock.setblocking(False)
        talk = Talk(sock, is_stream, is_sink)
        self.groups.setdefault(group, []).append(talk)
        self.poll.register(sock, selectors.EVENT_READ, ("talk", talk))
        return talk

    def hear(self, talk):
        try:
            data = talk.sock.recv(65536)
        except RESET:
            talk.was_reset, data = True, b"" if talk.is_stream else b"\r\n"
        except OSError:
            return
        if talk.is_stream and not data:
            talk.ended = True
            Talk.full.discard(talk)
            self.poll.unregister(talk.sock)
            talk.sock.close()
            return
        *lines, talk.buffer = (talk.buffer + data).split(b"\r\n")
        for line in lines:
            if line:
                talk.hear_line(line.decode(), talk.send)

    def serve(self, talk):
        data, address = talk.sock.recvfrom(65536)
        try:
            talk.hear_line(data.decode().strip(), lambda s: talk.sock.sendto(s.encode() + b"\r\n", address))
        except OSError:
            pass

    def ask_what_is_due(self, now):
        for talks in self.groups.values():
            for talk in talks:
                if talk.interval and talk.due <= now:
                    talk.due = now + talk.interval
                    talk.ask()
        for name, entry in self.busy.items():
            if entry[0] and entry[1] <= now:
                entry[1] = now + entry[0]
                entry[2] = (entry[2] + 1) % len(self.groups[name])
                if not self.groups[name][entry[2]].ended:
                    self.groups[name][entry[2]].ask()

    def turn(self):
        """One round; False when standard input has a line."""
        waits = bool(self.busy or Talk.full) or any(t[0].interval for t in self.groups.values() if t)
        has_line = False
        for key, _ in self.poll.select(0.005 if waits else 0.2):
            what = key.data
            if what[0] == "stdin":
                has_line = True
            elif what[0] == "accept":
                self.add(str(what[1]), key.fileobj.accept()[0], True, what[2])
            elif what[0] == "server":
                self.serve(what[1])
            else:
                self.hear(what[1])
        for talk in list(Talk.full):
            talk.flush()
        if waits:
            self.ask_what_is_due(time.monotonic())
        return not has_line

    def open(self, group, n, address, port):
        opened, tries = 0, selectors.DefaultSelector()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        for _ in range(int(n)):
            sock = socket.socket(family, socket.SOCK_STREAM)
            sock.setblocking(False)
            if sock.connect_ex((address, int(port))) in (0, errno.EINPROGRESS):
                tries.register(sock, selectors.EVENT_WRITE)
        end = time.monotonic() + OPEN_SECONDS
        while tries.get_map() and time.monotonic() < end:
            for key, _ in tries.select(0.2):
                sock = key.fileobj
                tries.unregister(sock)
                if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self.add(group, sock, True)
                    opened += 1
        for key in tries.get_map().values():
            key.fileobj.close()
        return f"opened {opened} of {n}"

    def udp(self, group, n, address, port, ms):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        for i in range(int(n)):
            sock = socket.socket(family, socket.SOCK_DGRAM)
            sock.connect((address, int(port)))
            talk = self.add(group, sock, False)
            talk.interval = int(ms) / 1000
            talk.due = time.monotonic() + talk.interval * i / int(n)
            talk.ask()
        return f"opened {n} of {n}"

    def ask(self, group, seconds="10", size="0"):
        """Of all that the other end has not closed."""
        talks = [t for t in self.groups.get(group, []) if t.was_reset or not t.ended]
        for talk in talks:
            if not talk.ended:
                talk.ask(int(size))
        end = time.monotonic() + float(seconds)
        while time.monotonic() < end:
            self.turn()
            if all(t.ended or t.heard_token == t.token for t in talks):
                break
        answered = sum(not t.ended and t.heard_token == t.token for t in talks)
        return f"{group} {answered} of {len(talks)} reset {sum(t.was_reset for t in talks)}"

    def end(self, group, linger):
        for talk in self.groups.pop(group, []):
            Talk.full.discard(talk)
            if not talk.ended:
                self.poll.unregister(talk.sock)
                if linger is not None:
                    talk.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                talk.sock.close()
        self.busy.pop(group, None)
        return "closed"

    def command(self, verb, group, *rest):
        if verb == "open":
            return self.open(group, *rest)
        if verb == "udp":
            return self.udp(group, *rest)
        if verb == "ask":
            return self.ask(group, *rest)
        if verb == "busy":
            self.busy[group] = [int(rest[0]) / 1000, 0, 0]
            return "busy"
        if verb == "say":
            for talk in self.groups[group]:
                talk.send(" ".join(rest))
            return "said"
        if verb == "heard":
            return "heard " + "|".join(t.last for t in self.groups.get(group, []))
        if verb == "answers":
            return f"answers {sum(t.answers for t in self.groups[group])}"
        if verb in ("close", "reset"):
            return self.end(group, struct.pack("ii", 1, 0) if verb == "reset" else None)
        return "what?"


def main():
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    ports, sinks, words = [], [], sys.argv[1:]
    while words:
        word = words.pop(0)
        if word == "--sink":
            sinks.append(int(words.pop(0)))
        else:
            ports.append(int(word))
    talks = Talks(ports, sinks)
    talks.poll.register(sys.stdin, selectors.EVENT_READ, ("stdin",))
    while True:
        if talks.turn():
            continue
        line = sys.stdin.readline().split()
        if not line:
            return
        try:
            answer = talks.command(*line)
        except (OSError, KeyError, TypeError, ValueError) as error:
            answer = f"failed: {error!r}"
        print(answer, flush=True)


main()
