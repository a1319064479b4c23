"""Which part of a ticket passes from a unit that ended to its heir."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parts:
    """Who does what on a ticket: the lead, its co-handlers, those of them that have signed, and sub-units by holder."""

    lead: str | None
    co_handlers: tuple[str, ...]
    signed: tuple[str, ...]
    sub_units: Mapping[str, str]


def passed(parts: Parts, unit: str, heir: str) -> Parts:
    """The parts with the heir in the place of the unit: nobody stands twice, the lead's part goes before the others."""
    lead = heir if parts.lead == unit else parts.lead
    co_handlers = _renamed(parts.co_handlers, unit, heir)
    holders = {lead, *co_handlers}
    return Parts(
        lead=lead,
        co_handlers=tuple(code for code in co_handlers if code != lead),
        signed=tuple(code for code in _renamed(parts.signed, unit, heir) if code != lead),
        sub_units={
            below: heir if holder == unit else holder
            for below, holder in ((heir if one == unit else one, holder) for one, holder in parts.sub_units.items())
            if below not in holders
        },
    )


def _renamed(codes: tuple[str, ...], unit: str, heir: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(heir if code == unit else code for code in codes))
