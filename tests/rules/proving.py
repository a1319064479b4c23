"""Running what is said to prove the rules: all tests in one run of pytest, scenarios through the rehearsal."""

import json
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from tests.rules.page import ROOT, Proof, Rule

from common.calendar import load_calendar
from common.policy import PackInvalid, load_pack, pack_directories
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


@dataclass(frozen=True, slots=True)
class Results:
    """What pytest wrote down: by ``file::function`` how many tests passed, and what of them, or of a file, did not."""

    passed: Mapping[str, int] = field(default_factory=dict)
    wrong: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def of(self, proof: Proof) -> tuple[str, ...]:
        """What stands against the proof; nothing: at least one test ran, and all of it passed."""
        path = proof.file.relative_to(ROOT).as_posix()

        def belongs(place: str) -> bool:
            return place in (path, proof.node) or (proof.test is None and place.startswith(f"{path}::"))

        wrong = tuple(said for place, told in self.wrong.items() if belongs(place) for said in told)
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
    """One run of pytest over all of them, in a process of its own; its progress is seen as it goes."""
    whole = {proof.file for proof in proofs if proof.test is None}
    nodes = sorted({proof.node for proof in proofs if proof.test is None or proof.file not in whole})
    if not nodes:
        return Results()
    with TemporaryDirectory() as directory:
        record = Path(directory) / "record.json"
        plain = ["-q", "--no-header", "--tb=short", "-o", "addopts=--import-mode=importlib"]
        command = [sys.executable, "-m", "pytest", *plain, "-p", "tests.rules.recording", f"--record={record}", *nodes]
        subprocess.run(command, cwd=ROOT, check=False)
        return Results(**json.loads(record.read_text(encoding="utf-8"))) if record.exists() else Results()


def _rehearsed(directory: Path) -> Callable[[Path], tuple[str, ...]]:
    """What stands against a scenario file of the directory; one of a base is rehearsed with every pack it holds for."""
    policies = directory.parents[1]
    based = directory.parent.name.startswith("_")
    against = [_rehearsed_with(pack) for pack in (pack_directories(policies) if based else (directory.parent,))]

    def told(file: Path) -> tuple[str, ...]:
        found = [said for one in against if (said := one(file)) is not None]
        wrong = dict.fromkeys(line for said in found for line in said)
        return tuple(wrong) if found else (f"{file.name} holds no scenario",)

    return told


def _rehearsed_with(directory: Path) -> Callable[[Path], tuple[str, ...] | None]:
    """What stands against a scenario file with this pack; None: it holds none for it."""
    scenarios, findings = read_scenarios(directory / "scenarios")
    try:
        pack = load_pack(directory)
    except PackInvalid as invalid:
        broken = tuple(str(finding) for finding in invalid.findings)
        return lambda file: broken
    calendar = load_calendar(directory.parent / CALENDAR)

    def against(file: Path) -> tuple[str, ...] | None:
        own = [one for one in scenarios if one.file == file]
        wrong = [finding for finding in findings if finding.file == file]
        if not own and not wrong:
            return None
        wrong += [finding for one in own for finding in rehearse_one(one, pack, calendar)]
        return tuple(str(finding) for finding in wrong)

    return against
