"""Every command that the model knows, and which one a drawn step comes to."""

from collections.abc import Callable, Mapping
from typing import Final

from tests.journeys.living import dispatching, receiving, reviewing
from tests.journeys.living.life import Call, Life, Step

COMMANDS: Final[Mapping[str, Callable[[Life, Step], Call]]] = {
    "assign": dispatching.assign,
    "claim": dispatching.claim,
    "sign_in": dispatching.sign_in,
    "sub_assign": dispatching.sub_assign,
    "contact": dispatching.contact,
    "progress": dispatching.progress,
    "close": dispatching.close,
    "stop": dispatching.stop,
    "explain": dispatching.explain,
    "state": dispatching.state,
    "give_back": reviewing.give_back,
    "rule_return": reviewing.rule_return,
    "extend": reviewing.extend,
    "rule_extension": reviewing.rule_extension,
    "convene": reviewing.convene,
    "speak": reviewing.speak,
    "conclude": reviewing.conclude,
    "escalate": reviewing.escalate,
    "decide": reviewing.decide,
    "judge": reviewing.judge,
    "call_back": receiving.call_back,
    "amend": receiving.amend,
    "urge": receiving.urge,
    "supplement": receiving.supplement,
    "withdraw": receiving.withdraw,
}
SELDOM: Final = frozenset({"withdraw", "stop", "supplement", "urge", "amend"})
OFTEN: Final = frozenset(
    {"assign", "sign_in", "close", "call_back", "judge", "rule_return", "rule_extension", "escalate", "decide"}
)


def choose(life: Life, step: Step) -> tuple[str, Call]:
    """The command that the step comes to: often one that carries a life on, seldom one that only interrupts it."""
    calls = {name: command(life, step) for name, command in COMMANDS.items()}
    possible = [name for name, call in calls.items() if step.wild or call.expect == 201]
    calm = [name for name in possible if name not in SELDOM or step.which % 9 == 0]
    weighed = [name for name in calm or COMMANDS for _ in range(4 if name in OFTEN else 1)]
    chosen = weighed[step.which % len(weighed)]
    return chosen, calls[chosen]
