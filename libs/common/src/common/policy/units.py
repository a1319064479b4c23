"""The units that the documents themselves name; everybody else is entered in the register by its administrators."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from common.policy.ruled import Code, Entry, Part, Ruled, Words

UnitCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*\.[a-z0-9][a-z0-9_-]*$", max_length=100)]


UnitFunction = Literal["authority", "centre", "judicial_administration", "staffing", "business_environment"]
"""What a unit is to the hotline: 主管部门, 管理部门, 司法行政, 编制, 营商环境."""


class UnitKind(Entry):
    """A kind of unit (承办单位类别)."""


class NamedHandlers(Ruled):
    """How many handlers a unit names at least (双鸭山 第八条（二）)."""

    at_least: Annotated[int, Field(ge=1)]


class OnDuty(Ruled):
    """Kinds of unit that keep somebody on duty and must be reachable at any hour (双鸭山 第十七条).

    ``functions``: what a unit is to the hotline where it must be reachable in the same way, for it is told by notice.
    """

    kinds: Annotated[tuple[Code, ...], Field(min_length=1)]
    functions: tuple[UnitFunction, ...] = ()

    def covers(self, kind: str, function: str | None) -> bool:
        return kind in self.kinds or function in self.functions


Flag = Literal["too_few_handlers", "no_leader", "no_office", "no_duty_contact"]


class UnitRegister(Part):
    """What a row of the register is held to, beside being well-formed. A part that is left out asks nothing."""

    named_handlers: NamedHandlers
    leader: Ruled | None = None
    office: Ruled | None = None
    on_duty: OnDuty | None = None

    def too_few_handlers(self, named: int) -> bool:
        return named < self.named_handlers.at_least

    def flags(
        self, *, kind: str, handlers: int, leader: bool, office: bool, duty_contact: bool, function: str | None = None
    ) -> tuple[Flag, ...]:
        """What the register's keeper should see to, of a unit of that kind and function with these things named."""
        wanting: dict[Flag, bool] = {
            "too_few_handlers": self.too_few_handlers(handlers),
            "no_leader": self.leader is not None and not leader,
            "no_office": self.office is not None and not office,
            "no_duty_contact": self.on_duty is not None and self.on_duty.covers(kind, function) and not duty_contact,
        }
        return tuple(flag for flag, wants in wanting.items() if wants)


class Unit(Ruled):
    """A unit of the base register. ``function``: what it is to the hotline (双鸭山 第六条、第七条、第十五条)."""

    code: UnitCode
    name: Words
    kind: Code
    parent: UnitCode | None = None
    function: UnitFunction | None = None
