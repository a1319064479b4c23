"""评议: returns and callbacks, put together."""

from common.runtime.assembly import assemble, commands_of
from common.runtime.service import Service, Surroundings
from review.callbacks.routes import callback_routes
from review.consumers import HANDLERS
from review.returns.routes import return_routes


def build(surroundings: Surroundings) -> Service:
    """The review service, built and not yet started."""
    room = surroundings.room("review")
    run = commands_of(room, surroundings)
    return assemble(
        room,
        surroundings,
        title="评议",
        routers=[return_routes(room, run), callback_routes(room, run)],
        handlers=HANDLERS,
    )
