#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the gaps that scripts/bench measured, as SVG: a bar for each fault and system, on a
logarithmic axis, with a whisker from the least to the most.

    failover_picture.py RAW
"""
import math
import statistics
import sys
from xml.sax.saxutils import escape

from failover_values import Measured, Spread, fault_title, number, system_title

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 1080, 250, 250, 96, 44
BAR, GROUP = 15, 30  # height of a bar's line, and of a title with the space above it
LEAST_MS, MOST_MS = 0.01, 20000
COLOURS = {"floor": "#888888", "nsrpd": "#1b6ca8", "nsrpd-fast": "#5aa9e6"}
OTHERS = ["#8f3b1b", "#b8561f", "#d97b2b", "#efa94a", "#b59a5b", "#8a8550"]


class Picture:
    def __init__(self):
        self.parts, self.y = [], TOP

    def x(self, ms):
        share = math.log10(max(ms, LEAST_MS) / LEAST_MS) / math.log10(MOST_MS / LEAST_MS)
        return LEFT + min(share, 1) * (WIDTH - LEFT - RIGHT)

    def text(self, x, y, words, style=""):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>')

    def line(self, x1, y1, x2, y2, style):
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {style}/>')

    def group(self, title):
        self.y += GROUP
        self.text(12, self.y - 6, title, 'font-weight="bold"')

    def bar(self, title, values, colour, mark=""):
        spread, middle = Spread(values), self.y + BAR / 2
        end = self.x(spread.median)
        self.text(LEFT - 8, middle + 4, title, 'text-anchor="end"')
        self.parts.append(f'<rect x="{LEFT}" y="{self.y + 2:.1f}" width="{max(end - LEFT, 1):.1f}" '
                          f'height="{BAR - 4}" fill="{colour}"/>')
        if spread.least != spread.most:
            left, right = self.x(spread.least), self.x(spread.most)
            self.line(left, middle, right, middle, 'stroke="#222"')
            for x in (left, right):
                self.line(x, middle - 3, x, middle + 3, 'stroke="#222"')
            end = max(end, right)
        self.text(end + 6, middle + 4, number(spread.median) + " ms" + mark)
        self.y += BAR

    def axis(self, noise_ms):
        """Behind all that was drawn."""
        drawn, self.parts, bottom = self.parts, [], self.y + 10
        for power in range(int(math.log10(LEAST_MS)), int(math.log10(MOST_MS)) + 1):
            ms = 10.0 ** power
            self.line(self.x(ms), TOP, self.x(ms), bottom, 'stroke="#ddd"')
            label = f"{ms / 1000:g} s" if ms >= 1000 else f"{ms:g} ms"
            self.text(self.x(ms), bottom + 16, label, 'text-anchor="middle"')
        if noise_ms:
            x = self.x(noise_ms)
            self.line(x, TOP, x, bottom, 'stroke="#555" stroke-dasharray="4 3"')
            self.text(x, TOP - 6, f"noise floor {number(noise_ms)} ms", 'text-anchor="middle"')
        self.parts += drawn

    def print(self, title, *lines):
        height = self.y + BOTTOM
        print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
              f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12" fill="#222">')
        print(f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>')
        self.text(12, 24, title, 'font-size="17" font-weight="bold"')
        for i, line in enumerate(lines):
            self.text(12, 44 + 17 * i, line)
        print("\n".join(self.parts))
        print("</svg>")


def marks(rounds, sessions):
    """What a short gap does not tell."""
    alive = round(statistics.median([r.alive for r in rounds]))
    claims = {
        "no end": any(r.endless for r in rounds),
        "two owners": any(r.two_endless for r in rounds),
        "no owner": any(r.none_endless for r in rounds),
        f"{alive} of {sessions} connections": alive < sessions,
    }
    return "".join(f", {words}" for words, holds in claims.items() if holds)


def main():
    measured = Measured(sys.argv[1])
    picture, colours = Picture(), dict(COLOURS)
    noise = [r.gap for (fault, _), rounds in measured.rounds.items() if fault == "nothing"
             for r in rounds]
    times = {"carrier": "carrier lost, told", "announce": "2 addresses, 2 ARPs"}
    if any(key in measured.floor for key in times):
        picture.group("what the kernel alone takes")
        for key, title in times.items():
            if key in measured.floor:
                picture.bar(title, measured.floor[key][0], colours["floor"])
    for fault, systems in measured.ordered():
        picture.group(fault_title(fault))
        for system, rounds in systems:
            if system not in colours:
                colours[system] = OTHERS[(len(colours) - len(COLOURS)) % len(OTHERS)]
            picture.bar(system_title(system), [r.gap for r in rounds], colours[system],
                        marks(rounds, int(measured.about["sessions"])))
    picture.axis(statistics.median(noise) if noise else None)
    about = measured.about
    picture.print("Longest gap of a stream of one packet a millisecond",
                  f"median, least and most; rounds: {about['rounds']}; {about['nsrpd']}; "
                  f"{about['keepalived']}; {about['conntrackd']}",
                  f"{about['date']}; Linux {about['kernel']}, {about['processors']} processors, "
                  f"load {about['load']}")


main()
