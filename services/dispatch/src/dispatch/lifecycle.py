"""THE life cycle of a ticket: what each command and each event from elsewhere does in each status.

Two tables and nothing else. Commands: (status, command) → status; a pair that is not listed is refused with what is
allowed. Foreign events: (status, trigger) → reply, for every status and every fact about a ticket that another service
announces. Whatever races about a ticket, dispatch ends it here, in the order in which it saw things.

A filed closing report decides nothing: until it is accepted the ticket is still its unit's, and the first *decision*
to reach dispatch wins, be it the acceptance or a ruling (see ``closing_filed`` below).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, get_args

from common.events.vocabulary import Status
from common.events.wording import STATUS_WORDS

STATUSES: Final[tuple[Status, ...]] = get_args(Status)
LABELS: Final[Mapping[Status, str]] = STATUS_WORDS

Command = Literal[
    "assign",
    "claim",
    "sign_in",
    "sign_in_part",
    "sub_assign",
    "record_contact",
    "record_centre_contact",
    "report_progress",
    "report_closing",
    "accept_closing",
    "send_back_closing",
    "stop_handling",
    "stop_clock",
    "resume_clock",
    "explain",
    "submit_statement",
    "archive_without_callback",
]
COMMANDS: Final[tuple[Command, ...]] = get_args(Command)
COMMAND_LABELS: Final[Mapping[Command, str]] = MappingProxyType(
    {
        "assign": "派单",
        "claim": "主动认领",
        "sign_in": "签收",
        "sign_in_part": "协办签收",
        "sub_assign": "内部转办",
        "record_contact": "登记联系诉求人",
        "record_centre_contact": "登记中心先行联系",
        "report_progress": "报告办理进展",
        "report_closing": "提交办结报告",
        "accept_closing": "通过办结报告",
        "send_back_closing": "退回办结报告",
        "stop_handling": "停止办理",
        "stop_clock": "中止计时",
        "resume_clock": "恢复计时",
        "explain": "向诉求人说明情况",
        "submit_statement": "提交情况说明",
        "archive_without_callback": "免回访归档",
    }
)
AUTOMATIC: Final[frozenset[Command]] = frozenset({"archive_without_callback"})
"""Commands that no caller can send: a rule follows another command with them."""


@dataclass(frozen=True, slots=True)
class Move:
    """What a command does, and the rule that lets it."""

    becomes: Status
    rule: str


MOVES: Final[Mapping[tuple[Status, Command], Move]] = MappingProxyType(
    {
        ("awaiting_dispatch", "assign"): Move("dispatched", "SYS-14 派单：一家主办，其余协办"),
        ("awaiting_dispatch", "claim"): Move("dispatched", "SYS-14 单位主动认领"),
        ("dispatched", "sign_in"): Move("signed_in", "SYS-16 主办单位签收"),
        # A co-handler signs for its own part: that moves the ticket nowhere, and no lead's step waits for it.
        ("dispatched", "sign_in_part"): Move("dispatched", "SYS-14 协办单位签收本单位部分"),
        ("signed_in", "sign_in_part"): Move("signed_in", "SYS-14 协办单位签收本单位部分"),
        ("closing_filed", "sign_in_part"): Move("closing_filed", "SYS-14 协办单位签收本单位部分"),
        ("dispatched", "sub_assign"): Move("dispatched", "SYS-9 转由下属单位或者本单位人员承办"),
        ("signed_in", "sub_assign"): Move("signed_in", "SYS-9 转由下属单位或者本单位人员承办"),
        ("awaiting_dispatch", "record_centre_contact"): Move("awaiting_dispatch", "ZR-3.2a 中心先行联系"),
        ("dispatched", "record_centre_contact"): Move("dispatched", "ZR-3.2a 中心先行联系"),
        ("signed_in", "record_centre_contact"): Move("signed_in", "ZR-3.2a 中心先行联系"),
        # The unit may speak to the requester first and sign in then; the contact's limit runs from the dispatch.
        ("dispatched", "record_contact"): Move("dispatched", "ZR-3.2a 派单后先行联系诉求人"),
        ("signed_in", "record_contact"): Move("signed_in", "SYS-21 办理中联系诉求人"),
        ("signed_in", "report_progress"): Move("signed_in", "SYS-14 主办、协办报告进展"),
        ("signed_in", "report_closing"): Move("closing_filed", "SYS-14 主办单位提交办结报告"),
        ("closing_filed", "accept_closing"): Move("closed", "SYS-16 办结报告通过；不设审核的随即通过"),
        ("closing_filed", "send_back_closing"): Move("signed_in", "SYS-22 办结报告退回，原时限继续"),
        ("signed_in", "stop_clock"): Move("signed_in", "G-3 规则包列明的情形，中止计时"),
        ("signed_in", "resume_clock"): Move("signed_in", "G-3 中止计时的原因消除，恢复计时"),
        ("signed_in", "stop_handling"): Move("stopped", "SYS-23 符合停止办理情形，已解释并说明理由"),
        ("closed", "explain"): Move("closed", "SYS-22 不满意的，向诉求人说明情况"),
        ("closed", "submit_statement"): Move("closed", "SYS-22 无法满足或者不合理的，提交情况说明及依据"),
        ("closed", "archive_without_callback"): Move("archived", "SYS-22 未留联系方式，无从回访"),
    }
)


class NotAllowed(Exception):
    """The command is not listed for the status; ``allowed`` are those that a caller could send now."""

    def __init__(self, status: Status, command: Command) -> None:
        super().__init__(f"{command} in {status}")
        self.status: Status = status
        self.command: Command = command
        self.allowed = allowed(status)


def allowed(status: Status) -> tuple[Command, ...]:
    """The commands that a caller may send in this status."""
    return tuple(one for one in COMMANDS if (status, one) in MOVES and one not in AUTOMATIC)


def move(status: Status, command: Command) -> Status:
    """The status after the command; ``NotAllowed`` for an unlisted pair."""
    listed = MOVES.get((status, command))
    if listed is None:
        raise NotAllowed(status, command)
    return listed.becomes


Answer = Literal["apply", "overtaken", "note", "ignore"]
"""``apply``: it takes effect, dispatch announces RulingApplied. ``overtaken``: it came too late, RulingOvertaken.
``note``: the docket remembers it. ``ignore``: only the ticket's story has it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a foreign event meets. ``becomes`` None: the status stays.

    ``of_other_round`` is the answer when the event speaks of another round than the present one; None: the round does
    not matter to it.
    """

    answer: Answer
    rule: str
    becomes: Status | None = None
    of_other_round: Answer | None = None

    def for_round(self, current: bool) -> "Reply":
        """The reply once it is known whether the event speaks of the present round."""
        if current or self.of_other_round is None:
            return self
        return Reply(self.of_other_round, self.rule)


HELD: Final[tuple[Status, ...]] = ("dispatched", "signed_in", "closing_filed")
"""Statuses in which a unit holds the ticket and its round runs."""
OPEN: Final[tuple[Status, ...]] = ("awaiting_dispatch", *HELD)

_TOO_LATE: Final = Reply("overtaken", "到达派单环节时已不能生效")
_NOTHING: Final = Reply("ignore", "不影响生命周期")


def _ruling(
    statuses: Iterable[Status], rule: str, becomes: Status | None = None, *, of_this_round: bool = False
) -> Mapping[Status, Reply]:
    """A ruling that takes effect in these statuses and comes too late in all others."""
    reply = Reply("apply", rule, becomes, "overtaken" if of_this_round else None)
    return {status: reply if status in statuses else _TOO_LATE for status in STATUSES}


def _noted(
    statuses: Iterable[Status], rule: str, elsewhere: Reply, other_round: Answer | None
) -> Mapping[Status, Reply]:
    reply = Reply("note", rule, None, other_round)
    return {status: reply if status in statuses else elsewhere for status in STATUSES}


_IGNORED: Final[Mapping[Status, Reply]] = dict.fromkeys(STATUSES, _NOTHING)

FOREIGN: Final[Mapping[str, Mapping[Status, Reply]]] = MappingProxyType(
    {
        # intake
        "TicketCreated": _IGNORED,  # its docket exists already: only the first of a ticket begins a life
        "TicketDeclined": _IGNORED,
        "TicketAnswered": _IGNORED,
        "TicketTransferred": _IGNORED,
        "TicketAmended": _IGNORED,
        "TicketSupplemented": _IGNORED,
        "TicketUrged": _IGNORED,
        "TicketWithdrawn": _ruling(OPEN, "G-3 诉求人撤单", "withdrawn"),
        "TicketMerged": _ruling(OPEN, "G-3 并单", "merged"),
        "TicketAbsorbed": _IGNORED,
        "AttachmentAdded": _IGNORED,
        "CallbackRecorded": _IGNORED,
        # sla
        "DeadlineSet": _IGNORED,
        "DeadlineMoved": _IGNORED,
        "DeadlineApproaching": _IGNORED,
        "DeadlineBreached": _IGNORED,
        "BreachWithdrawn": _IGNORED,
        "DeadlineMet": _IGNORED,
        "DeadlineMissed": _IGNORED,
        "DeadlineStopped": _IGNORED,
        "DeadlineResumed": _IGNORED,
        "PolicyApplied": _noted(STATUSES, "G-3 工单改用另一版规则", _NOTHING, None),
        # review
        "Returned": _noted(HELD, "SYS-18 退单待审", _TOO_LATE, "overtaken"),
        # In closing_filed too: the report decides nothing, the authority's ruling does, and the round ends at the
        # filing of the return. Once the report is accepted (closed) the ruling comes too late.
        "ReturnApproved": _ruling(HELD, "SYS-18 退单同意，另行转派", "awaiting_dispatch", of_this_round=True),
        "ReturnDenied": _noted(HELD, "SYS-19 退单不予同意，原单位继续办理", _NOTHING, "ignore"),
        "ReturnLapsed": _noted(HELD, "SYS-18 退单随轮次终结", _NOTHING, "ignore"),
        "ExtensionRequested": _IGNORED,
        "ExtensionGranted": _ruling(HELD, "SYS-20 延期同意", of_this_round=True),
        "ExtensionDenied": _IGNORED,
        "ExtensionLapsed": _IGNORED,
        "ClosingFlagged": _IGNORED,
        "MarkedDifficult": _IGNORED,
        "MarkedShirked": _IGNORED,
        "ConsultationConvened": _IGNORED,
        "OpinionGiven": _IGNORED,
        "MinutesRecorded": _IGNORED,
        "ConsultationConcluded:unit_named": _ruling(OPEN, "SYS-15 会商指定承办单位", "dispatched"),
        "ConsultationConcluded:unit_confirmed": _ruling(HELD, "SYS-15 会商指定的正是现承办单位，轮次不变"),
        "ConsultationConcluded:unit_absent": _ruling((), "SYS-15 会商指定的单位不在单位库或者已经终止"),
        "ConsultationConcluded:unresolved": _ruling(OPEN, "SYS-15 会商未决"),
        "Escalated": _IGNORED,
        "EscalationDecided:unit_named": _ruling(OPEN, "SYS-15 专报批示指定承办单位", "dispatched"),
        "EscalationDecided:unit_confirmed": _ruling(HELD, "SYS-15 批示指定的正是现承办单位，轮次不变"),
        "EscalationDecided:unit_absent": _ruling((), "SYS-15 批示指定的单位不在单位库或者已经终止"),
        "EscalationDecided:answered": _ruling(OPEN, "SYS-15 专报批示答复口径"),
        "EscalationDecided:sent_back": _ruling(OPEN, "SYS-15 专报退回"),
        "SupervisionIssued": _IGNORED,
        "SupervisionReplied": _IGNORED,
        "CallbackJudged:archive": _ruling(("closed",), "SYS-22 回访后归档", "archived", of_this_round=True),
        "CallbackJudged:redo": _ruling(("closed",), "SYS-22 退回承办单位再次办理", "dispatched", of_this_round=True),
        "CallbackJudged:explanation": _ruling(("closed",), "SYS-22 承办单位向诉求人说明", of_this_round=True),
        "CallbackJudged:statement": _ruling(("closed",), "SYS-22 承办单位提交说明和依据", of_this_round=True),
        "RepeatRegistered": _ruling((*OPEN, "closed"), "ZR-附件9 存电", "archived"),
        "NoticeIssued": _IGNORED,
        "CardIssued": _IGNORED,
        "ReferralPrepared": _IGNORED,
        "ReferralSent": _IGNORED,
        "LookBackRecorded": _IGNORED,
    }
)
"""Trigger → status → reply. A trigger is an event's type, with its outcome where outcomes differ in effect."""

BY_OUTCOME: Final = frozenset(trigger.partition(":")[0] for trigger in FOREIGN if ":" in trigger)


def matters(event_type: str) -> bool:
    """Whether the type can ever be anything but ignored."""
    return event_type in BY_OUTCOME or FOREIGN[event_type] is not _IGNORED


Naming = Literal["unit_named", "unit_confirmed", "unit_absent"]
"""Of a ruling that names units: others than hold the ticket, those that do, or some that no ticket can be sent to."""


def trigger(event_type: str, outcome: str | None = None, naming: Naming = "unit_named") -> str:
    """The table's name for an event; ``naming`` tells rulings that name units apart."""
    if event_type not in BY_OUTCOME:
        return event_type
    return f"{event_type}:{naming if outcome == 'unit_named' else outcome}"


def reply(status: Status, named: str, *, current_round: bool) -> Reply:
    """What the event meets. The table is total: a ``KeyError`` is a type that the catalogue has and this file lacks."""
    return FOREIGN[named][status].for_round(current_round)


def printed() -> str:
    """Both tables for reading, one line per row."""
    lines = ["(status, command) → status"]
    lines += [f"{at:18} {what:25} → {to.becomes:18} {to.rule}" for (at, what), to in MOVES.items()]
    lines += ["", "(status, foreign event) → answer / answer of another round"]
    for named, row in FOREIGN.items():
        if row is _IGNORED:
            lines.append(f"{'any':18} {named:38} ignore")
            continue
        for status, met in row.items():
            becomes = f" → {met.becomes}" if met.becomes else ""
            other = f" / {met.of_other_round}" if met.of_other_round else ""
            lines.append(f"{status:18} {named:38} {met.answer}{other}{becomes}  {met.rule}")
    return "\n".join(lines)
