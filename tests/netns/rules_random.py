#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Random rulesets and random changes of them, taken over from one namespace, in which this runs, by
# another: whatever nft takes, the other must have, and list the same.
#
#   rules_random.py [-s SECONDS] [-n SEEDS] [-f FIRST] [-v] RULES FROM TO
#
# RULES is the program of rules.c. TO knows FROM's wan0 as ext0. Exit 1 when a seed failed; that seed
# alone, by -n 1 -f SEED, does so again. -v tells the commands before, and which forms nft never took.
import argparse
import collections
import ctypes
import difflib
import os
import random
import re
import subprocess
import sys
import time

from rules_grammar import DATA, FAMILIES, OBJECTS, PRIORITIES, STATEFUL, TYPES, WORDS

HANDLE = 1 << 3  # NFT_CTX_OUTPUT_HANDLE
FAILURES_MAX = 5


class Nft:
    """nft(8), each command in a process of its own: it dies of some."""

    def __init__(self):
        self.lib = ctypes.CDLL("libnftables.so.1")
        self.lib.nft_ctx_new.restype = ctypes.c_void_p
        self.lib.nft_ctx_get_output_buffer.restype = ctypes.c_char_p
        self.lib.nft_ctx_get_error_buffer.restype = ctypes.c_char_p
        self.why, self.died, self.refused = "", 0, {}

    def run_in_child(self, text, to):
        ctx = ctypes.c_void_p(self.lib.nft_ctx_new(0))
        self.lib.nft_ctx_buffer_output(ctx)
        self.lib.nft_ctx_buffer_error(ctx)
        self.lib.nft_ctx_output_set_flags(ctx, HANDLE)
        source = os.memfd_create("commands")  # of a file it tells the line that is wrong
        os.write(source, text.encode() + b"\n")
        refused = self.lib.nft_run_cmd_from_filename(ctx, f"/proc/self/fd/{source}".encode())
        with os.fdopen(to, "wb") as out:
            out.write(self.lib.nft_ctx_get_error_buffer(ctx) if refused else
                      self.lib.nft_ctx_get_output_buffer(ctx))
        os._exit(1 if refused else 0)

    def run(self, text):
        """What it says, or None: refused, and why."""
        ours, theirs = os.pipe()
        child = os.fork()
        if child == 0:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            self.run_in_child(text, theirs)
        os.close(theirs)
        with os.fdopen(ours, "rb") as of:
            said = of.read().decode(errors="replace")
        status = os.waitpid(child, 0)[1]
        self.died += os.WIFSIGNALED(status)
        self.why = said or "it died"
        return said if status == 0 else None

    def handles(self, place):
        """Of a chain's rules."""
        return re.findall(r"^\t\t[^\t].*# handle (\d+)$", self.run(f"list chain {place}") or "", re.M)


class Nothing(Exception):
    """There is none of what a form asks for."""


class Set:
    def __init__(self, name, keys, data, flags):
        self.name, self.keys, self.data, self.flags = name, keys, data, flags
        self.elements = []


class Table:
    def __init__(self, family, name):
        self.family, self.name = family, name
        self.of = f"{family} {name}"
        self.chains = {}  # by name, what a base chain is: its type; None: it is none
        self.sets, self.objects, self.flowtables = {}, [], []  # objects: kind, name

    def sets_of(self, keys, data):
        return [s.name for s in self.sets.values()
                if " . ".join(s.keys) == keys and (s.data == data or (data == "*" and s.data))]


class Writer:
    def __init__(self, rng, nft, census):
        self.rng, self.nft, self.census = rng, nft, census
        self.tables = {}
        self.log = []
        self.serial = 0

    # ---- words

    def pick(self, of):
        of = list(of)
        if not of:
            raise Nothing
        return self.rng.choice(of)

    def word(self, word, table):
        numbers = re.fullmatch(r"(\d+)-(\d+)", word)
        if numbers:
            return str(self.rng.randint(int(numbers[1]), int(numbers[2])))
        if word[0] == "@":
            keys, _, data = word[1:].partition(":")
            return self.pick(table.sets_of(keys, data or None))
        if word[0] == "%":
            return self.pick(table.sets_of(word[1:], "*"))
        if word[0] == "#":
            return self.pick(name for kind, name in table.objects if kind == word[1:])
        if word == "chain":
            return self.pick(c for c, base in table.chains.items() if base is None)
        if word == "flowtable":
            return self.pick(table.flowtables)
        if word == "match":
            return self.pick(WORDS[self.pick(FAMILIES[table.family][0])])
        return self.pick(WORDS[word])

    def write(self, text, table):
        while (found := re.search(r"<([a-z0-9@%#][^<>]*)>", text)):
            text = text[:found.start()] + self.word(found[1], table) + text[found.end():]
        return text

    def some(self, most):
        return self.rng.randint(1, most)

    def often(self, percent):
        return self.rng.randrange(100) < percent

    def name(self, prefix):
        self.serial += 1
        return f"{prefix}{self.serial % 40}"

    # ---- commands: each a text, and what to note once nft took it, or the forms that it is made of

    def base_chain(self, table):
        kind, hooks = self.pick(FAMILIES[table.family][1])
        hook, priority = self.pick(hooks), self.write(self.pick(PRIORITIES), table)
        policy = self.pick(["accept", "drop"]) if kind == "filter" and self.often(60) else "accept"
        return kind, f"{{ type {kind} hook {hook} priority {priority}; policy {policy}; }}"

    def add_chain(self, table):
        name = self.name("c")
        kind, body = (None, "") if self.often(45) else self.base_chain(table)
        if not body and self.often(20):
            body = "{ comment \"<label>\"; }"
        return (f"add chain {table.of} {name} " + self.write(body, table),
                lambda: table.chains.setdefault(name, kind))

    def statement(self, table, chain):
        words, _ = FAMILIES[table.family]
        forms = [self.pick(WORDS[self.pick(words)]) for _ in range(self.rng.choice([0, 1, 1, 1, 2, 3]))]
        if self.often(25):
            forms.append(self.pick(WORDS["set"]))
        forms.append(self.pick(WORDS["nat" if table.chains.get(chain) == "nat" and self.often(70) else "do"]))
        text = self.write(" ".join(forms), table)
        if self.often(15):
            text += f' comment "{self.pick(WORDS["label"])}"'
        return forms, text

    def add_rule(self, table):
        chain = self.pick(table.chains)
        forms, text = self.statement(table, chain)
        verb, place = "add rule", f"{table.of} {chain}"
        if self.often(25):
            verb = self.rng.choice(["add rule", "insert rule", "replace rule"])
            place += f" handle {self.pick(self.nft.handles(place))}"
        return f"{verb} {place} {text}", forms

    def delete_rule(self, table):
        place = f"{table.of} {self.pick(table.chains)}"
        return f"delete rule {place} handle {self.pick(self.nft.handles(place))}"

    def add_object(self, table):
        kind = self.pick(OBJECTS)
        name = self.name("o") if self.often(80) else "o1"
        text = self.write(self.pick(OBJECTS[kind]), table)
        return (f"add {kind} {table.of} {name} {{ {text} }}",
                lambda: table.objects.append((kind, name)))

    def delete_object(self, table):
        kind, name = self.pick(table.objects)
        return (f"delete {kind} {table.of} {name}", lambda: table.objects.remove((kind, name)))

    def add_flowtable(self, table):
        name = self.name("f")
        devices = self.rng.choice(["lan0", "lan0, wan0"])
        return (f"add flowtable {table.of} {name} {{ hook ingress priority 0; devices = {{ {devices} }}; }}",
                lambda: table.flowtables.append(name))

    def add_set(self, table):
        keys = [self.pick(list(TYPES)[:7] if self.often(80) else TYPES) for _ in range(self.rng.choice([1, 1, 1, 2, 2, 3, 4]))]
        if self.often(30):
            keys = self.rng.choice([["ipv4_addr"], ["inet_service"], ["ipv4_addr", "inet_service"], ["ifname", "ipv4_addr"]])
        data = self.pick(DATA) if self.often(45) else None
        flags = {f for f, p in (("interval", 40), ("timeout", 30), ("dynamic", 15), ("constant", 3)) if self.often(p)}
        name = self.name("s")
        body = [("typeof " + " . ".join(TYPES[k][2] for k in keys)) if self.often(25) and not data
                else "type " + " . ".join(keys)]
        if data:
            body[0] += f" : {data}"
        if flags:
            body.append("flags " + ",".join(sorted(flags)))
        if "timeout" in flags and self.often(50):
            body.append("timeout " + self.write("<time>", table))
        if "timeout" in flags and self.often(20):
            body.append("gc-interval 1h")
        if self.often(20):
            body.append("size 65535")
        if "interval" in flags and self.often(30):
            body.append("auto-merge")
        if self.often(15):
            body.append(self.write("comment \"<label>\"", table))
        if self.often(10):
            body.append("policy memory")
        stateful = self.write(self.pick(STATEFUL), table)
        if stateful and self.often(60):
            body.append(stateful)
        made = Set(name, keys, data, flags)
        return (f"add {'map' if data else 'set'} {table.of} {name} {{ {'; '.join(body)}; }}",
                lambda: table.sets.__setitem__(name, made))

    def delete_set(self, table):
        s = self.pick(table.sets.values())
        return (f"delete {'map' if s.data else 'set'} {table.of} {s.name}", lambda: table.sets.pop(s.name))

    def flush_set(self, table):
        s = self.pick(table.sets.values())
        return f"flush {'map' if s.data else 'set'} {table.of} {s.name}", lambda: s.elements.clear()

    def data_of(self, data, table):
        if data == "verdict":
            return self.write(self.rng.choice(["accept", "drop", "continue", "jump <chain>", "goto <chain>"]), table)
        if data in OBJECTS:
            return self.write(f"\"<#{data}>\"", table)
        return " . ".join(self.write(TYPES[d][0], table) for d in data.split(" . "))

    def element(self, s, table, alone):
        form = 1 if "interval" in s.flags and self.often(70) else 0
        key = " . ".join(self.write(self.pick(TYPES[k][form].split("|")), table) for k in s.keys)
        if alone and "interval" not in s.flags and self.often(4):
            key = "*"
        text = key
        if self.often(10):
            stateful = self.write(self.pick(STATEFUL), table)
            text += f" {stateful}" if stateful else ""
        if "timeout" in s.flags and self.often(50):
            text += " timeout " + self.write("<soon>" if self.often(3) else "<time>", table)
        if self.often(10):
            text += self.write(" comment \"<label>\"", table)
        return key, text + (f" : {self.data_of(s.data, table)}" if s.data else "")

    def add_elements(self, table):
        s = self.pick(table.sets.values())
        n = self.rng.choice([1, 1, 2, 3, 8, 20])
        pairs = [self.element(s, table, n == 1) for _ in range(n)]
        return (f"add element {table.of} {s.name} {{ {', '.join(text for _, text in pairs)} }}",
                lambda: s.elements.extend(key for key, _ in pairs))

    def delete_elements(self, table):
        s = self.pick(s for s in table.sets.values() if s.elements)
        keys = self.rng.sample(s.elements, min(len(s.elements), self.some(4)))

        def gone():
            s.elements = [e for e in s.elements if e not in keys]
        return f"delete element {table.of} {s.name} {{ {', '.join(dict.fromkeys(keys))} }}", gone

    def move_elements(self, table):
        """One goes and one comes, in one transaction."""
        gone, note_gone = self.delete_elements(table)
        come, note_come = self.add_elements(table)
        return f"{gone}; {come}", lambda: (note_gone(), note_come())

    def flush_chain(self, table):
        chain = self.pick(table.chains)
        return f"flush chain {table.of} {chain}"

    def delete_chain(self, table):
        chain = self.pick(table.chains)
        return (f"flush chain {table.of} {chain}; delete chain {table.of} {chain}",
                lambda: table.chains.pop(chain))

    def rename_chain(self, table):
        chain, name = self.pick(table.chains), self.name("c")

        def renamed():
            table.chains[name] = table.chains.pop(chain)
        return f"rename chain {table.of} {chain} {name}", renamed

    def policy(self, table):
        chain = self.pick(c for c, base in table.chains.items() if base)
        return f"add chain {table.of} {chain} {{ policy {self.pick(['accept', 'drop'])}; }}"

    def remake_chain(self, table):
        """Of the same name, with another hook or none."""
        chain = self.pick(table.chains)
        kind, body = (None, "") if self.often(30) else self.base_chain(table)

        def remade():
            table.chains[chain] = kind
        return (f"flush chain {table.of} {chain}; delete chain {table.of} {chain}; "
                f"add chain {table.of} {chain} {body}", remade)

    def remake_set(self, table):
        """Of the same name, with another content."""
        old = self.pick(table.sets.values())
        text, _ = self.add_set(table)
        name = text.split()[4 - 1]
        gone = f"delete {'map' if old.data else 'set'} {table.of} {old.name}"
        return (gone + "; " + text.replace(f" {name} ", f" {old.name} ", 1),
                lambda: table.sets.pop(old.name))

    def dormant(self, table):
        return f"add table {table.of} {{ {self.pick(['flags dormant;', ''])} }}"

    def swap_table(self, table):
        """Gone and there again, empty."""
        fresh = Table(table.family, table.name)

        def swapped():
            self.tables[table.of] = fresh
        return f"delete table {table.of}; add table {table.of} {{ comment \"again\"; }}", swapped

    def delete_table(self, table):
        return f"delete table {table.of}", lambda: self.tables.pop(table.of)

    # ---- doing

    def do(self, commands):
        """All that are taken of those, in one transaction if nft says which to leave out."""
        wanted = []
        for command, table in commands:
            try:
                what = command(table)
            except Nothing:
                continue
            text, more = what if isinstance(what, tuple) else (what, None)
            forms = more if isinstance(more, list) else [command.__name__]
            wanted.append((text, forms, more if callable(more) else lambda: None))
        while wanted:
            said = self.nft.run("\n".join(text for text, _, _ in wanted))
            if said is not None:
                break
            wrong = {int(line) - 1 for line in re.findall(r"^[^:\s]+:(\d+):\d+", self.nft.why, re.M)}
            wrong = wrong & set(range(len(wanted))) or {len(wanted) - 1}
            for i in sorted(wrong, reverse=True):
                text, forms, _ = wanted.pop(i)
                for form in forms:
                    self.census[form, False] += 1
                    self.nft.refused[form] = f"{text}: {self.nft.why[:200]}"
        for text, forms, note in wanted:
            self.log.append(text)
            note()
            for form in forms:
                self.census[form, True] += 1

    def add_table(self):
        table = Table(self.pick(FAMILIES), self.pick(["a", "b", "filter", "a-table"]))
        body = self.pick(["", "", "{ comment \"mine\"; }", "{ flags dormant; }"])
        if table.of in self.tables or self.nft.run(f"add table {table.of} {body}") is None:
            return
        self.log.append(f"add table {table.of} {body}")
        self.tables[table.of] = table
        for steps in ([self.add_chain] * 5 + [self.add_object] * 5, [self.add_set] * 8 + [self.add_flowtable],
                      [self.add_elements] * 10, [self.add_rule] * 30):
            self.do([(step, table) for step in steps])

    def make(self):
        self.nft.run("flush ruleset")
        self.log.append("flush ruleset")
        self.tables = {}
        # Without a base chain nothing is mirrored.
        self.nft.run("add table inet fence; add chain inet fence in { type filter hook input priority 999; }")
        for _ in range(self.some(4)):
            self.add_table()

    def change(self):
        commands = [
            (10, self.add_rule), (10, self.delete_rule), (8, self.add_elements), (8, self.delete_elements), (4, self.move_elements),
            (3, self.add_set), (3, self.delete_set), (2, self.flush_set), (3, self.add_chain), (2, self.delete_chain), (2, self.rename_chain),
            (2, self.policy), (2, self.remake_chain), (2, self.remake_set), (2, self.add_object), (2, self.delete_object), (1, self.flush_chain),
            (1, self.dormant), (1, self.swap_table), (1, self.delete_table)]
        if not self.tables or self.often(10):
            self.add_table()
        if not self.tables:
            return
        weights = [weight for weight, _ in commands]
        chosen = self.rng.choices([command for _, command in commands], weights, k=self.some(8))
        groups = [chosen] if self.often(50) else [[command] for command in chosen]
        for group in groups:
            self.do([(command, self.pick(self.tables.values())) for command in group if self.tables])


# ---- comparing


def sorted_sets(text):
    def sort(found):
        return "{ " + ", ".join(sorted(" ".join(e.split()) for e in found[1].split(","))) + " }"
    text = re.sub(r"(?<=elements = )\{([^{}]*)\}", sort, text)
    return re.sub(r"\{([^{}\n]*,[^{}\n]*)\}", sort, text)


def listed(namespace, stateless):
    """In lines, in an order of ours; None: nft dies of it."""
    said = subprocess.run(["ip", "netns", "exec", namespace, "nft", "-s" if stateless else "-y", "list", "ruleset"],
                          capture_output=True, text=True, errors="replace", check=False)
    if said.returncode:
        return None
    said = re.sub(r" expires [0-9a-z]+", "", said.stdout).replace("ext0", "wan0")
    said = re.sub(r"last used (never|[0-9a-z]+)", "last", said)
    tables = [t for t in re.split(r"^\}\n", sorted_sets(said), flags=re.M) if t]
    lines = []
    for table in sorted(tables):
        name, content = table.split("\n", 1)
        blocks = sorted(block.strip() for block in re.split(r"^\t\}\n", content, flags=re.M))
        lines += [name] + [line for block in blocks for line in block.split("\n")]
    return lines


class Pair:
    def __init__(self, rules, origin, other):
        self.origin, self.other = origin, other
        self.each = subprocess.Popen([rules, "-i", "wan=wan0,ext0", "each", origin, other], text=True,
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def differ(self, stateless):
        mine, other = listed(self.origin, stateless), listed(self.other, stateless)
        if mine is None:
            return "" if other is None else "nft lists the other's alone"
        lines = list(difflib.unified_diff(mine, other or [], lineterm="", n=1))
        return "\n".join([line[:400] for line in lines[:30]])

    def take_over(self, how, stateless=True):
        """None, or what is wrong."""
        self.each.stdin.write(how + "\n")
        self.each.stdin.flush()
        said = self.each.stdout.readline().strip()
        if not said.startswith(("patch", "whole")):
            return said or "it ended"
        differ = self.differ(stateless)
        if differ:  # what ran out meanwhile is gone on both, soon
            time.sleep(1.2)
            differ = self.differ(stateless)
        return differ and f"{said}:\n{differ}"

    def end(self):
        self.each.stdin.close()
        return self.each.wait()


DRIFT = ["flush ruleset", "add table ip a; add chain ip a c1; add rule ip a c1 drop", "delete table inet fence",
         "add table inet b; add set inet b s1 { type mark; }", "add chain inet fence in { policy drop; }",
         "add rule inet fence in ip saddr { 10.0.0.1, 10.0.0.2 } drop"]


def one(seed, options, nft, census):
    rng = random.Random(seed)
    subprocess.run(["ip", "netns", "exec", options.to, "nft", "flush", "ruleset"], check=True)
    writer = Writer(rng, nft, census)
    pair = Pair(options.rules, getattr(options, "from"), options.to)
    writer.make()
    wrong = pair.take_over("whole", stateless=False)
    for step in range(rng.randint(2, 6)):
        if wrong:
            break
        if rng.randrange(8) == 0:
            writer.make()
        elif rng.randrange(8) == 0:
            subprocess.run(["ip", "netns", "exec", options.to, "nft", rng.choice(DRIFT)], stderr=subprocess.DEVNULL, check=False)
            writer.change()
            wrong = pair.take_over("whole")
            continue
        else:
            writer.change()
        wrong = pair.take_over(rng.choice(["patch", "patch", "patch", "whole"]))
    if pair.end() != 0 and not wrong:
        wrong = "it did not end well"
    if wrong:
        print(f"# seed {seed}: {wrong}".replace("\n", "\n#   "))
        for text in writer.log[-40:] if options.v else []:
            print("#   + " + text.replace("\n", "\n#   + "))
    return bool(wrong)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-s", type=float, default=10)
    parser.add_argument("-n", type=int, default=1 << 30)
    parser.add_argument("-f", type=int, default=1)
    parser.add_argument("-v", action="store_true")
    for name in ("rules", "from", "to"):
        parser.add_argument(name)
    options = parser.parse_args()
    nft, census, failed, seed = Nft(), collections.Counter(), 0, options.f
    end = time.monotonic() + options.s
    while seed < options.f + options.n and time.monotonic() < end and failed < FAILURES_MAX:
        failed += one(seed, options, nft, census)
        seed += 1
    taken = sum(n for (_, good), n in census.items() if good)
    print(f"# seeds {options.f} to {seed - 1}: {failed} failed; nft took {taken} of {census.total()} forms, "
          f"{len({form for form, good in census if good})} different ones, and died {nft.died} times")
    if options.v:
        forms = collections.Counter({form: n for (form, good), n in census.items() if not good and not census[form, True]})
        for form, n in forms.most_common():
            print(f"# never taken: {form} ({n})\n#   {nft.refused[form]}")
    sys.exit(1 if failed or seed == options.f else 0)


main()
