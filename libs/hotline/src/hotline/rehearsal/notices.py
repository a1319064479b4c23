"""Notices (即时提醒与通报): what brings one about, to whom it goes, its words, and when it may ring."""

from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import AwareDatetime, Field

from common.policy import Situation
from common.policy.notices import Happening
from common.policy.ruled import Code, Part, Words
from dispatch.notices.rules import Happened, drafts
from hotline.rehearsal.stage import Expectation, Stage, compare

_UNITS: Final = {
    "lead": "主办单位",
    "co_handlers": "协办单位",
    "authority": "主管部门",
    "unit": "被督办单位",
    "participants": "参加单位",
}
_NUMBER: Final = "SYS20250312000001"


class Told(Part):
    """What one unit is told, and from when on it may ring; none: at once."""

    text: Words
    from_: AwareDatetime | None = Field(default=None, alias="from")


class NoticesSent(Expectation):
    """An event about a ticket, and the notices it brings about, by unit.

    The lead stands under a county (县政府), the co-handler is a department of the city. ``names_unit``: the event names
    the unit it is about.
    """

    event: Happening
    at: AwareDatetime
    marks: tuple[Code, ...] = ()
    new_marks: tuple[Code, ...] = ()
    form: Code | None = None
    emergency: bool = False
    names_unit: bool = True
    line: Words | None = None
    times: int | None = None
    told: Mapping[Words, Told]

    def differences(self, stage: Stage) -> Iterator[str]:
        notices = stage.pack.notices
        if notices is None:
            yield "the pack knows no notices"
            return
        found = drafts(notices, stage.pack.limits, self._happened(stage))
        told = {draft.unit or "无": draft for draft in found}
        yield from compare(f"told of {self.event}", tuple(self.told), tuple(told))
        for unit, expected in self.told.items():
            if unit in told:
                yield from compare(f"{unit} reads", expected.text, told[unit].text)
                yield from compare(f"{unit} is told from", expected.from_ or self.at, told[unit].not_before)

    def _unit(self) -> str | None:
        if not self.names_unit:
            return None
        return "被通报单位" if self.event == "TicketDeclined" else _UNITS["unit"]

    def _happened(self, stage: Stage) -> Happened:
        return Happened(
            type=self.event,
            at=self.at,
            number=_NUMBER,
            situation=Situation("complaint", "phone", "某类", None, frozenset(self.marks), 1),
            type_label=stage.pack.ticket.types["complaint"].label,
            new_marks=frozenset(self.new_marks),
            lead=_UNITS["lead"],
            co_handlers=(_UNITS["co_handlers"],),
            above=_ABOVE,
            authority=_UNITS["authority"],
            unit=self._unit(),
            participants=(_UNITS["participants"],),
            form=self.form,
            emergency=self.emergency,
            line=self.line,
            times=self.times,
        )


_ABOVE: Final = {
    "主办单位": (("主办单位", "other"), ("县政府", "county_district")),
    "协办单位": (("协办单位", "municipal_department"),),
}
