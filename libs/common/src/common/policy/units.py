"""The units that the documents themselves name; everybody else is entered in the register by its administrators."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from common.policy.ruled import Code, Entry, Part, Ruled, Words

UnitCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*\.[a-z0-9][a-z0-9_-]*$", max_length=100)]


class UnitKind(Entry):
    """A kind of unit (承办单位类别)."""


class NamedHandlers(Ruled):
    """How many handlers a unit names at least (双鸭山 第八条（二）)."""

    at_least: Annotated[int, Field(ge=1)]


class UnitRegister(Part):
    """What a row of the register is held to, beside being well-formed."""

    named_handlers: NamedHandlers

    def too_few_handlers(self, named: int) -> bool:
        return named < self.named_handlers.at_least


class Unit(Ruled):
    """A unit of the base register. ``function`` is the hotline's own part it plays, if any (双鸭山 第六条、第七条)."""

    code: UnitCode
    name: Words
    kind: Code
    parent: UnitCode | None = None
    function: Literal["authority", "centre"] | None = None
