"""Random lives under every pack of ``policies/``: judged again under their own pack, they come to no difference."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import pytest
from tests.support.recorded import Told
from tests.support.wire import PACKS, at

from common.calendar import load_calendar
from common.clock import SHANGHAI, new_id
from common.events.dispatch import (
    Archived,
    Closed,
    ClosingReported,
    ClosingSentBack,
    ProgressReported,
    Reissued,
    RequesterContacted,
    RulingApplied,
)
from common.events.intake import CallbackRecorded, TicketAmended
from common.events.review import (
    ConsultationConcluded,
    ConsultationConvened,
    Escalated,
    ExtensionGranted,
    SupervisionIssued,
    SupervisionReplied,
)
from common.events.vocabulary import Limit
from common.policy import Pack, load_pack, pack_directories
from hotline.backtest.codes import codes_for
from hotline.backtest.record import Head, Record
from hotline.backtest.tally import Trial, trials

CALENDAR: Final = load_calendar(PACKS / "calendar")
NAMES: Final = [one.name for one in pack_directories(PACKS) if (one / "pack.yaml").exists() and one.name[0] != "_"]
LIVES: Final = 150


class Life:
    """One ticket to which things happen, as fit its round; what is possible is drawn by chance."""

    def __init__(self, pack: Pack, chance: random.Random) -> None:
        self.told = Told(pack, CALENDAR)
        self.chance = chance
        self.now = at("2025-03-03 09:00") + timedelta(minutes=chance.randrange(60 * 24 * 60))
        self.round = 1
        self.filed: str | None = None
        self.open_cases: list[Any] = []
        self.over = False
        ticket = pack.ticket
        self.told.created(
            self.when(),
            type=chance.choice(sorted(ticket.types)),
            channel=chance.choice(sorted(ticket.channels)),
            marks=sorted(chance.sample(sorted(ticket.marks), chance.randrange(3))),
        )
        self.told.dispatched(self.pass_by(8), co_handlers=chance.choice([(), (f"{pack.jurisdiction}.other",)]))

    def when(self) -> str:
        return self.now.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")

    def pass_by(self, hours: int = 60) -> str:
        self.now += timedelta(minutes=self.chance.randrange(1, hours * 60))
        return self.when()

    def live(self) -> Told:
        for _ in range(self.chance.randrange(2, 14)):
            if not self.over:
                self.chance.choice(self.possible())()
        return self.told

    def possible(self) -> list[Callable[[], object]]:
        always = [self.amend, self.supervise, self.reply, self.convene, self.conclude, self.contact]
        if self.filed is not None:
            return [*always, self.send_back, self.accept, self.accept]
        return [*always, self.sign_in, self.progress, self.extend, self.file, self.file, self.give_back]

    def contact(self) -> object:
        level = self.chance.choice((1, 2))
        return self.told.say(RequesterContacted, self.pass_by(), self.round, level=level, outcome="reached")

    def sign_in(self) -> object:
        return self.told.signed_in(self.pass_by(), self.round)

    def progress(self) -> object:
        promised = self.chance.choice([None, self.now + timedelta(days=self.chance.randrange(2, 30))])
        said: dict[str, Any] = {"concludes_part": False, "text": "正在办理", "promised_at": promised}
        return self.told.say(ProgressReported, self.pass_by(), self.round, **said)

    def amend(self) -> object:
        ticket = self.told.pack.ticket
        said: dict[str, Any] = {
            "type": self.chance.choice(sorted(ticket.types)),
            "category": "城市管理/路灯",
            "address": "某路",
            "marks": sorted(self.chance.sample(sorted(ticket.marks), self.chance.randrange(3))),
            "legal_limit": None,
            "changed": ("type", "marks"),
            "reason": "更正",
        }
        return self.told.say(TicketAmended, self.pass_by(), self.round, **said)

    def extend(self) -> object:
        """Granted by a person; whether a rule would have let it come so far is proven on the real suite."""
        case, days = new_id(), self.chance.randrange(1, 20)
        span = Limit(amount=days, unit="working_days")
        ruled: dict[str, Any] = {"filed_at": self.now, "by_rule": False, "late": False, "granted": span}
        self.told.say(ExtensionGranted, self.pass_by(), self.round, case=case, kind="ordinary", **ruled)
        took: dict[str, Any] = {"kind": "extension", "outcome": "granted", "new_status": "signed_in"}
        return self.told.say(RulingApplied, self.pass_by(), self.round, ruling=case, **took)

    def file(self) -> object:
        self.filed = self.pass_by(200)
        return self.told.say(ClosingReported, self.filed, self.round, report=new_id(), result="已修复")

    def send_back(self) -> object:
        self.filed = None
        return self.told.say(ClosingSentBack, self.pass_by(), self.round, report=new_id(), reasons=("不实",))

    def accept(self) -> object:
        assert self.filed is not None
        said: dict[str, Any] = {"report": new_id(), "filed_at": at(self.filed), "decided_by_rule": True}
        self.told.say(Closed, self.pass_by(), self.round, **said)
        self.filed = None
        called: dict[str, Any] = {"callback": new_id(), "outcome": "reached", "attempt": 1}
        self.told.say(CallbackRecorded, self.pass_by(), self.round, **called)
        if self.chance.random() < 0.5:
            self.over = True
            return self.told.say(Archived, self.pass_by(), self.round, how="callback")
        self.round += 1
        again: dict[str, Any] = {"reason": "不满意", "previous_round": self.round - 1}
        return self.told.say(Reissued, self.pass_by(), self.round, **again)

    def give_back(self) -> object:
        """A return that a reviewer approved; the ticket goes out again."""
        filed = self.pass_by(20)
        said: dict[str, Any] = {
            "ruling": new_id(),
            "kind": "return",
            "outcome": "approved",
            "ended_round": self.round,
            "round_ended_at": at(filed),
            "new_status": "awaiting_dispatch",
        }
        self.told.say(RulingApplied, self.pass_by(), self.round, **said)
        self.round += 1
        return self.told.dispatched(self.pass_by(), self.round)

    def supervise(self) -> object:
        case = new_id()
        self.open_cases.append(("supervision", case))
        said: dict[str, Any] = {"case": case, "form": "special", "text": "请办理", "reply_due": True}
        return self.told.say(SupervisionIssued, self.pass_by(), self.round, **said)

    def reply(self) -> object:
        found = [case for what, case in self.open_cases if what == "supervision"]
        return found and self.told.say(SupervisionReplied, self.pass_by(), self.round, case=found[-1], text="已办")

    def convene(self) -> object:
        case, form = new_id(), self.chance.choice(("designation", "coordination", "consultation"))
        self.open_cases.append((form, case))
        said: dict[str, Any] = {"case": case, "form": form, "participants": (), "subject": "由谁承办"}
        return self.told.say(ConsultationConvened, self.pass_by(), self.round, **said)

    def conclude(self) -> object:
        found = [(what, case) for what, case in self.open_cases if what != "supervision"]
        if not found:
            return None
        form, case = found[-1]
        self.open_cases.remove((form, case))
        said: dict[str, Any] = {"case": case, "form": form, "outcome": "unresolved"}
        self.told.say(ConsultationConcluded, self.pass_by(), self.round, **said)
        up: dict[str, Any] = {"case": new_id(), "ground": "x", "addressee": "市政府", "report": "专报"}
        return self.told.say(Escalated, self.pass_by(), self.round, **up, consultation=case)


def tried(told: Told, pack: Pack) -> Trial:
    head = Head(jurisdiction=told.pack.jurisdiction, as_of=at("2025-12-31 09:00"), tickets=1)
    record = Record(head, {told.pack.version: told.pack}, CALENDAR, iter([told.story()]))
    [trial] = trials(record, codes_for(pack, {}), CALENDAR)
    return trial


@pytest.mark.parametrize("name", NAMES)
def test_random_lives_come_to_no_difference_under_their_own_pack(name: str) -> None:
    pack, limits = load_pack(PACKS / name), 0
    for seed in range(LIVES):
        trial = tried(Life(pack, random.Random(f"{name} {seed}")).live(), pack)
        assert (trial.reasons, trial.unchecked, trial.differences) == ((), (), ()), f"{name} {seed}"
        limits += len(trial.before)
    assert limits > 0
