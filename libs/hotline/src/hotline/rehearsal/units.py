"""Units (承办单位): what a row of the register is held to (双鸭山 第四条、第八条、第十七条)."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from common.policy.ruled import Code
from dispatch.units.rules import Officer, Unit
from hotline.rehearsal.stage import Expectation, Stage, compare


class UnitEntered(Expectation):
    """A unit by what it names in the register, and what its keeper is told of. ``officers``: handlers by account."""

    kind: Code = "municipal_department"
    function: Code | None = None
    handlers: Annotated[int, Field(ge=0)] = 2
    officers: Annotated[int, Field(ge=0)] = 0
    leader: bool = True
    office: bool = True
    duty_contact: bool = True
    flags: tuple[Code, ...]

    def differences(self, stage: Stage) -> Iterator[str]:
        code = f"{stage.pack.jurisdiction}.unit"
        unit = Unit(
            code=code,
            name="某单位",
            kind=self.kind,
            leader="分管领导" if self.leader else None,
            handlers=tuple(f"经办人{place}" for place in range(self.handlers)),
            office="承办科" if self.office else None,
            duty_contact="0469-1234567" if self.duty_contact else None,
            function=self.function,
        )
        officers = [Officer(code, f"account{place}", ("handler",)) for place in range(self.officers)]
        flags = unit.flags(stage.pack.unit_register, officers)
        yield from compare(f"a {self.kind} with {self.handlers} handlers is flagged", self.flags, flags)
