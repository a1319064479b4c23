"""To whom a unit may pass a ticket on."""

from collections.abc import Sequence
from datetime import date

from dispatch.units.rules import Unit, UnitRefused


def check_subordinate(holder: str, unit: Unit | None, named: str, above: Sequence[Unit], on: date) -> None:
    """Whether the holder may pass the ticket to the unit ``named``: one that stands below it in the register (双鸭山
    第九条). ``above``: the units above that unit. Raises ``UnitRefused``.
    """
    if unit is None or holder not in {one.code for one in above}:
        raise UnitRefused("to_unit", "not_below", f"单位库中，{named} 不列于 {holder} 之下。")
    if unit.ended(on):
        heir = f"，由 {unit.successor} 承接" if unit.successor else ""
        raise UnitRefused("to_unit", "unit_ended", f"{named} 已于 {unit.ended_on} 终止{heir}。")
