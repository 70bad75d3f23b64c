"""Runs the matrix whole and prints every pair on which tool and IBM's library differ; run it with judge.sh.

With `--write FILE` the table of the Markdown file, between its two markers, is made anew.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.judge.cases import STORES
from tests.judge.scene import Judged, every_pair, judged, summary, version

from dsmbench.runtime import scratch

BEGIN, END = "<!-- judged -->\n", "<!-- end of judged -->\n"


def table(found: Sequence[Judged]) -> str:
    """The verdicts in Markdown: a row for each kind of store."""
    lines = [
        f"GSKit {version()}, {len(found)} pairs: {words(found)}.",
        "",
        "| store | servers that IBM's TLS trusts with it | pairs alike | more careful | wrong |",
        "| --- | --- | --- | --- | --- |",
    ]
    for store in STORES:
        row = [one for one in found if one.store == store]
        trusted = ", ".join(one.server for one in row if one.gskit.trusted) or "none"
        counted = summary(row)
        numbers = " | ".join(str(counted[kind]) for kind in ("alike", "careful", "wrong"))
        lines.append(f"| {store} | {trusted} | {numbers} |")
    return "\n".join(lines) + "\n"


def words(found: Sequence[Judged]) -> str:
    """The sums in words."""
    counted = summary(found)
    return ", ".join(f"{counted[kind]} {kind}" for kind in ("alike", "careful", "wrong"))


def main() -> int:
    """Ends with 1 when the tool calls fine what IBM's library refuses."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, metavar="FILE")
    parser.add_argument("--store", action="append", help="this kind of store only; may be repeated")
    given = parser.parse_args()
    pairs = [pair for pair in every_pair() if not given.store or pair[0] in given.store]
    found = []
    with scratch() as directory:
        for one in judged(directory, pairs):
            found.append(one)
            if one.wrong or one.careful:
                kind = "WRONG" if one.wrong else "careful"
                print(
                    f"{kind}: {one.store} | {one.server} | {one.gskit.name} | detect: {one.says}", flush=True
                )
    print(words(found))
    if given.write:
        before, rest = given.write.read_text(encoding="utf-8").split(BEGIN)
        after = rest.split(END)[1]
        given.write.write_text(f"{before}{BEGIN}{table(found)}{END}{after}", encoding="utf-8")
    return 1 if any(one.wrong for one in found) else 0


if __name__ == "__main__":
    sys.exit(main())
