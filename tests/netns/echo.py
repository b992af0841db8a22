#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Sends back what comes over TCP, on each of the given ports, IPv4 and IPv6, until it is ended.
import selectors
import socket
import sys

poll = selectors.DefaultSelector()
for port in sys.argv[1:]:
    listener = socket.create_server(("::", int(port)), family=socket.AF_INET6, dualstack_ipv6=True)
    poll.register(listener, selectors.EVENT_READ, True)
while True:
    for key, _ in poll.select():
        if key.data:
            poll.register(key.fileobj.accept()[0], selectors.EVENT_READ, False)
            continue
        try:
            data = key.fileobj.recv(65536)
            if data:
                key.fileobj.sendall(data)
        except OSError:
            data = b""
        if not data:
            poll.unregister(key.fileobj)
            key.fileobj.close()
