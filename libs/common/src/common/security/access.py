"""THE table of roles and relations. What is not in it is refused.

A relation is checked against the object's jurisdiction and the units that hold it, which the command has loaded: the
table itself asks nobody. Foreign objects answer exactly as absent ones.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, get_args

from common.basis import Basis
from common.security.refusals import Forbidden, NotVisible, OwnUnit

Role = Literal["agent", "dispatcher", "unit", "reviewer", "supervisor", "viewer", "admin", "softphone"]
ROLES: Final[frozenset[str]] = frozenset(get_args(Role))


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: the account (a token's subject, never a citizen), the role, and how far the role reaches.

    ``jurisdiction`` None means every jurisdiction.
    """

    account: str
    role: Role
    unit: str | None = None
    jurisdiction: str | None = None


def jurisdiction_of(unit: str) -> str | None:
    """The jurisdiction that a unit's code begins with (``shuangyashan.chengguan``); None: the code names none."""
    jurisdiction, dot, name = unit.partition(".")
    return jurisdiction if jurisdiction and dot and name else None


class Relation(StrEnum):
    """What must hold between the principal and the object."""

    ANY = "any"
    """No object, or one that belongs to no jurisdiction."""
    JURISDICTION = "jurisdiction"
    """The object lies in the token's jurisdiction."""
    HOLDS = "holds"
    """The token's unit holds the ticket, now or as the story tells; the command says who holds it."""
    OWN_UNIT = "own_unit"
    """The unit named in the path, or that the object is addressed to, is the token's unit."""
    NOT_OWN_UNIT = "not_own_unit"
    """In the jurisdiction, and not filed by the token's unit."""


_ANY, _AREA, _HOLDS = Relation.ANY, Relation.JURISDICTION, Relation.HOLDS
_CENTRE: Final[dict[Role, Relation]] = {
    "agent": _AREA,
    "dispatcher": _AREA,
    "reviewer": _AREA,
    "supervisor": _AREA,
    "viewer": _AREA,
    "admin": _AREA,
}
_READERS: Final[dict[Role, Relation]] = {**_CENTRE, "unit": _HOLDS, "softphone": _AREA}
_UNIT: Final[dict[Role, Relation]] = {"unit": _HOLDS, "admin": _AREA}
_ADMIN: Final[dict[Role, Relation]] = {"admin": _AREA}
_AUTHORITY: Final[dict[Role, Relation]] = {"reviewer": _AREA, "supervisor": _AREA, "admin": _AREA}
_UNBIASED: Final[dict[Role, Relation]] = dict.fromkeys(_AUTHORITY, Relation.NOT_OWN_UNIT)

TABLE: Final[Mapping[str, Mapping[Role, Relation]]] = {
    "ticket.register": {"softphone": _AREA, "agent": _AREA, "admin": _AREA},
    "ticket.list": _READERS,
    "ticket.read": _READERS,
    "ticket.timeline": _READERS,
    "ticket.callback": {"agent": _AREA, "softphone": _AREA, "admin": _AREA},
    "ticket.amend": {"agent": _AREA, "dispatcher": _AREA, "admin": _AREA},
    "ticket.supplement": {"softphone": _AREA, "agent": _AREA, "admin": _AREA},
    "ticket.urge": {"softphone": _AREA, "agent": _AREA, "admin": _AREA},
    "ticket.withdraw": {"softphone": _AREA, "agent": _AREA, "admin": _AREA},
    "restriction.read": {"agent": _AREA, "supervisor": _AREA, "admin": _AREA},
    "restriction.impose": {"supervisor": _AREA, "admin": _AREA},
    "cluster.read": {**_CENTRE, "unit": Relation.OWN_UNIT},
    "cluster.answer": {"unit": Relation.OWN_UNIT, "admin": _AREA},
    "cluster.push": {"agent": _AREA, "dispatcher": _AREA, "supervisor": _AREA, "admin": _AREA},
    "knowledge.impose": {"agent": _AREA, "supervisor": _AREA, "admin": _AREA},
    "knowledge.read": {**_CENTRE, "unit": Relation.OWN_UNIT},
    "knowledge.enter": {"unit": Relation.OWN_UNIT, "admin": _AREA},
    "contact.reveal": {"unit": _HOLDS, "agent": _AREA, "admin": _AREA},
    "suggestion.ask": {**_CENTRE, "unit": _AREA, "softphone": _AREA},
    "assignment.create": {"dispatcher": _AREA, "admin": _AREA},
    "sub_assignment.create": _UNIT,
    "claim.create": {"unit": _AREA, "dispatcher": _AREA, "admin": _AREA},
    "cessation.create": _UNIT,
    "statement.create": _UNIT,
    "sign_in.create": _UNIT,
    "contact.create": _UNIT,
    "contact.create_centre": {"agent": _AREA, "dispatcher": _AREA, "admin": _AREA},
    "clock.stop": {"unit": _HOLDS, "reviewer": _AREA, "admin": _AREA},
    "progress.create": _UNIT,
    "closing.create": _UNIT,
    "closing.decide": {"reviewer": _AREA, "dispatcher": _AREA, "admin": _AREA},
    "return.create": _UNIT,
    "return.read": _READERS,
    "return.rule": {"reviewer": Relation.NOT_OWN_UNIT, "admin": Relation.NOT_OWN_UNIT},
    "extension.create": _UNIT,
    "extension.read": _READERS,
    "extension.rule": {"reviewer": Relation.NOT_OWN_UNIT, "admin": Relation.NOT_OWN_UNIT},
    "consultation.convene": {**_AUTHORITY, "unit": _HOLDS},
    "consultation.read": _READERS,
    "consultation.opinion": {"unit": _HOLDS, "admin": _AREA},
    "consultation.conclude": {**_UNBIASED, "unit": _HOLDS},
    "escalation.create": _AUTHORITY,
    "escalation.read": _READERS,
    "escalation.decide": {"supervisor": _AREA, "admin": _AREA},
    "supervision.issue": _AUTHORITY,
    "supervision.read": _READERS,
    "supervision.reply": _UNIT,
    "look_back.record": _AUTHORITY,
    "accountability.read": _CENTRE,
    "accountability.read_notice": {**_CENTRE, "unit": Relation.OWN_UNIT},
    "accountability.propose": _AUTHORITY,
    "accountability.decide": {"supervisor": Relation.NOT_OWN_UNIT, "admin": Relation.NOT_OWN_UNIT},
    "callback.judge": {"reviewer": Relation.NOT_OWN_UNIT, "admin": Relation.NOT_OWN_UNIT},
    "callback.read": _CENTRE,
    "units.write": _ADMIN,
    "units.read": {**_CENTRE, "unit": _AREA, "softphone": _AREA},
    "officers.write": {"unit": Relation.OWN_UNIT, "admin": _AREA},
    "officers.read": {**_CENTRE, "unit": Relation.OWN_UNIT},
    "unit_notices.read": {**_CENTRE, "unit": Relation.OWN_UNIT},
    "unit.feed": {"unit": Relation.OWN_UNIT, "admin": _AREA},
    "unit.worklist": {"unit": Relation.OWN_UNIT, **_CENTRE},
    "deadlines.read": _READERS,
    "board.read": {**_CENTRE, "unit": Relation.OWN_UNIT},
    "deadlines.preview": {**_CENTRE, "unit": _AREA, "softphone": _AREA},
    "calendars.read": dict.fromkeys(get_args(Role), _ANY),
    "calendars.write": _ADMIN,  # the nation's: foreign to an administrator of one city
    "policies.read": dict.fromkeys(get_args(Role), _ANY),
    "policies.activate": _ADMIN,
    "parked.read": {"admin": _ANY},
    "parked.replay": {"admin": _ANY},
    "parked.discard": {"admin": _ANY},
    "indicators.read": {**_CENTRE, "unit": _AREA},
    "archive.read": _ADMIN,
}

RECUSAL: Final = Basis(
    rule="own-unit",
    assumption="各地文件未明文规定审核回避；本系统一律不允许审核人员审核本单位提交的事项。",
)


def admit(action: str, principal: Principal) -> Relation:
    """Whether this role may ever do this, asked before anything is loaded; answers the relation that must hold."""
    relation = TABLE.get(action, {}).get(principal.role)
    if relation is None:
        raise Forbidden(f"{principal.role} may not {action}")
    return relation


def require(
    action: str, principal: Principal, *, jurisdiction: str | None = None, holders: Collection[str] = ()
) -> None:
    """Whether this principal may do this to this object; silent when it may.

    ``jurisdiction`` is the object's; ``holders`` are the units that hold the ticket, the unit named in the path, or
    for a ruling the unit that filed. An object whose jurisdiction is not told is foreign to a limited token.
    """
    relation = admit(action, principal)
    if relation is Relation.ANY:
        return
    if relation in (Relation.HOLDS, Relation.OWN_UNIT):
        if principal.unit is None or principal.unit not in holders:
            raise NotVisible(action)
        return
    if principal.jurisdiction is not None and principal.jurisdiction != jurisdiction:
        raise NotVisible(action)
    if relation is Relation.NOT_OWN_UNIT and principal.unit is not None and principal.unit in holders:
        raise OwnUnit(action, basis=(RECUSAL,))


def visible_jurisdiction(principal: Principal) -> str | None:
    """The jurisdiction to which a list is limited; None is all of them."""
    return principal.jurisdiction


def visible_unit(action: str, principal: Principal) -> str | None:
    """The unit to whose tickets a list is limited; None when the role sees its whole jurisdiction."""
    relation = admit(action, principal)
    if relation not in (Relation.HOLDS, Relation.OWN_UNIT):
        return None
    if principal.unit is None:
        raise NotVisible(action)
    return principal.unit
