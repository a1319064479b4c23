"""Nothing personal outside the vault: not in any other row of the database, not in the log."""

import json
from typing import Any

from tests.intake.centre import LEAD, NAME, PHONE, Centre, demand
from tests.support.logs import captured_logs

CANARIES = (NAME, PHONE, "1390469 1234", "230501199001011234", "金丝雀")
SPOKEN = f"我是{NAME}，身份证230501199001011234，电话1390469 1234，也可打{PHONE}"


async def everything_stored(centre: Centre) -> str:
    """Every row of every schema as text; sealed bytes show as hexadecimal."""
    tables = await centre.rows(
        "select table_schema, table_name from information_schema.tables "
        "where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'"
    )
    assert {"vault", "outbox", "idempotency", "timeline"} <= {table["table_name"] for table in tables}
    found = []
    for table in tables:
        rows = await centre.rows(f'select t::text as row from {table[0]}."{table[1]}" t')
        found += [f"{table[0]}.{table[1]}: {row['row']}" for row in rows]
    return "\n".join(found)


async def test_no_table_holds_what_the_requester_said_of_himself(centre: Centre) -> None:
    told: dict[str, Any] = {
        "statement": SPOKEN,
        "address": f"{NAME}家，{PHONE}",
        "legal_limit": {
            "amount": 3,
            "unit": "working_days",
            "basis": {"document": f"给{NAME}的批复", "article": "第一条", "quote": PHONE},
        },
    }
    ticket = await centre.register(**told)
    await centre.register(outcome="answered", type="inquiry", answer=f"{NAME}您好，已登记您的电话{PHONE}")
    transferred = {"outcome": "transferred", "transferred_to": f"{NAME}的单位", "consent": True, "mode": "transfer"}
    await centre.register(**transferred)
    await centre.register(outcome="declined", ground="military", told=True, right_body=f"{NAME}的部队")
    await centre.post("/tickets", demand(**told), key="again")
    await centre.post("/tickets", demand(**told), key="again")
    await centre.hear_itself()
    await centre.closed(ticket)
    look = {"tickets": [ticket["id"]], "purpose": f"联系{PHONE}", "field": "contact"}
    assert (await centre.post("/contact-reveals", look, role="unit", unit=LEAD)).json()["reveals"][0]["name"] == NAME
    wished = await centre.register(**told)
    for path, body in (
        ("supplements", {"text": SPOKEN}),
        ("urgings", {"text": SPOKEN}),
        ("withdrawal", {"reason": SPOKEN}),
    ):
        answer = await centre.post(f"/tickets/{wished['id']}/{path}", {"round": 0, **body})
        assert answer.status_code == 201, answer.text
    limit = told["legal_limit"] | {"amount": 4}
    amended = {"round": 0, "address": f"{NAME}家旁，{PHONE}", "legal_limit": limit, "reason": SPOKEN}
    answer = await centre.post(f"/tickets/{wished['id']}/amendments", amended, headers={"If-Match": '"1"'})
    assert answer.status_code == 201, answer.text
    restriction = {"ground": "repeated_calling", "ends_at": "2025-10-01T00:00:00+08:00", "approver": "dev-supervisor"}
    barred = {"jurisdiction": "shuangyashan", "phone": PHONE, "reason": f"{PHONE}反复拨打", **restriction}
    assert (await centre.post("/restrictions", barred, role="supervisor")).status_code == 201
    assert (await centre.post("/tickets", demand(**told))).status_code == 403
    called = {"round": 1, "outcome": "not_reached", "remark": f"{NAME}未接{PHONE}"}
    assert (await centre.post(f"/tickets/{ticket['id']}/callbacks", called)).status_code == 201
    stored = await everything_stored(centre)
    assert "CallbackRecorded" in stored
    for canary in CANARIES:
        for spelt in (canary, json.dumps(canary)[1:-1]):
            hits = [line[:80] for line in stored.splitlines() if spelt in line]
            assert hits == [], spelt


async def test_no_log_line_holds_what_the_requester_said_of_himself(centre: Centre) -> None:
    with captured_logs("intake") as log:
        await centre.register(statement=SPOKEN)
        await centre.post("/tickets", demand(statement=SPOKEN + "\x00"))
        await centre.post("/tickets", demand(statement=SPOKEN, address=None))
        await centre.post("/tickets", demand(statement=SPOKEN, **{NAME: PHONE}))
        await centre.post("/tickets", demand(requester={"name": NAME, "phone": f"{PHONE}x"}))
        await centre.post("/tickets", json.dumps(demand())[:-1].encode())
        # A failure inside the statement: the driver's own message would quote the row.
        await centre.rows("alter table intake.ticket add constraint no_more check (false) not valid")
        failed = await centre.post("/tickets", demand(statement=SPOKEN))
    assert failed.status_code == 500
    assert NAME not in failed.text
    written = log.getvalue()
    assert "registered" in written
    assert "unhandled" in written
    for canary in CANARIES:
        assert canary not in written
        assert json.dumps(canary)[1:-1] not in written
