"""The examples of ``policies/_examples``: shapes of rules that cities publish and no pack in force has, or has so.

They are loaded here and nowhere else; each is proven by its scenarios as a pack in force is.
"""

from pathlib import Path

import pytest

from common.calendar import WorkingCalendar
from common.policy import Limit, Pack, Situation, load_pack, pack_directories
from common.policy.reading import EXAMPLES
from hotline.mutation import try_pack
from hotline.rehearsal import check_pack

POLICIES = Path(__file__).parents[2] / "policies"
FOLDER = POLICIES / EXAMPLES
SHAPES = pack_directories(FOLDER)


def shape(name: str) -> Pack:
    return load_pack(FOLDER / name)


def test_the_shapes_are_these() -> None:
    assert [directory.name for directory in SHAPES] == [
        "by_notice", "capped", "expiring", "flat", "overlaid", "promised", "recused", "stopped", "unit_head",
    ]  # fmt: skip


@pytest.mark.parametrize("directory", SHAPES, ids=lambda directory: directory.name)
def test_an_example_comes_out_as_its_scenarios_say(directory: Path, calendar: WorkingCalendar) -> None:
    assert [str(finding) for finding in check_pack(directory, calendar)] == []


@pytest.mark.parametrize("directory", SHAPES, ids=lambda directory: directory.name)
def test_no_change_of_an_example_goes_unnoticed(directory: Path) -> None:
    """Of what stands in the examples themselves; what the national base says is proven with the packs in force."""
    trial = try_pack(directory, processes=1)
    own = [one for one in trial.survivors if one.file is not None and FOLDER in one.file.parents]
    assert [str(one) for one in own] == []
    assert trial.noticed


def test_no_example_is_in_force_anywhere() -> None:
    assert FOLDER not in pack_directories(POLICIES)


@pytest.mark.parametrize("directory", SHAPES, ids=lambda directory: directory.name)
def test_an_example_names_a_city_and_the_document_behind_it(directory: Path) -> None:
    pack = load_pack(directory)
    assert pack.documents[pack.main_document].title[0:2] in ("济南", "北京", "上海", "河南", "潍坊", "广州")


def test_one_limit_for_every_type() -> None:
    limits = shape("flat").limits
    found = {limits.find("closing", Situation(type=code, channel="phone")) for code in shape("flat").ticket.types}
    assert len(found) == 1


def test_of_two_laws_the_one_with_priority_counts_where_it_says_something() -> None:
    limits = shape("overlaid").limits

    def days(type_: str, category: str | None) -> int:
        found = limits.find("closing", Situation(type=type_, category=category))
        assert isinstance(found, Limit)
        assert found.allowance is not None
        return found.allowance.amount

    assert days("complaint", None) == 5
    assert days("complaint", "消费维权/退换货") == 7
    assert days("complaint", "消费维权/调解/家电") == 45
    assert days("help", "消费维权/调解/家电") == 7
