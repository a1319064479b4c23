"""``hotline policy``: what the commands print and how they end."""

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
    assert RUN.invoke(app, ["policy", "check", "--packs", str(packs)]).stdout == "no findings\n"
    limits = packs / "shuangyashan" / "limits.yaml"
    limits.write_text(limits.read_text(encoding="utf-8").replace("{amount: 15,", "{amount: 14,"), encoding="utf-8")
    told = RUN.invoke(app, ["policy", "check", "shuangyashan", "--packs", str(packs)])
    assert told.exit_code == 1
    assert "办结.yaml" in told.stdout
    assert "closing due: expected" in told.stdout


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
