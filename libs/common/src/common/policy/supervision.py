"""督办: its forms, which of them is issued by rule and when, on which grounds, and where a written reply is owed."""

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from common.policy.refusals import Problem
from common.policy.ruled import Entry, Part, Register, Ruled, Words

Form = Literal["phone", "consultation", "special"]
FORMS: frozenset[str] = frozenset({"phone", "consultation", "special"})


class SupervisionForm(Entry):
    """A form of supervision. ``needs_ground``: it is issued on one of the pack's grounds only."""

    reply_due: bool
    needs_ground: bool


class SupervisionGround(Entry):
    """Why a ticket's handling is supervised, and by which forms."""

    forms: Annotated[tuple[Form, ...], Field(min_length=1)]


class NearLimit(Ruled):
    """What the unit is told when this limit comes near. ``text`` may name ``{number}`` and ``{due}``."""

    text: Words

    @model_validator(mode="after")
    def _text_can_be_filled_in(self) -> Self:
        try:
            self.told("1", "2")
        except (KeyError, IndexError, ValueError, AttributeError):
            raise ValueError("the text may name {number} and {due} and nothing else") from None
        return self

    def told(self, number: str, due: str) -> str:
        return self.text.format(number=number, due=due)


class Supervision(Part):
    """督办 (双鸭山 第三十二条). ``near_limits``: kinds of deadline whose approach is supervised by phone, by rule."""

    forms: Register[SupervisionForm]
    grounds: Register[SupervisionGround]
    near_limits: Mapping[str, NearLimit]

    @model_validator(mode="after")
    def _forms_are_known(self) -> Self:
        if unknown := sorted(set(self.forms) - FORMS):
            raise ValueError(f"no form of supervision is called {unknown[0]!r}")
        for ground in self.grounds.values():
            if foreign := sorted(set(ground.forms) - set(self.forms)):
                raise ValueError(f"the ground {ground.code!r} opens the form {foreign[0]!r}, which the pack lacks")
        if self.near_limits and "phone" not in self.forms:
            raise ValueError("near limits are supervised by phone, but the pack has no form 'phone'")
        return self

    def grounds_of(self, form: str) -> Mapping[str, SupervisionGround]:
        return {code: ground for code, ground in self.grounds.items() if form in ground.forms}


def problems_of_supervision(supervision: Supervision, duties: Collection[str]) -> Iterator[Problem]:
    """What it names that the limits do not warn of: ``duties`` have a lamp, and so an instant of coming near."""
    for kind in supervision.near_limits:
        if kind not in duties:
            yield Problem(("supervision", "near_limits", kind), f"the limits warn of no {kind!r}")
    owed = any(form.reply_due for form in supervision.forms.values())
    if owed and "supervision_reply" not in duties:
        yield Problem(("supervision", "forms"), "a written reply is owed, but no limit says by when")
