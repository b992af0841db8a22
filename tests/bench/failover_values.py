# SPDX-License-Identifier: GPL-3.0-or-later
"""What scripts/bench wrote down while it ran, as values by system and fault.

Lines of the file: `about KEY TEXT`, `floor KEY VALUE UNIT...`, `problem SYSTEM FAULT TEXT`, and for
each round `SYSTEM FAULT WORD VALUE WORD VALUE ...`.
"""
import re
import statistics

FAULTS = {
    "nothing": "nothing happens (noise floor)",
    "planned": "planned failover",
    "stop": "the master's daemon is stopped",
    "power-off": "power-off, HA links lose carrier",
    "silent-death": "silent death behind switches",
    "lan-port": "monitored link lost",
    "black-hole": "uplink black-holed, link up",
    "engine-kill": "kill -9 of the engine",
    "kill-both": "kill -9 of all its processes",
    "engine-hang": "engine hangs, then goes on",
    "pause": "node paused, then resumed",
    "ha-both": "both HA links lost, then back",
    "ha-both-silent": "both HA links mute, then back",
}


def fault_title(name):
    return FAULTS.get(name, name)


def system_title(name):
    if name == "nsrpd":
        return "nsrpd, as it comes"
    if name == "nsrpd-fast":
        return "nsrpd, 10ms x 3"
    _, advert, *variants = name.split("-")
    title = "keepalived, " + re.sub(r"(\d+)(m?s)", r"\1 \2", advert)
    for variant in variants:
        title += {"ha": ", adverts on HA link", "direct": ", no external cache"}[variant]
    return title


class Spread:
    """Median, least and most of some values."""

    def __init__(self, values):
        self.median = statistics.median(values)
        self.least, self.most = min(values), max(values)

    def text(self):
        if self.least == self.most:
            return number(self.median)
        return f"{number(self.median)} ({number(self.least)}–{number(self.most)})"


def number(value):
    if value >= 100 or value == int(value):
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}"


class Round:
    """One round. What had not ended when it was watched no longer is longer than measured."""

    def __init__(self, words):
        values = dict(zip(words[::2], words[1::2]))
        gap, silent = float(values["gap_ms"]), float(values["silent_ms"])
        self.gap, self.endless = max(gap, silent), silent > max(gap, 100)
        self.lost, self.alive = int(values["lost"]), int(values["alive"])
        self.two, self.none = float(values["two_ms"]), float(values["none_ms"])
        self.two_endless = values["struck"] == "both"
        self.none_endless = values["struck"] in ("none", "some")


class Measured:
    def __init__(self, path):
        self.about, self.floor, self.problems, self.rounds = {}, {}, [], {}
        self.systems, self.faults = [], []
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                self.read(line.split())

    def read(self, words):
        if words[0] == "about":
            self.about[words[1]] = " ".join(words[2:])
        elif words[0] == "floor":
            values, _ = self.floor.setdefault(words[1], ([], " ".join(words[3:])))
            values.append(float(words[2]))
        elif words[0] == "problem":
            self.problems.append(" ".join(words[1:]))
        elif len(words) > 3 and words[2] == "gap_ms":
            self.rounds.setdefault((words[1], words[0]), []).append(Round(words[2:]))
            for name, names in ((words[0], self.systems), (words[1], self.faults)):
                if name not in names:
                    names.append(name)

    def ordered(self):
        """Faults with the systems tried, each in an order that does not depend on the rounds."""
        known = list(FAULTS)
        faults = sorted(self.faults, key=lambda f: known.index(f) if f in known else len(known))
        for fault in faults:
            tried = [s for s in self.systems if (fault, s) in self.rounds]
            yield fault, [(s, self.rounds[fault, s]) for s in sorted(tried, key=system_order)]


def system_order(name):
    """nsrpd first, then by the adverts' distance, the longest first."""
    found = re.search(r"-(\d+)(m?s)", name)
    if not found:
        return (0, len(name), name)
    ms = int(found[1]) * (1 if found[2] == "ms" else 1000)
    return (1 + ("-" in name[found.end():]), -ms, name)
