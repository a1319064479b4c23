"""Dispatch, put together."""

from collections.abc import Sequence
from datetime import date, datetime

from common.clock import local_date
from common.runtime.assembly import assemble, commands_of
from common.runtime.service import NoticeGateway, Service, Surroundings
from dispatch.assignment.routes import assignment_routes
from dispatch.cessation.routes import cessation_routes
from dispatch.clock_stops.routes import clock_stop_routes
from dispatch.closing.routes import closing_routes
from dispatch.consumers import handlers
from dispatch.contacts.routes import contact_routes
from dispatch.feed.commands import FeedWriter, Pulse
from dispatch.feed.routes import feed_routes
from dispatch.notices.commands import NoticeSender
from dispatch.notices.driver import Driver
from dispatch.notices.routes import notice_routes
from dispatch.statements.routes import statement_routes
from dispatch.sub_assignment.routes import sub_assignment_routes
from dispatch.succession.commands import Succession
from dispatch.suggestion.routes import suggestion_routes
from dispatch.units.routes import officer_routes, unit_routes


def build(surroundings: Surroundings) -> Service:
    """The service as both ways of running it need it: routes, consumer, relay, writer of feeds."""
    room = surroundings.room("dispatch")
    commands = commands_of(room, surroundings)
    pulse = Pulse()
    writer = FeedWriter(room, pulse)
    gateway = surroundings.notices
    sender = NoticeSender(room, _driver(gateway, surroundings.development), pulse.told)

    succession = Succession(room)

    def today() -> date:
        return local_date(room.clock.now())

    async def unfinished() -> Sequence[str]:
        working = {"feeds": writer.behind, "notices": sender.unfinished, "heirs": succession.behind}
        return [what for what, behind in working.items() if await behind()]

    async def next_due() -> datetime | None:
        ahead = [await sender.next_due(), await succession.next_due()]
        return min((due for due in ahead if due is not None), default=None)

    return assemble(
        room,
        surroundings,
        title="派单",
        routers=[
            unit_routes(room, today),
            officer_routes(room, today),
            feed_routes(room, pulse),
            suggestion_routes(room),
            assignment_routes(commands),
            contact_routes(commands),
            sub_assignment_routes(commands),
            closing_routes(commands),
            cessation_routes(commands),
            statement_routes(commands),
            clock_stop_routes(commands),
            notice_routes(room, gateway),
        ],
        handlers=handlers(pulse, reachable=gateway is not None),
        tasks=[writer.run, sender.run, succession.run],
        on_caught_up=pulse.on_caught_up,
        next_due=next_due,
        unfinished=unfinished,
    )


def _driver(gateway: NoticeGateway | None, development: bool) -> Driver | None:
    if gateway is None:
        return None
    return Driver(gateway.url, gateway.key, gateway.hosts, development=development)
