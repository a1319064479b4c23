"""``make rules``: every rule of docs/rules.md, what proves it, and pass, fail, part or not yet, from really running it.

``part``: what is named passes and the page says what is still open. ``of people``: the suite records and decides
nothing. A reference to what is not there, and a test that did not run, is a fail. Exit code 1 when any rule fails.
"""

import argparse
import sys
from collections import Counter
from typing import get_args

from tests.rules.page import PAGE, limited_to, rules
from tests.rules.proving import State, Verdict, prove


def main() -> int:
    parser = argparse.ArgumentParser(prog="make rules", description=__doc__)
    parser.add_argument("--only", default="", help="only rules whose id begins so, such as SYS or SYS-2")
    found = limited_to(rules(PAGE.read_text(encoding="utf-8")), parser.parse_args().only)
    if not found:
        parser.error("docs/rules.md has no such rule")
    verdicts = prove(found)
    for verdict in verdicts:
        sys.stdout.write(_lines(verdict))
    counted = Counter(verdict.state for verdict in verdicts)
    sys.stdout.write("\n" + "  ".join(f"{state}: {counted[state]}" for state in get_args(State)) + "\n")
    return 1 if counted["fail"] else 0


def _lines(verdict: Verdict) -> str:
    rule = verdict.rule
    lines = [f"{rule.id:<9} {verdict.state:<9} {rule.short}", *(f"{'':<20}{proof.node}" for proof in rule.proofs)]
    return "\n".join([*lines, *(f"{'':<18}! {said}" for said in verdict.why)]) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
