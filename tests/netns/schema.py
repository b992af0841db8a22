#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# schema.py SCHEMA: reads lines `ANSWER<tab>JSON` and says what of them is not as SCHEMA's
# $defs/answers/ANSWER has it; a member that is not in the schema is wrong, too. Last come the
# answers of which there was no line. Exits 0 when all is well.
import json
import sys

import jsonschema


def close(schema):
    """What the schema leaves open for later releases is closed for this one."""
    if isinstance(schema, list):
        for inner in schema:
            close(inner)
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict) and "type" in schema:
            schema.setdefault("additionalProperties", False)
        for inner in schema.values():
            close(inner)


def causes(error):
    """The innermost, of those that went farthest."""
    for inner in error.context:
        yield from causes(inner)
    if not error.context:
        yield f"{'/'.join(map(str, error.absolute_path))}: {error.message}"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    close(schema)
    missing, wrong = set(schema["$defs"]["answers"]), False
    for line in sys.stdin:
        name, text = line.rstrip("\n").split("\t", 1)
        of_it = {"$ref": f"#/$defs/answers/{name}".replace(" ", "%20"), "$defs": schema["$defs"]}
        missing.discard(name)
        try:
            errors = list(jsonschema.Draft202012Validator(of_it).iter_errors(json.loads(text)))
        except json.JSONDecodeError:
            print(f"{name}: not JSON: {text[:60]}")
            wrong = True
            continue
        for error in errors:
            for cause in causes(error):
                print(f"{name}: {cause[:300]}")
            wrong = True
    for name in sorted(missing):
        print(f"{name}: there was none")
    sys.exit(1 if wrong or missing else 0)


main()
