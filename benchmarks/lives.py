"""What becomes of a ticket, as the people at their desks live it: one coroutine a life."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from benchmarks.client import Line
from benchmarks.office import JURISDICTION, LEAD, OTHER, Office

Course = Literal["archived", "returned", "denied", "redone", "anonymous", "left_dispatched", "left_signed_in"]
"""How a life goes: archived after its callback; returned and handled by another unit; a return that is denied; redone
after a callback; without contact; or left lying, so that its deadlines are missed."""
COURSES: tuple[Course, ...] = get_args(Course)
_WEIGHTS = (6, 3, 2, 3, 1, 2, 2)

CANARY_NAME = "欧阳雀"
CANARY_PHONE = "1395550"
"""Every requester's name and number begin so; neither may be found outside the vault."""

_STATEMENT = "小区门口的路灯从上周起一直不亮，老人和孩子晚上出行很不安全，多次向物业反映没有结果，希望尽快派人维修。"

Pause = Callable[[], Awaitable[None]]


async def at_once() -> None:
    """No pause between a life's steps."""


def draw_course(chance: random.Random) -> Course:
    return chance.choices(COURSES, _WEIGHTS)[0]


def registration(number: int, *, anonymous: bool = False) -> dict[str, Any]:
    """What a softphone posts. The statement names the requester, as people do."""
    name, phone = f"{CANARY_NAME}{number:04d}", f"{CANARY_PHONE}{number % 10_000:04d}"
    requester = {"anonymous": True} if anonymous else {"name": name, "phone": phone}
    who = "我不愿透露姓名。" if anonymous else f"我是{name}，电话{phone}。"
    kinds = ("complaint", "help", "inquiry", "suggestion", "tip_off")
    return {
        "jurisdiction": JURISDICTION,
        "channel": "phone",
        "type": kinds[number % len(kinds)],
        "category": "城市管理/市政道路",
        "statement": who
        + "小区门口的路灯从上周起一直不亮，晚上老人和孩子出行很不安全，多次向物业反映没有结果，希望尽快派人维修。",
        "address": f"尖山区新兴大街{number % 900 + 1}号",
        "marks": [],
        "requester": requester,
    }


@dataclass
class Life:
    """One ticket and the keys of its commands, which are the same however often they are sent."""

    office: Office
    line: Line
    name: str
    number: int
    pause: Pause = at_once
    ticket: str = ""
    event: str = ""
    round: int = 0

    async def live(self, course: Course) -> None:
        """Live the whole course. The last effects (archiving after a callback) follow by themselves."""
        await self.register(anonymous=course == "anonymous")
        await self.assign(LEAD)
        if course == "left_dispatched":
            return
        holder = LEAD
        if course in ("returned", "denied"):
            await self.return_it(approve=course == "returned")
            if course == "returned":
                await self.assign(OTHER)
                holder = OTHER
        await self.handle(holder, stop_half_way=course == "left_signed_in")
        if course == "redone":
            await self.call_back(satisfied=False)
            await self.handle(holder)
        if course not in ("anonymous", "left_signed_in"):
            await self.call_back(satisfied=True)

    async def register(self, *, anonymous: bool = False) -> None:
        body = registration(self.number, anonymous=anonymous)
        told = await self._do("/intake/v1/tickets", body, "register", "softphone")
        self.ticket = told["id"]

    async def assign(self, unit: str) -> None:
        body = {"round": self.round, "unit": unit, "principle": "function"}
        told = await self._do(f"/dispatch/v1/tickets/{self.ticket}/assignments", body, "assign", "dispatcher")
        self.round = told["round"]

    async def handle(self, unit: str, *, stop_half_way: bool = False) -> None:
        """Sign in, contact the requester, file the closing report."""
        base = f"/dispatch/v1/tickets/{self.ticket}"
        await self._do(f"{base}/sign-ins", {"round": self.round}, "sign-in", "unit", unit)
        await self._do(f"{base}/contacts", {"round": self.round, "outcome": "reached"}, "contact", "unit", unit)
        if not stop_half_way:
            result = "已派抢修班组现场更换灯头并恢复照明，诉求人现场确认。"
            await self._do(f"{base}/closing-reports", {"round": self.round, "result": result}, "closing", "unit", unit)

    async def return_it(self, *, approve: bool) -> None:
        body = {
            "round": self.round,
            "ground": "not_this_units_duty",
            "reason": "该路段路灯由城市管理部门维护。",
            "legal_basis": "市政府部门职责分工规定",
            "suggested_unit": OTHER,
        }
        told = await self._do(f"/review/v1/tickets/{self.ticket}/returns", body, "return", "unit", LEAD)
        await self._until(f"/review/v1/returns/{told['id']}", "queued")
        ground = "not_this_units_duty" if approve else "needs_further_inquiry"
        ruling = {"round": self.round, "decision": "approve" if approve else "deny", "ground": ground}
        await self._do(f"/review/v1/returns/{told['id']}/rulings", ruling, "ruling", "reviewer")

    async def call_back(self, *, satisfied: bool) -> None:
        body = {
            "round": self.round,
            "means": "phone",
            "outcome": "reached",
            "responded": True,
            "resolved": satisfied,
            "satisfaction": "satisfied" if satisfied else "dissatisfied",
        }
        told = await self._do(f"/intake/v1/tickets/{self.ticket}/callbacks", body, "callback", "agent")
        if satisfied:
            return
        judgement = {"outcome": "redo", "reason": "诉求合理，尚未解决。", "ground": "dissatisfied_and_reasonable"}
        await self._do(f"/review/v1/callbacks/{told['id']}/judgements", judgement, "judgement", "reviewer")
        self.round += 1

    async def _do(self, path: str, body: dict[str, Any], step: str, role: Any, unit: str | None = None) -> Any:
        """One command, after the life's last event was seen where it goes."""
        await self.pause()
        key = f"{self.name}-{step}-{self.round}"
        told = await self.office.command(self.line, path, body, role, key=key, unit=unit, after=self.event or None)
        self.event = told["event"]
        return told

    async def _until(self, path: str, state: str) -> None:
        pause = 0.01
        while (await self.office.read(self.line, path, "reviewer"))["state"] != state:
            await asyncio.sleep(pause)
            pause = min(pause * 2, 0.25)
