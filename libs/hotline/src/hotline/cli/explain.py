"""``hotline policy explain``: what a pack says about a situation."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console

from common.calendar import CalendarRefused, NoCalendar, load_calendar
from common.clock import SHANGHAI
from common.web.problems import Problem
from hotline.cli.asking import refuse
from hotline.cli.backtest import pack_named
from hotline.explanation import explained, tell
from sla.routes.previews import Preview


def policy_explain(
    pack: Annotated[str, typer.Argument(metavar="PACK", help="A pack of the folder, or a directory with a draft.")],
    at: Annotated[str, typer.Option(help="When the fact happens that limits run from, such as 2025-09-26T16:00.")],
    type_: Annotated[str | None, typer.Option("--type", help="Type of the demand, such as complaint.")] = None,
    channel: Annotated[str | None, typer.Option(help="The channel it came by.")] = None,
    marks: Annotated[
        list[str] | None, typer.Option("--marks", "--mark", help="Marks, with commas between them or one by one.")
    ] = None,
    category: Annotated[str | None, typer.Option(help="Such as 城市管理/市政道路.")] = None,
    kind: Annotated[str | None, typer.Option(help="One kind of limit; all, when none is named.")] = None,
    round_: Annotated[int, typer.Option("--round", help="Round of handling.")] = 1,
    anonymous: Annotated[bool, typer.Option("--anonymous", help="The requester gave no name.")] = False,
    contact: Annotated[bool, typer.Option(help="Whether the requester left a contact.")] = True,
    confidential: Annotated[bool, typer.Option("--confidential", help="信息保密.")] = False,
    co_handlers: Annotated[int, typer.Option(help="How many units handle it beside the lead.")] = 0,
    received: Annotated[str | None, typer.Option(help="When the report reached the hotline, if not then.")] = None,
    promised: Annotated[str | None, typer.Option(help="A date that is promised to the requester.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    packs: Annotated[Path, typer.Option(help="Folder of policy packs and calendars.")] = Path("policies"),
    calendar: Annotated[Path | None, typer.Option(help="Folder of another calendar.")] = None,
) -> None:
    """What PACK says about a situation: every limit day by day, returns, extensions, who decides, with clauses."""
    found = pack_named(pack, packs)
    asked: dict[str, Any] = {
        "jurisdiction": found.jurisdiction,
        "kind": kind,
        "from": _instant("--at", at),
        "received_at": _instant("--received", received),
        "promised_at": _instant("--promised", promised),
        "situation": {
            "type": type_,
            "channel": channel,
            "category": category,
            "marks": [mark for given in marks or () for mark in given.split(",") if mark],
            "round": round_,
            "anonymous": anonymous,
            "has_contact": contact,
            "confidential": confidential,
            "co_handlers": co_handlers,
        },
    }
    try:
        days = load_calendar(calendar or packs / "calendar")
        told = explained(found, days, Preview.model_validate(asked))
    except (NoCalendar, CalendarRefused) as refused:
        raise refuse(str(refused)) from refused
    except ValidationError as wrong:
        raise refuse("; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in wrong.errors())) from wrong
    except Problem as wrong:
        raise refuse("；".join(f"{one.field}（{one.rule}）：{one.message}" for one in wrong.fields)) from wrong
    if as_json:
        print(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        tell(told, Console(width=None if Console().is_terminal else 160))


def _instant(option: str, written: str | None) -> datetime | None:
    """Without an offset it is local time."""
    if written is None:
        return None
    try:
        found = datetime.fromisoformat(written)
    except ValueError as error:
        raise refuse(f"{option}: {error}") from error
    return found if found.tzinfo is not None else found.replace(tzinfo=SHANGHAI)
