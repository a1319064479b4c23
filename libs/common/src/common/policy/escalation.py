"""Reporting upward what nobody could settle, and what comes back."""

from collections.abc import Iterator
from typing import Literal

from common.policy.consultation import Consultation, Form
from common.policy.refusals import Problem
from common.policy.ruled import Entry, Part, Register, Stated, Words

DecisionOutcome = Literal["unit_named", "answered", "sent_back"]


class EscalationGround(Entry):
    """A ground on which a matter goes to the government."""


class EscalationDecision(Entry):
    """What may come back."""


class Escalation(Part):
    """专报 (双鸭山 第十五条)."""

    grounds: Register[EscalationGround]
    after: Stated[tuple[Form, ...]]
    addressee: Stated[Words]
    decisions: Register[EscalationDecision]


def problems_of_escalation(escalation: Escalation, consultation: Consultation | None) -> Iterator[Problem]:
    """A matter is reported upward after forms that the pack has."""
    forms = consultation.forms if consultation is not None else {}
    for form in escalation.after.value:
        if form not in forms:
            yield Problem(("escalation", "after"), f"the pack has no form of consultation called {form!r}")
