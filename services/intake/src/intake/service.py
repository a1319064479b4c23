"""Intake, put together: 受理、更正、补充、催单、撤单、限制使用、集中诉求、知识库、诉求人保密库、回访、工单全程."""

from common.runtime.assembly import assemble, commands_of
from common.runtime.service import Service, Surroundings
from common.security.vaulting import KeyRing
from intake.amendments.routes import amendment_routes
from intake.callbacks.routes import callback_routes
from intake.clusters.routes import cluster_routes
from intake.consumers import HANDLERS
from intake.knowledge.routes import knowledge_routes
from intake.registration.commands import Desk
from intake.registration.routes import registration_routes
from intake.registration.store import Numbers, Register
from intake.restrictions.routes import restriction_routes
from intake.timeline import timeline_routes
from intake.vault.routes import reveal_routes
from intake.wishes.routes import wish_routes


def build(surroundings: Surroundings) -> Service:
    """The service, not yet started. ``KeysUnusable`` when the vault's keys cannot be read."""
    room = surroundings.room("intake")
    keys = KeyRing.create_if_empty(surroundings.keys) if surroundings.development else KeyRing.load(surroundings.keys)
    commands = commands_of(room, surroundings)
    desk = Desk(room, keys, Numbers(room.database), Register(room.database))
    return assemble(
        room,
        surroundings,
        title="受理服务",
        routers=(
            registration_routes(desk, commands),
            timeline_routes(room),
            callback_routes(keys, commands),
            amendment_routes(keys, commands),
            wish_routes(keys, commands),
            restriction_routes(room, keys, commands),
            cluster_routes(room, commands),
            knowledge_routes(room, commands),
            reveal_routes(room, keys),
        ),
        handlers=HANDLERS,
    )
