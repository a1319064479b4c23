"""The clauses that a decision rests on, as a column keeps them."""

from collections.abc import Iterable
from typing import Any

from common.basis import Basis


def stored_basis(basis: Iterable[Basis]) -> list[dict[str, Any]]:
    return [one.model_dump(mode="json") for one in basis]


def basis_of(stored: Iterable[dict[str, Any]] | None) -> tuple[Basis, ...]:
    """None, which stands while nothing is decided, counts as no clauses."""
    return tuple(Basis(**one) for one in stored or ())
