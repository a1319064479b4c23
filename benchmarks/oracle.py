"""What must be true once everything is quiet, whatever was killed before: asked of the tables, not of the services."""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import asyncpg

from benchmarks.lamps import audit
from benchmarks.ledger import Ledger
from benchmarks.lives import CANARY_NAME, CANARY_PHONE
from benchmarks.running import SuiteRun
from common.database import SERVICES
from common.events.catalogue import REFERENCE, TICKETS

QUIET_SECONDS: Final = 60.0
_CUT: Final = frozenset(
    {
        "BrokenPipeError", "ConnectionResetError", "ConnectionDoesNotExistError", "InterfaceError",
        "InternalClientError", "TimeoutError",
    }
)  # fmt: skip

_BECOMES: Final[Mapping[tuple[str, str], str]] = {
    ("awaiting_dispatch", "Dispatched"): "dispatched",
    ("dispatched", "SignedIn"): "signed_in",
    ("dispatched", "Reissued"): "dispatched",
    ("signed_in", "RequesterContacted"): "signed_in",
    ("signed_in", "ClosingReported"): "closing_filed",
    ("closing_filed", "Closed"): "closed",
    ("closed", "Archived"): "archived",
    ("archived", "Archived"): "archived",
}
"""The life written down once more, by hand: (status, event of dispatch) → status. Rulings say theirs themselves."""


@dataclass
class Findings:
    """What is wrong, by name, with examples; and how much was looked at."""

    violations: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    looked_at: dict[str, int] = field(default_factory=dict)

    def wrong(self, name: str, examples: Sequence[object]) -> None:
        if examples:
            self.violations[name] += [str(one) for one in examples[:5]] + [f"({len(examples)} in all)"]

    def __str__(self) -> str:
        wrong = "".join(f"\n  {name}: {'; '.join(examples)}" for name, examples in self.violations.items())
        return f"looked at {self.looked_at}" + (f"\nVIOLATIONS{wrong}" if wrong else ", nothing wrong")


async def judge(
    suite: SuiteRun, ledger: Ledger, oddities: Sequence[str], now: datetime, quiet_seconds: float = QUIET_SECONDS
) -> Findings:
    """Wait until the suite is quiet, then look at everything. ``now`` is where its clock stands."""
    findings = Findings()
    findings.wrong("answers that are neither final nor 503 with Retry-After", oddities)
    connection = await asyncpg.connect(suite.admin_url)
    try:
        findings.wrong("not quiet", await _quiet(connection, quiet_seconds))
        await _acknowledged(connection, ledger, findings)
        await _each_effect_once(connection, findings)
        await _in_order(connection, findings)
        await _same_everywhere(connection, findings)
        archive = await _archive(connection)
        findings.looked_at["events"] = len(archive)
        _legal(archive, await _statuses(connection), findings)
        audited, wrong = audit(archive, now)
        findings.looked_at |= audited
        for name, examples in wrong.items():
            findings.wrong(name, examples)
        await _nothing_personal(connection, suite, findings)
        findings.wrong("errors in the log", await asyncio.to_thread(_errors, suite))
    finally:
        await connection.close()
    return findings


async def _quiet(connection: Any, seconds: float) -> list[str]:
    """What still moves after that time: unpublished facts, facts that a consumer has not entered, parked ones."""
    give_up = time.monotonic() + seconds
    while moving := await busy(connection):
        if time.monotonic() > give_up:
            break
        await asyncio.sleep(0.2)
    parked = [
        f"{service}: {row['kind']} {row['reason']}"
        for service in SERVICES
        for row in await connection.fetch(f"select kind, reason from {service}.parked where ended_at is null")  # noqa: S608
    ]
    return moving + parked


async def busy(connection: Any) -> list[str]:
    """What is announced and not yet consumed by everybody."""
    moving = []
    announced = " union all ".join(
        f"select event_id from {service}.outbox where topic in ('{TICKETS}', '{REFERENCE}')"  # noqa: S608
        for service in SERVICES
    )
    for service in SERVICES:
        unpublished = await connection.fetchval(f"select count(*) from {service}.outbox where published_at is null")  # noqa: S608
        missing = await connection.fetchval(
            f"select count(*) from ({announced}) a where not exists "  # noqa: S608
            f"(select from {service}.inbox i where i.event_id = a.event_id)"
        )
        moving += [f"{service}: {unpublished} unpublished"] if unpublished else []
        moving += [f"{service}: {missing} facts never consumed"] if missing else []
    behind = await connection.fetchval(
        "select sum(p.next_offset - c.committed) from bus.claim c join bus.partition p using (topic, partition)"
    )
    return moving + ([f"groups {behind} behind"] if behind else [])


async def _acknowledged(connection: Any, ledger: Ledger, findings: Findings) -> None:
    """Every acknowledged command is there, once; a key whose answer never came has at most one ticket."""
    registered = {
        row["key"]: row["id"]
        for row in await connection.fetch(
            "select key, response ->> 'id' as id from intake.idempotency "
            "where endpoint = 'POST /tickets' and status = 201"
        )
    }
    tickets = {str(row["id"]) for row in await connection.fetch("select id from intake.ticket")}
    sealed = {str(row["ticket"]) for row in await connection.fetch("select ticket from intake.vault")}
    archived = {str(row["event_id"]) for row in await connection.fetch("select event_id from reporting.archive")}
    registrations = [one for one in ledger.acknowledged.values() if one.path == "/intake/v1/tickets"]
    expected = {one.key: one.body["id"] for one in registrations}
    findings.wrong(
        "acknowledged tickets lost",
        [key for key, ticket in expected.items() if registered.get(key) != ticket or ticket not in tickets],
    )
    findings.wrong("tickets without their key", sorted(tickets - set(registered.values())))
    findings.wrong("tickets nobody asked for", sorted(set(registered) - set(expected) - ledger.unknown))
    findings.wrong("tickets without their vault", sorted(tickets ^ sealed))
    findings.wrong(
        "acknowledged commands without their event",
        [one.key for one in ledger.acknowledged.values() if one.event not in archived],
    )
    findings.looked_at |= {"acknowledged commands": len(ledger.acknowledged), "tickets": len(tickets)}


async def _each_effect_once(connection: Any, findings: Findings) -> None:
    """Archive, story and timeline hold every ticket's event once; the feeds are numbered without gaps."""
    archived = await _column(connection, "select event_id from reporting.archive where subject like 'ticket/%'")
    for name, query in {
        "story": "select event_id from dispatch.story",
        "timeline": "select event_id from intake.timeline",
    }.items():
        told = await _column(connection, query)
        findings.wrong(f"events twice in the {name}", sorted({one for one in told if told.count(one) > 1})[:5])
        findings.wrong(f"events of the archive and not of the {name}", sorted(set(archived) - set(told)))
        findings.wrong(f"events of the {name} and not of the archive", sorted(set(told) - set(archived)))
    findings.wrong(
        "unit feeds with gaps",
        await _column(
            connection,
            "select unit from dispatch.unit_feed group by unit having count(*) <> max(seq) or count(seq) <> count(*)",
        ),
    )


async def _in_order(connection: Any, findings: Findings) -> None:
    """Per announcing service and subject: 1 to n without gaps, in the order of the log, none but those announced."""
    findings.wrong(
        "sequences that do not follow each other in the log",
        await connection.fetch(
            """
            select * from (
                select source, subject, sequence, lag(sequence, 1, 0::bigint) over (
                    partition by source, subject order by topic, partition, "offset") as before
                from reporting.archive where sequence > 0
            ) s where sequence <> before + 1
            """
        ),
    )
    drawn = " union all ".join(
        f"select '{service}' as source, subject, last from {service}.subject_sequence"  # noqa: S608
        for service in SERVICES
    )
    findings.wrong(
        "sequences drawn and not archived",
        await connection.fetch(
            f"""
            select d.*, a.last as archived from ({drawn}) d
            left join (select source, subject, max(sequence) as last from reporting.archive group by 1, 2) a
                using (source, subject)
            where d.last is distinct from a.last
            """  # noqa: S608
        ),
    )


async def _same_everywhere(connection: Any, findings: Findings) -> None:
    """Four services know each ticket's status, round and unit; they agree. sla knows who holds it until it ends."""
    findings.wrong(
        "tickets on whose state the services differ",
        await connection.fetch(
            """
            select d.ticket, d.status, i.status as intake, v.status as review, r.status as reporting,
                   d.round, i.round as intake_round, v.round as review_round, r.round as reporting_round,
                   s.round as sla_round, s.unit is not null as sla_holds, d.unit
            from dispatch.docket d
            full join intake.ticket i on i.id = d.ticket
            full join review.docket v on v.ticket = d.ticket
            full join reporting.ticket r on r.ticket = d.ticket
            full join sla.docket s on s.ticket = d.ticket
            where (d.status, d.round, d.unit) is distinct from (i.status, i.round, i.unit)
               or (d.status, d.round, d.unit) is distinct from (v.status, v.round, v.unit)
               or (d.status, d.round, d.unit) is distinct from (r.status, r.round, r.unit)
               or (d.round, case when d.status in ('archived', 'withdrawn', 'stopped') then null else d.unit end)
                  is distinct from (s.round, s.unit)
            """
        ),
    )
    findings.wrong(
        "deadlines on which reporting differs from sla",
        await connection.fetch(
            """
            select l.subject, l.kind, l.round, l.state, l.verdict, r.state as r_state, r.verdict as r_verdict
            from sla.deadline l
            full join reporting.deadline r on r.ticket = l.ticket and r.kind = l.kind and r.round = l.round
                and r.identity like '%' || coalesce(l.case_id::text, '')
            where not coalesce(l.is_window, r."window") and (l.state, l.verdict) is distinct from (r.state, r.verdict)
            """
        ),
    )


@dataclass(frozen=True, slots=True)
class Archived:
    """One event of the archive; ``at`` is when it was accepted."""

    source: str
    subject: str
    sequence: int
    type: str
    data: Mapping[str, Any]


async def _archive(connection: Any) -> list[Archived]:
    rows = await connection.fetch(
        "select source, subject, sequence, type, value from reporting.archive where subject like 'ticket/%' "
        "order by subject, source, sequence"
    )
    return [
        Archived(row["source"], row["subject"], row["sequence"], row["type"], json.loads(row["value"])) for row in rows
    ]


async def _statuses(connection: Any) -> dict[str, str]:
    rows = await connection.fetch("select ticket, status from dispatch.docket")
    return {f"ticket/{row['ticket']}": row["status"] for row in rows}


def _legal(archive: Sequence[Archived], statuses: Mapping[str, str], findings: Findings) -> None:
    """Dispatch's events of a ticket, in their order, lead from its registration to its status, by listed steps."""
    at: dict[str, str] = defaultdict(lambda: "awaiting_dispatch")
    for one in archive:
        if one.source != "dispatch":
            continue
        before = at[one.subject]
        after = one.data["new_status"] if one.type == "RulingApplied" else _BECOMES.get((before, one.type))
        if after is None:
            findings.wrong("unlisted steps", [f"{one.subject}: {one.type} in {before}"])
        at[one.subject] = after or before
    findings.wrong(
        "statuses that the events do not lead to",
        [f"{subject}: {status}, told {at[subject]}" for subject, status in statuses.items() if at[subject] != status],
    )


async def _nothing_personal(connection: Any, suite: SuiteRun, findings: Findings) -> None:
    """No requester's name or number outside the vault: not on the bus, in no copy, in no log."""
    places = [f"{service}.outbox value" for service in SERVICES]
    places += ["bus.log value", "reporting.archive value", "dispatch.story value", "intake.ticket statement"]
    places += ["intake.ticket address", "intake.idempotency response::text", "intake.timeline data::text"]
    for place in places:
        table, column = place.split(" ")
        found = await connection.fetchval(
            f"select count(*) from {table} where {column} like any($1)",  # noqa: S608
            [f"%{CANARY_NAME}%", f"%{CANARY_PHONE}%"],
        )
        findings.wrong("personal data outside the vault", [f"{place}: {found} rows"] if found else [])
    for log in (suite.log, suite.data / "postgres.log"):
        text = await asyncio.to_thread(log.read_text, "utf-8", "replace")
        findings.wrong("personal data in logs", [log.name] if CANARY_NAME in text or CANARY_PHONE in text else [])


def _errors(suite: SuiteRun) -> list[str]:
    """Lines of level error: kills and cut connections are warnings, whatever else is an error is a fault."""
    told = []
    for line in suite.log.read_text("utf-8", "replace").splitlines():
        if '"level":"error"' in line:
            entry = json.loads(line)
            if _closing_what_was_cut(entry):
                continue
            raised = [f"{one['kind']} at {one['at'][-1:]}" for one in entry.get("raised", ())]
            told.append(f"{entry.get('service')}: {entry['event'].strip()} {entry.get('reason', '')} {raised}")
        elif line.startswith("Traceback"):
            told.append("a traceback")
    return told


def _closing_what_was_cut(entry: Mapping[str, Any]) -> bool:
    """Whether the pool only says that a connection which it closes had been cut already."""
    kinds = {one["kind"].rpartition(".")[2] for one in entry.get("raised", ())}
    return str(entry.get("logger", "")).startswith("sqlalchemy.pool") and bool(kinds) and kinds <= _CUT


async def _column(connection: Any, query: str) -> list[Any]:
    return [row[0] for row in await connection.fetch(query)]
