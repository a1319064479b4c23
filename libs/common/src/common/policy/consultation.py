"""Settling who is responsible: by which form, who leads and is invited, on which grounds and principles."""

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from common.policy.refusals import Place, Problem
from common.policy.ruled import Code, Entry, Part, Register, Stated

Form = Literal["designation", "coordination", "consultation"]

LEAD: Final = "lead"
"""Who leads a form that the unit convenes which leads the ticket (同江 三（二）): a part that no register knows."""


class ConsultationForm(Entry):
    """A form of settling it. ``led_by`` and ``invites``: parts that units of the register play (their ``function``).

    ``led_by`` may be ``LEAD``: the unit that leads the ticket convenes and concludes it.
    """

    led_by: Code
    invites: tuple[Code, ...] = ()
    needs_ground: bool

    @property
    def required(self) -> tuple[str, ...]:
        """The parts of the register that take part by rule, the leading one first."""
        return tuple(dict.fromkeys(part for part in (self.led_by, *self.invites) if part != LEAD))

    @property
    def led_by_lead(self) -> bool:
        """Whether the unit that leads the ticket convenes it."""
        return self.led_by == LEAD


class ConsultationGround(Entry):
    """Why responsibility is to be settled, and by which forms."""

    forms: Annotated[tuple[Form, ...], Field(min_length=1)]


class Consultation(Part):
    """明确承办单位、协调、会商研判 (双鸭山 第十五条、第三十二条（二）)."""

    forms: Annotated[Register[ConsultationForm], Field(min_length=1)]
    grounds: Register[ConsultationGround]
    principles: Stated[tuple[Code, ...]]
    disputants_recused: Stated[bool]
    named_unit: Stated[Literal["may_not_return"]]

    @model_validator(mode="after")
    def _forms_are_known(self) -> Self:
        known = {"designation", "coordination", "consultation"}
        if unknown := sorted(set(self.forms) - known):
            raise ValueError(f"no form of consultation is called {unknown[0]!r}")
        return self

    def grounds_of(self, form: str) -> Mapping[str, ConsultationGround]:
        return {code: ground for code, ground in self.grounds.items() if form in ground.forms}

    def led_by_lead(self) -> tuple[str, ...]:
        """The forms that the unit convenes which leads the ticket."""
        return tuple(code for code, form in self.forms.items() if form.led_by_lead)

    @property
    def functions(self) -> frozenset[str]:
        """Every part that some form wants in the register."""
        return frozenset(part for form in self.forms.values() for part in form.required)


def problems_of_consultation(
    consultation: Consultation, principles: Collection[str], functions: Collection[str]
) -> Iterator[Problem]:
    """What it names that other sections do not: ``principles`` of dispatching, ``functions`` of the base register."""
    for code in consultation.principles.value:
        if code not in principles:
            place: Place = ("consultation", "principles")
            yield Problem(place, f"no principle of dispatching is called {code!r}")
    for code, form in consultation.forms.items():
        for part in form.required:
            if part not in functions:
                sentence = f"no unit of the base register plays the part {part!r}"
                yield Problem(("consultation", "forms", code), sentence)
    for code, ground in consultation.grounds.items():
        for form_code in ground.forms:
            if form_code not in consultation.forms:
                sentence = f"the ground {code!r} opens the form {form_code!r}, which the pack does not have"
                yield Problem(("consultation", "grounds", code, "forms"), sentence)
