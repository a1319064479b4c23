"""What is wrong between the parts of a responsibility catalogue, and between it and the pack's units."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import combinations, pairwise

from common.policy.catalogue import Catalogue, Duty, Helping, Provision, Question, is_unit
from common.policy.circumstances import Condition, turning_points
from common.policy.matching import NumberTest
from common.policy.refusals import Place, Problem


def problems_of_catalogue(catalogue: Catalogue, units: Collection[str], kinds: Collection[str]) -> list[Problem]:
    """Everything wrong with a catalogue that is well-formed, given the codes of the pack's units and their kinds."""
    return [
        *_codes(catalogue),
        *_addressees(catalogue, units),
        *_conditions(catalogue),
        *(problem for place, duty in catalogue.duties() for problem in _rows(("catalogue", *place), duty)),
        *(problem for place, duty in catalogue.duties() for problem in _validity(("catalogue", *place), duty)),
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
            yield from _numbers(code, test)
        elif not question.admits(test):
            yield f"{test!r} is no answer to {code!r}"


def _numbers(code: str, test: NumberTest) -> Iterator[str]:
    named = (test.eq, test.gte, test.lte, *(test.in_ or ()))
    if any(number is not None and number < 0 for number in named):
        yield f"{code!r} is counted from 0 on: no test of it names a number below"
    elif not any(test.passes(number) for number in turning_points(test) if number >= 0):
        yield f"no number passes the test of {code!r}"


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
        if first.when is None or second.when is None:
            continue
        here = (*place, "outcomes", index)
        if first.when == second.when:
            yield Problem(here, "an earlier row has the same condition")
        elif second.when.narrows(first.when):
            yield Problem(here, "an earlier row holds wherever this one does: it never decides anything")
    yield from _helpers((*place, "helpers"), duty.helpers, ())
    for index, row in enumerate(duty.outcomes):
        yield from _helpers((*place, "outcomes", index, "helpers"), row.helpers, duty.helpers)


def _helpers(place: Place, listed: Sequence[Helping], beside: Sequence[Helping]) -> Iterator[Problem]:
    """A unit stands twice only on two conditions that tell when it does which."""
    for index, one in enumerate(listed):
        for other in (*listed[:index], *beside):
            if one.unit == other.unit and (one.when is None or other.when is None or one.when == other.when):
                yield Problem((*place, index), f"{one.unit!r} helps twice in the same matter")


def _validity(place: Place, duty: Duty) -> Iterator[Problem]:
    """The articles of a statute follow each other: on every day one number is quoted for it, and not two."""
    of_statute: dict[str, list[tuple[int, Provision]]] = {}
    for index, one in enumerate(duty.legal_basis):
        if one.from_ is not None and one.to is not None and one.to < one.from_:
            said = f"the articles are quoted until {one.to}, before they are quoted from {one.from_} on"
            yield Problem((*place, "legal_basis", index), said)
            continue
        of_statute.setdefault(one.statute, []).append((index, one))
    for statute, listed in of_statute.items():
        in_order = sorted(listed, key=lambda entry: entry[1].from_ or date.min)
        for (_, earlier), (index, later) in pairwise(in_order):
            here: Place = (*place, "legal_basis", index)
            if earlier.to is None or later.from_ is None or later.from_ <= earlier.to:
                yield Problem(here, f"the statute {statute!r} is quoted twice on the same day")
            elif later.from_ != earlier.to + timedelta(days=1):
                yield Problem(here, f"between {earlier.to} and {later.from_} the statute {statute!r} is not quoted")


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
