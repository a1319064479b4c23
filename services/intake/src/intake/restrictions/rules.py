"""Whose telephone use may be limited, on what ground and for how long (双鸭山 第三十五条)."""

from dataclasses import dataclass
from datetime import datetime

from common.basis import Basis
from common.policy import Pack
from common.policy.restrictions import Restrictions


class CallerRestricted(Exception):
    """The number may not be used until ``ends_at``."""

    def __init__(self, basis: tuple[Basis, ...], ends_at: datetime) -> None:
        super().__init__("caller restricted")
        self.basis = basis
        self.ends_at = ends_at


class RestrictionRefused(ValueError):
    """The restriction cannot be imposed as it was entered. ``field`` breaks ``rule``; ``message`` is for officials."""

    def __init__(self, field: str, rule: str, message: str, basis: tuple[Basis, ...] = ()) -> None:
        super().__init__(rule)
        self.field = field
        self.rule = rule
        self.message = message
        self.basis = basis


@dataclass(frozen=True, slots=True)
class Restriction:
    """What is to be imposed. ``referred_to_police``: an offence is suspected, and the case went to the police."""

    ground: str
    starts_at: datetime
    ends_at: datetime
    referred_to_police: bool


def check(wanted: Restriction, pack: Pack, accepted_at: datetime) -> tuple[Basis, ...]:
    """The clauses on which it may be imposed; ``RestrictionRefused`` when the pack does not allow it."""
    rules = _rules(pack)
    ground = rules.grounds.get(wanted.ground)
    if ground is None:
        raise RestrictionRefused("ground", "choice", f"不在允许的取值之内：{'、'.join(rules.grounds)}。")
    if wanted.starts_at < accepted_at:
        raise RestrictionRefused("starts_at", "in_past", "不得早于当前时间。")
    if wanted.ends_at <= wanted.starts_at:
        raise RestrictionRefused("ends_at", "too_early", "应当晚于开始时间。")
    if wanted.ends_at > rules.latest_end(wanted.starts_at):
        sentence = f"一次限制不得超过{rules.longest.days}日。"
        raise RestrictionRefused("ends_at", "too_long", sentence, (rules.longest.basis,))
    return (ground.basis, rules.police.basis) if wanted.referred_to_police else (ground.basis,)


def counts_for(pack: Pack, channel: str, *, emergency: bool) -> bool:
    """Whether a restriction of the number counts for what comes by this channel; an emergency always gets through."""
    barred = pack.restrictions.channels.value if pack.restrictions else ()
    return channel in barred and not emergency


def _rules(pack: Pack) -> Restrictions:
    if pack.restrictions is None:
        raise RestrictionRefused("jurisdiction", "not_in_pack", "该地区的办法没有规定限制使用。")
    return pack.restrictions
