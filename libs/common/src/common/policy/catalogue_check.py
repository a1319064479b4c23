"""What is wrong between the parts of a responsibility catalogue, and between it and the pack's units."""

from collections.abc import Collection, Iterator, Mapping
from itertools import combinations

from common.policy.catalogue import Catalogue, Duty, Question, is_unit
from common.policy.circumstances import Condition
from common.policy.matching import NumberTest
from common.policy.refusals import Place, Problem


def problems_of_catalogue(catalogue: Catalogue, units: Collection[str], kinds: Collection[str]) -> list[Problem]:
    """Everything wrong with a catalogue that is well-formed, given the codes of the pack's units and their kinds."""
    return [
        *_codes(catalogue),
        *_addressees(catalogue, units),
        *_conditions(catalogue),
        *(problem for place, duty in catalogue.duties() for problem in _rows(("catalogue", *place), duty)),
        *_kinds(catalogue, kinds),
        *_unused(catalogue),
    ]


def _codes(catalogue: Catalogue) -> Iterator[Problem]:
    for number, item in catalogue.items.items():
        place: Place = ("catalogue", "items", number)
        if item.class_ is not None and item.class_ not in (catalogue.classes or {}):
            yield Problem((*place, "class"), f"no class of items is called {item.class_!r}")
        if item.group is not None and item.group not in (catalogue.groups or {}):
            yield Problem((*place, "group"), f"no group of items is called {item.group!r}")
    for at, duty in catalogue.duties():
        for index, provision in enumerate(duty.legal_basis):
            where: Place = ("catalogue", *at, "legal_basis", index)
            if provision.statute not in (catalogue.statutes or {}):
                yield Problem((*where, "statute"), f"no statute is called {provision.statute!r}")


def _addressees(catalogue: Catalogue, units: Collection[str]) -> Iterator[Problem]:
    for place, duty in catalogue.duties():
        for addressee in dict.fromkeys(duty.addressees()):
            if is_unit(addressee) and addressee not in units:
                yield Problem(("catalogue", *place), f"the unit {addressee!r} is not in the register")
            if not is_unit(addressee) and addressee not in (catalogue.references or {}):
                yield Problem(("catalogue", *place), f"no reference to a unit is called {addressee!r}")


def _conditions(catalogue: Catalogue) -> Iterator[Problem]:
    for at, duty in catalogue.duties():
        place: Place = ("catalogue", *at)
        for condition in duty.conditions():
            if condition.working_daytime is not None and catalogue.working_daytime is None:
                yield Problem(place, "a condition asks for the working daytime, whose hours `working_daytime` tells")
            yield from (Problem(place, said) for said in _tests(condition, catalogue.questions or {}))


def _tests(condition: Condition, questions: Mapping[str, Question]) -> Iterator[str]:
    for code, test in (condition.answers or {}).items():
        question = questions.get(code)
        if question is None:
            yield f"no question is called {code!r}"
        elif isinstance(test, NumberTest):
            if question.counted_in is None:
                yield f"{code!r} is not answered by a number"
        elif not question.admits(test):
            yield f"{test!r} is no answer to {code!r}"


def _rows(place: Place, duty: Duty) -> Iterator[Problem]:
    for index, row in enumerate(duty.outcomes):
        here: Place = (*place, "outcomes", index)
        if row.when is None and index + 1 < len(duty.outcomes):
            yield Problem(here, "a row without a condition is the last one: those after it never decide anything")
        named = list(row.addressees)
        if len(set(named)) != len(named):
            yield Problem(here, "a unit stands twice in the same row")
        if row.helpers and set(named) & {one.unit for one in row.helpers}:
            yield Problem((*here, "helpers"), "a unit answers and helps in the same row")
    for (_, first), (index, second) in combinations(enumerate(duty.outcomes), 2):
        if first.when is not None and first.when == second.when:
            yield Problem((*place, "outcomes", index), "an earlier row has the same condition")


def _kinds(catalogue: Catalogue, kinds: Collection[str]) -> Iterator[Problem]:
    for code, reference in (catalogue.references or {}).items():
        if reference.kind is not None and reference.kind not in kinds:
            yield Problem(("catalogue", "references", code, "kind"), f"no kind of unit is called {reference.kind!r}")


def _unused(catalogue: Catalogue) -> Iterator[Problem]:
    """What nothing refers to is a slip: an item forgot it."""
    duties = [duty for _, duty in catalogue.duties()]
    asked = {code for duty in duties for condition in duty.conditions() for code in condition.answers or {}}
    named = {addressee for duty in duties for addressee in duty.addressees()}
    rested = {provision.statute for duty in duties for provision in duty.legal_basis}
    items = catalogue.items.values()
    used: tuple[tuple[str, Collection[str], Collection[str | None]], ...] = (
        ("questions", catalogue.questions or (), asked),
        ("references", catalogue.references or (), named),
        ("statutes", catalogue.statutes or (), rested),
        ("classes", catalogue.classes or (), {item.class_ for item in items}),
        ("groups", catalogue.groups or (), {item.group for item in items}),
    )
    for register, codes, referred in used:
        for code in codes:
            if code not in referred:
                yield Problem(("catalogue", register, code), "no item refers to it")
