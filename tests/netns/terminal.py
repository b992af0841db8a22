#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# terminal.py COLUMNS ROWS COMMAND...: runs it in a terminal, and is told by lines of standard input
# what to do there; each command is answered by one line.
#
#   sees SECONDS TEXT    waits until a line of the screen has it  -> yes | no
#   lacks SECONDS TEXT   waits until none has                     -> yes | no
#   first TEXT           the first line begins so                 -> yes | no
#   resize COLUMNS ROWS | type KEYS | signal NAME                 -> done
#   stopped SECONDS      waits until the command is stopped       -> yes | no
#   show                 the screen, to standard error            -> done
#   widest               columns of the longest line              -> N
#   ended SECONDS        waits for the command's end              -> STATUS restored | STATUS changed
#                        ("restored": the terminal is as it was); running | killed SIGNAL …
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

import pyte

OWN = 1049  # the private mode by which a program has a screen of its own


class Terminal:
    def __init__(self, columns, rows, command):
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            time.sleep(0.1)  # until the terminal has its size
            os.execvp(command[0], command)
        self.size(columns, rows)
        self.before = termios.tcgetattr(self.fd)

    def size(self, columns, rows):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds):
        if not select.select([self.fd], [], [], seconds)[0]:
            return
        try:
            self.stream.feed(os.read(self.fd, 65536))
        except OSError:  # the other side is closed
            time.sleep(seconds)

    def until(self, seconds, claim):
        end = time.monotonic() + seconds
        while not claim() and time.monotonic() < end:
            self.read(0.05)
        return "yes" if claim() else "no"

    def has(self, text):
        return any(text in line for line in self.screen.display)

    def do_sees(self, seconds, *words):
        return self.until(float(seconds), lambda: self.has(" ".join(words)))

    def do_lacks(self, seconds, *words):
        return self.until(float(seconds), lambda: not self.has(" ".join(words)))

    def do_first(self, *words):
        return "yes" if self.screen.display[0].startswith(" ".join(words)) else "no"

    def do_resize(self, columns, rows):
        self.screen.resize(int(rows), int(columns))
        self.size(int(columns), int(rows))
        return "done"

    def do_type(self, keys):
        os.write(self.fd, keys.encode())
        return "done"

    def do_signal(self, name):
        os.kill(self.pid, getattr(signal, "SIG" + name))
        return "done"

    def do_show(self):
        print("\n".join(line.rstrip() for line in self.screen.display), file=sys.stderr, flush=True)
        return "done"

    def do_widest(self):
        return str(max(len(line.rstrip()) for line in self.screen.display))

    def do_stopped(self, seconds):
        end = time.monotonic() + float(seconds)
        while time.monotonic() < end:
            self.read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG | os.WUNTRACED)
            if pid and os.WIFSTOPPED(status):
                return "yes"
        return "no"

    def do_ended(self, seconds):
        end = time.monotonic() + float(seconds)
        pid = 0
        while pid == 0 and time.monotonic() < end:
            self.read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid == 0:
            return "running"
        self.read(0.2)
        modes = self.screen.mode
        same = (
            termios.tcgetattr(self.fd) == self.before
            and OWN << 5 not in modes
            and pyte.modes.DECTCEM in modes  # the cursor is shown
            and pyte.modes.DECAWM in modes  # long lines go on in the next
        )
        how = f"killed {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        return f"{how} {'restored' if same else 'changed'}"


def main():
    terminal = Terminal(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
    while True:
        readable = select.select([sys.stdin, terminal.fd], [], [], 0.2)[0]
        if terminal.fd in readable:
            terminal.read(0)
        if sys.stdin in readable:
            words = sys.stdin.readline().split()
            if not words:
                break
            print(getattr(terminal, "do_" + words[0])(*words[1:]), flush=True)


main()
