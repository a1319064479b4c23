"""The pack of 双鸭山 as it stands, and copies of its files that a test may spoil."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from common.calendar import WorkingCalendar, load_calendar
from common.policy import Finding, Pack, PackInvalid, load_pack

POLICIES = Path(__file__).parents[2] / "policies"


@dataclass(frozen=True, slots=True)
class Draft:
    """A pack somebody is working on."""

    directory: Path

    def rewrite(self, file: str, old: str, new: str) -> int:
        """Replace words that stand there exactly once; the line (from 1) on which they stood."""
        path = self.directory / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        path.write_text(text.replace(old, new), encoding="utf-8")
        return text[: text.index(old)].count("\n") + 1

    def add(self, file: str, text: str) -> None:
        (self.directory / file).write_text(text, encoding="utf-8")

    def findings(self) -> tuple[Finding, ...]:
        """What keeps the draft from being a pack."""
        with pytest.raises(PackInvalid) as refused:
            load_pack(self.directory)
        return refused.value.findings


@pytest.fixture(scope="session")
def pack() -> Pack:
    return load_pack(POLICIES / "shuangyashan")


@pytest.fixture(scope="session")
def calendar() -> WorkingCalendar:
    return load_calendar(POLICIES / "calendar")


@pytest.fixture
def draft(tmp_path: Path) -> Draft:
    directory = tmp_path / "shuangyashan"
    shutil.copytree(POLICIES / "shuangyashan", directory)
    return Draft(directory)
