"""Events of a ticket in every order that the bus can deliver, some of them twice: each ruling is answered once (C7).

What the bus keeps is each service's own order; between services anything may come first, and anything may come again.
The answers are held against the table read as a model; so is the ticket itself, between officers' commands too (C10).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.dispatch.office import LEAD, OTHER, Office
from tests.dispatch.test_matrix import BODIES, report_of, tickets_in, told

from common.events.catalogue import CATALOGUE
from common.events.dispatch import RulingApplied, RulingOvertaken
from common.events.envelope import Message
from common.events.vocabulary import Status
from dispatch.docket import Docket
from dispatch.lifecycle import FOREIGN, HELD, MOVES, STATUSES, Command, allowed, reply

UNITS: Final = {"unit_named": OTHER, "unit_confirmed": LEAD}
TOLD: Final = sorted(set(FOREIGN) - {"TicketCreated"})
QUICK: Final = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@dataclass
class Model:
    """The ticket as the tables alone would have it."""

    status: Status
    round: int
    unit: str | None
    answers: list[tuple[UUID, bool]] = field(default_factory=list)

    def hears(self, named: str, told_round: int, case: UUID | None) -> None:
        kind, _, outcome = named.partition(":")
        if outcome in UNITS:  # whether a ruling confirms who holds the ticket is settled when it arrives
            confirms = self.status in HELD and self.unit == UNITS[outcome]
            named = f"{kind}:{'unit_confirmed' if confirms else 'unit_named'}"
        met = reply(self.status, named, current_round=told_round == self.round)
        if met.answer in ("apply", "overtaken"):
            assert case is not None
            self.answers.append((case, met.answer == "apply"))
        if met.becomes == "dispatched":
            self.round += 1
            self.unit = UNITS.get(outcome, self.unit)
        if met.becomes == "awaiting_dispatch":
            self.unit = None
        self.status = met.becomes or self.status

    def does(self, command: Command, unit: str) -> bool:
        """Whether the command is allowed; then it is done."""
        listed = MOVES.get((self.status, command))
        if listed is None:
            return False
        if command == "assign":
            self.round, self.unit = self.round + 1, unit
        # Without a check of reports a filed one closes the ticket at once.
        self.status = "closed" if command == "report_closing" else listed.becomes
        return True


def model_of(docket: Docket) -> Model:
    return Model(docket.status, docket.round, docket.unit)


async def answers(office: Office, docket: Docket) -> list[tuple[UUID, bool]]:
    events = await office.wire.announced("RulingApplied", "RulingOvertaken", about=docket.subject)
    rulings = [event.data for event in events if isinstance(event.data, RulingApplied | RulingOvertaken)]
    return [(ruling.ruling, isinstance(ruling, RulingApplied)) for ruling in rulings]


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[Status, list[tuple[str, bool]], list[int], list[tuple[int, int]], int]:
    """A status, up to six events (of the present round or not), an order of their services, repeats, a batch size."""
    events = draw(st.lists(st.tuples(st.sampled_from(TOLD), st.booleans()), min_size=1, max_size=6))
    order = draw(st.permutations(range(len(events))))
    place = st.integers(0, len(events) - 1)
    again = draw(st.lists(st.tuples(place, place), max_size=3))
    return draw(st.sampled_from(STATUSES)), events, list(order), again, draw(st.integers(1, 9))


@given(given_=deliveries())
@settings(QUICK, max_examples=200)
async def test_every_foreign_ruling_is_answered_exactly_once_in_whatever_order_it_comes(
    office: Office, given_: tuple[Status, list[tuple[str, bool]], list[int], list[tuple[int, int]], int]
) -> None:
    status, events, order, again, batch = given_
    [docket] = await tickets_in(office, [status])
    per_service: dict[str, list[tuple[str, Any, Message]]] = {}
    services = []
    for named, current in events:  # numbered in this order by the service that announces them
        fact = told(office, named, docket, docket.round - (not current))
        owner = CATALOGUE[named.partition(":")[0]].owner
        per_service.setdefault(owner, []).append((named, fact, office.wire.message(fact)))
        services.append(owner)
    heard = [per_service[services[place]].pop(0) for place in order]

    model = model_of(docket)
    for named, fact, _ in heard:
        model.hears(named, fact.round, getattr(fact, "case", None))
    lying = [message for _, _, message in heard]
    for first, later in again:  # whatever was delivered may be delivered again, at any time after
        lying.insert(max(first, later) + 1, lying[min(first, later)])
    for start in range(0, len(lying), batch):
        await office.wire.deliver(*lying[start : start + batch])

    assert await answers(office, docket) == model.answers
    after = await office.docket(docket.ticket)
    assert (after.status, after.round, after.unit) == (model.status, model.round, model.unit)
    assert await office.parked() == []


WALK: Final[Mapping[Command, tuple[str, Mapping[str, Any]]]] = {
    name: BODIES[name]
    for name in BODIES
    if name not in ("accept_closing", "send_back_closing", "sign_in_part", "claim")
}
STEPS: Final = st.lists(st.one_of(st.sampled_from(sorted(WALK)), st.sampled_from(TOLD)), min_size=4, max_size=14)


@given(steps=STEPS)
@settings(QUICK, max_examples=60)
async def test_any_sequence_of_commands_and_rulings_goes_as_the_tables_say(office: Office, steps: list[str]) -> None:
    [docket] = await tickets_in(office, ["awaiting_dispatch"])
    model = model_of(docket)
    for step in steps:
        docket = await office.docket(docket.ticket)
        if step not in WALK:
            fact: Any = told(office, step, docket, docket.round)
            await office.wire.deliver(fact)
            model.hears(step, fact.round, getattr(fact, "case", None))
            continue
        path, body = WALK[step]  # type: ignore[index]
        report = await report_of(office, docket.ticket)
        path = path.format(ticket=docket.ticket, report=report)
        answer = await office.post(path, {"round": model.round, **body}, "admin")
        before = model.status
        if model.does(step, OTHER):  # type: ignore[arg-type]
            assert (answer.status_code, answer.json()["status"]) == (201, model.status), (step, answer.text)
        else:
            assert (answer.status_code, answer.json()["code"]) == (409, "not_allowed"), (step, before)
            assert answer.json().get("allowed", []) == list(allowed(before))
    after = await office.docket(docket.ticket)
    assert (after.status, after.round, after.unit) == (model.status, model.round, model.unit)
    assert await answers(office, docket) == model.answers
    assert await office.parked() == []
