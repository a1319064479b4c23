"""Every value of a pack is proven by a scenario: whoever changes one is told."""

import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest

from common.policy import PackInvalid, pack_directories
from common.policy.reading import read_files
from hotline.mutation import Mutant, mutants_of, try_pack

POLICIES = Path(__file__).parents[2] / "policies"
SHUANGYASHAN = POLICIES / "shuangyashan"


@pytest.fixture(scope="module")
def content() -> dict[str, Any]:
    return read_files(sorted(SHUANGYASHAN.glob("*.yaml")), SHUANGYASHAN).content


@pytest.fixture
def without_returns(tmp_path: Path) -> Path:
    """The pack and its calendars, but nobody who says what becomes of a return."""
    shutil.copytree(POLICIES / "calendar", tmp_path / "calendar")
    directory = tmp_path / "shuangyashan"
    shutil.copytree(SHUANGYASHAN, directory)
    (directory / "scenarios" / "退单.yaml").unlink()
    return directory


SAMPLE = 100


@pytest.mark.slow
@pytest.mark.parametrize("directory", pack_directories(POLICIES), ids=lambda directory: directory.name)
def test_no_change_of_a_pack_goes_unnoticed(directory: Path) -> None:
    """Of so many of each pack, others whenever it says something else; ``make rules-mutate`` tries every one."""
    trial = try_pack(directory, sample=SAMPLE, processes=1)
    assert [str(survivor) for survivor in trial.survivors] == []
    assert trial.refused + trial.noticed + len(trial.compared) == SAMPLE
    assert trial.noticed


def test_a_sample_is_the_same_as_long_as_the_pack_is() -> None:
    first, again = (try_pack(SHUANGYASHAN, only="limits", sample=20, processes=1) for _ in range(2))
    assert first == again
    assert first.refused + first.noticed + len(first.compared) == 20


def test_what_is_left_out_is_left_out_in_another_process_too() -> None:
    content = {"units": [{"code": "x", "name": "某单位", "kind": "other", "parent": "x.y", "rule": "SYS-6"}]}
    leaving = [mutant for mutant in mutants_of(content) if str(mutant).endswith("left out")]
    for mutant in leaving:
        assert pickle.loads(pickle.dumps(mutant)).applied(content) == mutant.applied(content)  # noqa: S301 its own


def test_other_sections_titles_are_noticed_where_sources_quote_them() -> None:
    """A scenario that does not ask for what changed is not asked; the title of a document stands in every source."""
    titles = try_pack(SHUANGYASHAN, only="documents", processes=1)
    assert titles.survivors == ()
    assert titles.noticed + len(titles.compared) + titles.refused > 0


def test_a_value_that_no_scenario_proves_is_named_with_its_line(without_returns: Path) -> None:
    trial = try_pack(without_returns, only="returns.pending_blocks", processes=1)
    (survivor, *_) = trial.survivors
    assert survivor.mutant == Mutant(("returns", "pending_blocks", "value", 0), "", "sign_in")
    assert survivor.file == without_returns / "returns.yaml"
    assert survivor.line is not None


def test_what_only_a_comparison_notices_is_told_apart() -> None:
    compared = try_pack(SHUANGYASHAN, only="callbacks.questions.responded.ask", processes=1)
    assert (compared.noticed, [one.mutant.says for one in compared.compared], compared.survivors) == (
        0,
        ["承办单位是否就您反映的问题与您联系或者作出回应？（改）"],
        (),
    )
    decided = try_pack(SHUANGYASHAN, only="restrictions.longest.days", processes=1)
    assert (decided.noticed, decided.compared, decided.survivors) == (2, (), ())


def test_a_pack_that_fails_its_own_scenarios_is_not_tried(without_returns: Path) -> None:
    limits = without_returns / "limits.yaml"
    limits.write_text(limits.read_text(encoding="utf-8").replace("{amount: 15,", "{amount: 14,"), encoding="utf-8")
    with pytest.raises(PackInvalid, match="closing due: expected"):
        try_pack(without_returns, only="returns", processes=1)


SAMPLES: list[tuple[str, tuple[Any, ...], Any]] = [
    ("a number, one more", ("limits", "kinds", "sign_in", "warn_before", "amount"), 9),
    ("a number, one less", ("limits", "kinds", "sign_in", "warn_before", "amount"), 7),
    ("another unit of time", ("limits", "kinds", "sign_in", "warn_before", "unit"), "minutes"),
    ("no for yes", ("returns", "redo_round_may_be_returned", "value"), False),
    ("another choice", ("returns", "before_sign_in", "value"), "refused"),
    ("a choice more", ("returns", "pending_blocks", "value", 0), "sign_in"),
    ("another clause", ("returns", "late", "source", "article"), "第十八条（改）"),
    ("another label", ("ticket", "types", "help", "label"), "求助（改）"),
    ("other words to the caller", ("acceptance", "right_body", "tell"), "您可以向{body}反映。（改）"),
    ("another type in a condition", ("limits", "kinds", "closing", "rules", 0, "when", "type", "eq"), "help"),
    ("another hour", ("notices", "quiet_hours", "from"), "21:00"),
    ("another width of the number", ("ticket", "numbering", "format"), "SYS{date:%Y%m%d}{seq:05d}"),
]


@pytest.mark.parametrize(("place", "says"), [(place, says) for _, place, says in SAMPLES], ids=[s[0] for s in SAMPLES])
def test_what_is_changed(content: dict[str, Any], place: tuple[Any, ...], says: Any) -> None:
    assert any(one.place == place and one.says == says for one in mutants_of(content))


def test_entries_and_optional_parts_are_left_out(content: dict[str, Any]) -> None:
    left_out = {one.place for one in mutants_of(content) if str(one).endswith("left out")}
    assert {
        ("ticket", "types", "praise"),
        ("returns", "denied_when_missing", "value", 1),
        ("unit_register",),
        ("callbacks", "questions", "satisfaction"),
    } <= left_out


def test_what_explains_and_decides_nothing_is_not_changed(content: dict[str, Any]) -> None:
    assert not [one for one in mutants_of(content) if {"quote", "assumption", "rule"} & set(map(str, one.place))]


def test_what_is_changed_is_changed_alone(content: dict[str, Any]) -> None:
    before = str(content)
    for one in mutants_of(content):
        assert one.applied(content) != content, one
    assert str(content) == before
