"""``docs/rules.md`` as data: each rule with what is said to prove it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "rules.md"
NOT_YET = "not yet"
OF_PEOPLE = "a duty of people"


@dataclass(frozen=True, slots=True)
class Proof:
    """A test file, one test of it, or a scenario file."""

    file: Path
    test: str | None

    @property
    def node(self) -> str:
        path = self.file.relative_to(ROOT).as_posix()
        return f"{path}::{self.test}" if self.test else path

    @property
    def is_scenario(self) -> bool:
        return self.file.suffix == ".yaml"

    def missing(self) -> str | None:
        """What of it is not there."""
        if not self.file.is_file():
            return f"{self.node}: there is no such file"
        if self.test and not re.search(rf"^(async )?def {self.test}\(", self.file.read_text(encoding="utf-8"), re.M):
            return f"{self.node}: there is no such test"
        return None


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the page. ``open``: what of the rule nothing proves yet, in words; the whole of it: ``not yet``."""

    id: str
    short: str
    proofs: tuple[Proof, ...]
    open: str | None
    of_people: bool


def rules(page: str) -> tuple[Rule, ...]:
    """The rows of the page, in order."""
    rows = (line.strip("|").split("|") for line in page.splitlines() if re.match(r"\| [A-Z]{1,4}-\S", line))
    return tuple(_rule([cell.strip() for cell in row]) for row in rows)


def _rule(cells: list[str]) -> Rule:
    said = cells[-1]
    proofs = tuple(_proof(named) for named in re.findall(r"`([^`]+)`", said))
    before, _, after = said.partition(f"{NOT_YET}:")
    whole = said == NOT_YET
    return Rule(
        id=cells[0].split()[0],
        short=cells[-2],
        proofs=proofs,
        open=NOT_YET if whole else after.strip() or None,
        of_people=OF_PEOPLE in before,
    )


def _proof(named: str) -> Proof:
    name, _, test = named.partition("::")
    return Proof(ROOT / name if "/" in name else ROOT / "tests" / "policy" / name, test or None)


def limited_to(found: Iterable[Rule], prefix: str) -> tuple[Rule, ...]:
    return tuple(rule for rule in found if rule.id.startswith(prefix))
