"""The units that the documents themselves name; everybody else is entered in the register by its administrators."""

from typing import Annotated, Literal

from pydantic import StringConstraints

from common.policy.ruled import Code, Entry, Ruled, Words

UnitCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*\.[a-z0-9][a-z0-9_-]*$", max_length=100)]


class UnitKind(Entry):
    """A kind of unit (承办单位类别)."""


class Unit(Ruled):
    """A unit of the base register. ``function`` is the hotline's own part it plays, if any (双鸭山 第六条、第七条)."""

    code: UnitCode
    name: Words
    kind: Code
    parent: UnitCode | None = None
    function: Literal["authority", "centre"] | None = None
