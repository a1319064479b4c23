"""评议: returns and callbacks, put together."""

from common.runtime.assembly import assemble, commands_of
from common.runtime.service import Service, Surroundings
from review.accountability.commands.months import Months
from review.accountability.routes import accountability_routes
from review.callbacks.routes import callback_routes
from review.consultation.routes import consultation_routes
from review.consumers import HANDLERS
from review.escalation.routes import escalation_routes
from review.extensions.routes import extension_routes
from review.look_backs.routes import look_back_routes
from review.returns.routes import return_routes
from review.supervision.routes import supervision_routes


def build(surroundings: Surroundings) -> Service:
    """The review service, built and not yet started."""
    room = surroundings.room("review")
    run = commands_of(room, surroundings)
    months = Months(room)
    return assemble(
        room,
        surroundings,
        title="评议",
        routers=[
            return_routes(room, run),
            extension_routes(room, run),
            supervision_routes(room, run),
            callback_routes(room, run),
            consultation_routes(room, run),
            escalation_routes(room, run),
            accountability_routes(room, run),
            look_back_routes(run),
        ],
        handlers=HANDLERS,
        tasks=(months.run,),
        next_due=months.next_due,
        unfinished=months.unfinished,
    )
