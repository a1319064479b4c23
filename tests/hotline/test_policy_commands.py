"""``hotline policy``: what the commands print and how they end."""

import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hotline.cli import app

POLICIES = Path(__file__).parents[2] / "policies"
RUN = CliRunner()


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    shutil.copytree(POLICIES / "calendar", tmp_path / "calendar")
    shutil.copytree(POLICIES / "shuangyashan", tmp_path / "shuangyashan")
    return tmp_path


def test_what_a_pack_decides_otherwise_than_its_scenarios_is_printed(packs: Path) -> None:
    holds = RUN.invoke(app, ["policy", "check", "--packs", str(packs)])
    assert holds.exit_code == 0
    assert re.fullmatch(r"shuangyashan: \d+ scenarios, no findings\n", holds.stdout)
    limits = packs / "shuangyashan" / "limits.yaml"
    limits.write_text(limits.read_text(encoding="utf-8").replace("{amount: 15,", "{amount: 14,"), encoding="utf-8")
    told = RUN.invoke(app, ["policy", "check", "shuangyashan", "--packs", str(packs)])
    assert told.exit_code == 1
    assert "办结.yaml" in told.stdout
    assert "closing due: expected" in told.stdout
    assert re.fullmatch(r"shuangyashan: \d+ scenarios, \d+ findings", told.stdout.splitlines()[-1])


def test_a_calendar_that_can_not_be_used_is_printed_with_file_and_line(packs: Path) -> None:
    """A Sunday that is a day off and a make-up day; the pack itself is checked all the same, without its scenarios."""
    year = packs / "calendar" / "2025.yaml"
    text = year.read_text(encoding="utf-8")
    year.write_text(text.replace("makeup_days: [", "makeup_days: [2025-10-05, "), encoding="utf-8")
    line = text[: text.index("makeup_days")].count("\n") + 1
    limits = packs / "shuangyashan" / "limits.yaml"
    limits.write_text(limits.read_text(encoding="utf-8").replace("law_overrides", "law_overides"), encoding="utf-8")
    told = RUN.invoke(app, ["policy", "check", "--packs", str(packs)])
    assert told.exit_code == 1
    first, *others = told.stdout.splitlines()
    assert first.startswith(f"{year}:{line}: ")
    assert "2025-10-05" in first
    assert any("unknown key 'law_overides'" in other for other in others)


def test_the_examples_are_checked_when_they_are_named() -> None:
    told = RUN.invoke(app, ["policy", "check", "_examples", "--packs", str(POLICIES)])
    assert told.exit_code == 0, told.stdout
    assert [line.split(":")[0] for line in told.stdout.splitlines()][:3] == ["by_notice", "capped", "expiring"]
    one = RUN.invoke(app, ["policy", "check", "_examples/flat", "--packs", str(POLICIES)])
    assert one.stdout.startswith("flat: ")


def test_a_base_is_no_pack_that_could_be_checked_by_itself() -> None:
    told = RUN.invoke(app, ["policy", "check", "_national", "--packs", str(POLICIES)])
    assert told.exit_code == 2
    assert "a base is checked with the packs that extend it" in " ".join(told.stderr.split())


def test_a_value_that_nothing_proves_is_printed_and_ends_in_failure(packs: Path) -> None:
    only = ["--only", "returns.pending_blocks", "--processes", "1", "--packs", str(packs)]
    proven = RUN.invoke(app, ["policy", "mutate", *only])
    assert (proven.exit_code, proven.stdout.splitlines()[-1]) == (
        0,
        "shuangyashan: 0 changes refused at load, 2 noticed by situations, 0 only by comparison, 0 survived",
    )
    (packs / "shuangyashan" / "scenarios" / "退单.yaml").unlink()
    open_ = RUN.invoke(app, ["policy", "mutate", "shuangyashan", *only])
    assert open_.exit_code == 1
    assert "returns.yaml" in open_.stdout
    assert "returns.pending_blocks.value.0:" in open_.stdout


@pytest.mark.parametrize("command", ["check", "mutate"])
def test_a_pack_that_is_not_there_is_one_sentence(command: str) -> None:
    told = RUN.invoke(app, ["policy", command, "nowhere", "--packs", str(POLICIES)])
    assert told.exit_code == 2
    assert "nowhere" in told.stderr
