"""Instants and clauses in the words of a clerk, for whatever the commands print."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any

from common.clock import SHANGHAI, in_utc


def local(at: datetime | str | None) -> str:
    """An instant as a clerk reads it."""
    if at is None:
        return ""
    instant = datetime.fromisoformat(at) if isinstance(at, str) else at
    return f"{in_utc(instant).astimezone(SHANGHAI):%Y-%m-%d %H:%M}"


def limit(due_at: datetime | str) -> str:
    """The end of a limit as a clerk reads it: the first late instant 00:00 is the day before, 24:00."""
    instant = datetime.fromisoformat(due_at) if isinstance(due_at, str) else due_at
    end = in_utc(instant).astimezone(SHANGHAI)
    if end.time() == time.min:
        return f"{end - timedelta(days=1):%Y-%m-%d} 24:00"
    return f"{end:%Y-%m-%d %H:%M}"


def basis(found: Sequence[Mapping[str, Any]] | None, *, silent: Collection[str] = ()) -> str:
    """《document》article “quote”; or the assumption, as an assumption. A document is named once.

    ``silent``: documents that the reader knows are meant.
    """
    told: list[str] = []
    named = set(silent)
    for one in found or ():
        quoted = (one.get("article") or "") + (f"“{one['quote']}”" if one.get("quote") else "")
        document = one.get("document")
        if not quoted:
            told.append(f"推定：{one['assumption']}" if one.get("assumption") else one["rule"])
        elif document is None or document in named:
            told.append(quoted)
        else:
            named.add(document)
            told.append(f"《{document}》{quoted}")
    return "；".join(dict.fromkeys(told))
