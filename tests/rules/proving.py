"""Running what is said to prove the rules: all tests in one run of pytest, scenarios through the rehearsal."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from tests.rules.page import ROOT, Proof, Rule

from common.calendar import load_calendar
from common.policy import PackInvalid, load_pack
from common.policy.check import CALENDAR
from hotline.rehearsal.check import read_scenarios, rehearse_one

State = Literal["pass", "part", "fail", "not yet", "of people"]
"""``part``: everything named passes, and the page says what is still open."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a rule, and why where it is not simply proven."""

    rule: Rule
    state: State
    why: tuple[str, ...]


@dataclass(slots=True, eq=False)  # a plugin is told apart by itself
class Results:
    """What pytest reported: for each file and function, how many passed, and what did not."""

    passed: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    failed: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        path, _, rest = report.nodeid.partition("::")
        place = (path, rest.partition("[")[0])
        if report.failed or report.skipped:
            self.failed[place].append(f"{report.nodeid} {report.outcome} at {report.when}")
        elif report.when == "call":
            self.passed[place] += 1

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed[(report.nodeid.partition("::")[0], "")].append(f"{report.nodeid} can not be collected")

    def of(self, proof: Proof) -> tuple[str, ...]:
        """What stands against the proof; nothing: at least one test ran, and all of it passed."""
        path = proof.file.relative_to(ROOT).as_posix()

        def belongs(place: tuple[str, str]) -> bool:
            return place[0] == path and (proof.test is None or place[1] in (proof.test, ""))

        wrong = tuple(said for place, told in self.failed.items() if belongs(place) for said in told)
        if wrong:
            return wrong
        return () if any(map(belongs, self.passed)) else (f"{proof.node}: no test ran",)


def prove(rules: Iterable[Rule]) -> list[Verdict]:
    """Run everything that the rules name, once, and say what came of each rule."""
    rules = list(rules)
    named = {proof for rule in rules for proof in rule.proofs}
    there = {proof for proof in named if proof.missing() is None}
    told: dict[Proof, tuple[str, ...]] = {proof: (proof.missing() or "",) for proof in named - there}
    scenarios = {proof for proof in there if proof.is_scenario}
    for directory in {proof.file.parent for proof in scenarios}:
        rehearsed = _rehearsed(directory)
        told.update({proof: rehearsed(proof.file) for proof in scenarios if proof.file.parent == directory})
    results = _run(there - scenarios)
    told.update({proof: results.of(proof) for proof in there - scenarios})
    return [verdict(rule, told) for rule in rules]


def verdict(rule: Rule, told: Mapping[Proof, tuple[str, ...]]) -> Verdict:
    """What came of one rule, from what stands against each proof."""
    wrong = tuple(said for proof in rule.proofs for said in told[proof])
    if wrong:
        return Verdict(rule, "fail", wrong)
    if not rule.proofs:
        return Verdict(rule, "of people" if rule.of_people else "not yet", ())
    return Verdict(rule, "part", (f"still open: {rule.open}",)) if rule.open else Verdict(rule, "pass", ())


def _run(proofs: Collection[Proof]) -> Results:
    results = Results()
    whole = {proof.file for proof in proofs if proof.test is None}
    nodes = sorted({proof.node for proof in proofs if proof.test is None or proof.file not in whole})
    if nodes:
        arguments = ["-q", "--no-header", "--tb=short", "-o", "addopts=--import-mode=importlib", *nodes]
        pytest.main(arguments, plugins=[results])
    return results


def _rehearsed(directory: Path) -> Callable[[Path], tuple[str, ...]]:
    """What stands against a scenario file of the directory."""
    scenarios, findings = read_scenarios(directory)
    try:
        pack = load_pack(directory.parent)
    except PackInvalid as invalid:
        broken = tuple(str(finding) for finding in invalid.findings)
        return lambda file: broken
    calendar = load_calendar(directory.parents[1] / CALENDAR)

    def against(file: Path) -> tuple[str, ...]:
        own = [one for one in scenarios if one.file == file]
        wrong = [finding for finding in findings if finding.file == file]
        if not own and not wrong:
            return (f"{file.name} holds no scenario",)
        wrong += [finding for one in own for finding in rehearse_one(one, pack, calendar)]
        return tuple(str(finding) for finding in wrong)

    return against
