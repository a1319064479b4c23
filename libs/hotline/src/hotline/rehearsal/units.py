"""Units (承办单位): what a row of the register is held to (双鸭山 第四条、第八条)."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from common.policy.ruled import Code
from dispatch.units.rules import Unit
from hotline.rehearsal.stage import Expectation, Stage, compare


class UnitEntered(Expectation):
    """A unit by the number of handlers it names, and what its keeper is told of."""

    kind: Code = "municipal_department"
    handlers: Annotated[int, Field(ge=0)]
    flagged: bool

    def differences(self, stage: Stage) -> Iterator[str]:
        named = tuple(f"经办人{place}" for place in range(self.handlers))
        unit = Unit(code=f"{stage.pack.jurisdiction}.unit", name="某单位", kind=self.kind, handlers=named)
        flagged = "too_few_handlers" in unit.flags(stage.pack.unit_register)
        yield from compare(f"a unit with {self.handlers} handlers is flagged", self.flagged, flagged)
