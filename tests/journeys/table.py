"""The suite's own table, read from its interfaces, in the shape of the independent one."""

from collections.abc import Iterable
from datetime import datetime

from tests.journeys.reckoning import BEIJING, Row

from hotline.demo.player import Ended


def _at(written: str | None) -> datetime | None:
    return None if written is None else datetime.fromisoformat(written).astimezone(BEIJING)


def told(endings: Iterable[Ended]) -> list[Row]:
    rows = []
    for ended in endings:
        for one in ended.deadlines:
            if one["window"] and one["verdict"] is None:
                continue
            due_at = _at(one["due_at"])
            assert due_at is not None
            outcome = one["verdict"] or {"breached": "late, nothing done"}.get(one["state"], one["state"])
            rows.append(
                Row(
                    story=ended.case.moved.story.story,
                    round=one["round"],
                    kind=one["kind"],
                    unit=(one["unit"] or "").partition(".")[2],
                    due_at=due_at,
                    fact_at=_at(one["fact_at"]),
                    ended=outcome,
                )
            )
    return sorted(rows)
