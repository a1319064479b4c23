"""One recorded life under a pack: its limits by sla's rules, its filings by review's."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from common.calendar import AllowanceRefused, NoCalendar, OutsideCalendar, WorkingCalendar
from common.policy import Pack, Situation
from hotline.backtest.codes import Codes
from hotline.backtest.filings import Desk, Filing
from hotline.backtest.lives import Life, NotComparable, Standings, standings
from review.docket import Docket
from sla.deadlines import Deadline, Identity
from sla.docket import Docket as Clocks
from sla.facts import Fact, in_order
from sla.moves import DecisionUnknown
from sla.plan import NoRuleApplies, Rules
from sla.retelling import told, versions


@dataclass(frozen=True, slots=True)
class Judged:
    """What the rules make of a life."""

    limits: Standings
    filings: tuple[Filing, ...]


def as_recorded(life: Life, packs: Mapping[str, Pack], calendar: WorkingCalendar) -> Judged:
    """Under the packs that it lived under; ``NotComparable`` where one of them is not in the record."""
    needed = versions(life.docket, life.facts)
    if missing := sorted(needed - packs.keys()):
        raise NotComparable(*(f"存档中没有规则版本 {version}" for version in missing))
    rules = {version: Rules(packs[version], calendar) for version in needed}
    return _judged(life, life.facts, rules, lambda docket: packs[docket.policy], life.docket)


def under(life: Life, pack: Pack, calendar: WorkingCalendar, codes: Codes) -> Judged:
    """Under another pack from its registration on, whatever pack it lived under; ``NotComparable``."""
    facts = [fact for fact in codes.translated(life) if fact.type != "PolicyApplied"]
    docket = replace(life.docket, policy=pack.version)
    return _judged(life, facts, {pack.version: Rules(pack, calendar)}, lambda _: pack, docket, codes.situation)


def _judged(
    life: Life,
    facts: Sequence[Fact],
    rules: Mapping[str, Rules],
    pack_of: Callable[[Docket], Pack],
    docket: Clocks,
    read_as: Callable[[Situation], Situation] = lambda situation: situation,
) -> Judged:
    def clockwork(known: Sequence[Fact]) -> tuple[Clocks, Mapping[Identity, Deadline]]:
        return told(docket, known, rules)

    desk = Desk(life, facts, pack_of, clockwork, read_as)
    try:
        filings = desk.examine()
        first, *others = desk.counted()
        _, rows = clockwork([first, *in_order(others)])
    except NoRuleApplies as silent:
        raise NotComparable(f"规则没有适用于该工单情形的规定（{silent}）") from silent
    except (OutsideCalendar, NoCalendar) as beyond:
        raise NotComparable("日历不包括所需的年份") from beyond
    except DecisionUnknown as lacking:
        raise NotComparable("存档中缺少已生效的决定") from lacking
    except AllowanceRefused as refused:
        raise NotComparable(f"时限无法计算（{refused}）") from refused
    return Judged(standings(rows.values()), filings)
