#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints what scripts/bench measured, in Markdown.

    failover_table.py RAW [TABLE OF SESSIONS]
"""
import sys

from failover_values import Measured, Spread, fault_title, system_title

FLOOR = {
    "carrier": "carrier lost at one end of a cable, told at the other",
    "announce": "two addresses written, two gratuitous ARPs sent",
    "insert": "sessions inserted by ctnetlink, each second of processor time",
    "events": "waiting events of sessions read, each second of processor time",
    "live": "events read while sessions come and go, each second of processor time",
    "pair": "events read here and carried out there, each second of processor time",
}


def cell(rounds, value, endless):
    values = Spread([value(r) for r in rounds]).text()
    ends = sum(bool(endless(r)) for r in rounds)
    if ends == 0:
        return values
    return f"{values}, no end" + ("" if ends == len(rounds) else f" in {ends} of {len(rounds)}")


def row(fault, system, rounds):
    def never(_):
        return False
    cells = [
        fault_title(fault), system_title(system),
        cell(rounds, lambda r: r.gap, lambda r: r.endless),
        cell(rounds, lambda r: r.lost, never),
        cell(rounds, lambda r: r.two, lambda r: r.two_endless),
        cell(rounds, lambda r: r.none, lambda r: r.none_endless),
        cell(rounds, lambda r: r.alive, never),
    ]
    print("| " + " | ".join(cells) + " |")


def head(*titles):
    print("\n| " + " | ".join(titles) + " |")
    print("| " + " | ".join("---" for _ in titles) + " |")


def main():
    measured = Measured(sys.argv[1])
    about = measured.about
    print("# Failovers, side by side\n")
    print(f"{about['date']}, Linux {about['kernel']}, {about['processors']} processors, load "
          f"{about['load']} at the beginning and {about.get('load_end', '-')} at the end. "
          f"{about['nsrpd']}; {about['keepalived']}; {about['conntrackd']}. Client, server, "
          "switches, both firewalls and the load are namespaces of this machine.\n")
    print(f"Rounds: {about['rounds']}; median (least–most), times in ms. The gap is the longest of a "
          "stream of one packet a millisecond; owners are those of the shared addresses, seen from "
          f"outside; of {about['sessions']} TCP connections, half of them with source NAT, those that "
          "answer in the end. *No end*: the fault had to be taken away, or was not overcome while it "
          "was watched.")
    if measured.rounds:
        head("fault", "system", "gap", "packets lost", "two owners", "no owner", "connections alive")
    for fault, systems in measured.ordered():
        for system, rounds in systems:
            row(fault, system, rounds)
    if measured.problems:
        print("\nNot measured: " + "; ".join(sorted(set(measured.problems))) + ".")
    if measured.floor:
        print("\n## What the kernel alone takes")
        head("what", "median (least–most)")
        for key, (values, unit) in measured.floor.items():
            print(f"| {FLOOR[key]} | {Spread(values).text()} {unit}".rstrip() + " |")
    if len(sys.argv) > 2:
        print("\n## Sessions\n")
        with open(sys.argv[2], encoding="utf-8") as table:
            print(table.read(), end="")


main()
