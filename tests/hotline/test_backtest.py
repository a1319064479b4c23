"""A backtest: behaviour held fixed, verdicts by the services' own rules; the record's own pack makes no difference."""

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from rich.console import Console
from tests.support.recorded import Told, record_lines
from tests.support.wire import PACKS, at
from typer.testing import CliRunner

from common.calendar import load_calendar
from common.events.review import ExtensionDenied, ExtensionRequested
from common.events.vocabulary import Limit
from common.policy import Pack, load_pack, parse_pack
from common.policy.pack import examine
from hotline.backtest.codes import MappingRefused, codes_for, parsed
from hotline.backtest.filings import Filing
from hotline.backtest.record import Head, Record, RecordRefused, Story, recorded
from hotline.backtest.run import backtested
from hotline.backtest.tally import Tally, Trial, overdue, rate, trials
from hotline.cli import app

CALENDAR: Final = load_calendar(PACKS / "calendar")
PACK: Final = load_pack(PACKS / "shuangyashan")
AS_OF: Final = "2025-05-06 09:00"
"""After everything that is told here. All stories begin on Monday 3 March 2025; the weeks after have no holidays."""


def changed(change: Callable[[dict[str, Any]], None]) -> Pack:
    """The pack with something changed in its content."""
    content = PACK.dump()
    change(content)
    return parse_pack(content)


def closing_in(days: int) -> Pack:
    def shorten(content: dict[str, Any]) -> None:
        content["limits"]["kinds"]["closing"]["rules"][2]["allowance"]["amount"] = days  # complaints

    return changed(shorten)


def late_refused(content: dict[str, Any]) -> None:
    content["returns"]["late"]["value"] = "refused_and_marked_overdue"


def told(created: str = "2025-03-03 09:00", dispatched: str = "2025-03-03 10:00", **more: Any) -> Told:
    return Told(PACK, CALENDAR).created(created, **more).dispatched(dispatched)


def record(*stories: Told, packs: Sequence[Pack] = (PACK,)) -> Record:
    head = Head(jurisdiction="shuangyashan", as_of=at(AS_OF), tickets=len(stories))
    return Record(head, {pack.version: pack for pack in packs}, CALENDAR, iter([one.story() for one in stories]))


def tried(pack: Pack, *stories: Told, read_as: Sequence[str] = ()) -> list[Trial]:
    codes = codes_for(pack, dict(map(parsed, read_as)))
    return list(trials(record(*stories), codes, CALENDAR))


def tallied(found: Sequence[Trial]) -> Tally:
    tally = Tally(at(AS_OF))
    for one in found:
        tally.add(one)
    return tally


def filings(trial: Trial) -> tuple[Filing, ...]:
    assert trial.after is not None
    return trial.after.filings


# --- the self-check ---


def every_kind_of_story() -> list[Told]:
    """In time and late, returned and denied, late and approved, extended, left alone."""
    in_time = told().signed_in("2025-03-04 09:00").closed("2025-03-12 16:00", "2025-03-13 09:00")
    late = told().signed_in("2025-03-06 09:00").closed("2025-03-31 16:00", "2025-04-01 09:00")
    denied = told()
    case = denied.returned("2025-03-04 09:00", legal_basis=None)
    ruled: dict[str, Any] = {"by_rule": True, "late": False, "ground": "missing_reason_or_basis"}
    denied.return_denied(case, "2025-03-04 09:00", "2025-03-04 09:00", **ruled)
    approved = told()
    case = approved.returned("2025-03-06 09:00")
    approved.return_approved(case, "2025-03-07 09:00", "2025-03-06 09:00", late=True)
    approved.dispatched("2025-03-07 10:00", 2, unit="shuangyashan.shuiwu")
    extended = told().signed_in("2025-03-03 11:00").extended("2025-03-10 09:00", "2025-03-11 09:00", 5)
    extended.closed("2025-03-28 09:00", "2025-03-28 10:00")
    return [in_time, late, denied, approved, extended, told()]


def test_under_its_own_pack_nothing_differs() -> None:
    stories = every_kind_of_story()
    tally = tallied(tried(PACK, *stories))
    assert (tally.tickets, tally.comparable, tally.checked) == (6, 6, 6)
    assert (tally.differing, tally.by_calendar, tally.unchecked) == (0, 0, 0)
    assert tally.limits_checked == sum(len(one.rows) for one in stories) > 20
    assert tally.before.counts == tally.after.counts
    assert all(not one.contradicts and not one.undone for trial in tried(PACK, *stories) for one in filings(trial))


def test_a_verdict_that_was_announced_otherwise_is_found_and_ends_the_command_with_an_error(tmp_path: Path) -> None:
    story = told().signed_in("2025-03-04 09:00")
    [place] = [n for n, one in enumerate(story.events) if one.type == "DeadlineMet"]
    wrong = story.events[place].data.model_copy(update={"fact_at": at("2025-03-04 09:01")})
    story.events[place] = type(story.events[place])(**{**_fields(story.events[place]), "data": wrong})
    [trial] = tried(PACK, story)
    [difference] = trial.differences
    assert difference.startswith("sign_in shuangyashan.chengguan 1")
    file = written(tmp_path, story)
    result = CliRunner().invoke(app, ["policy", "backtest", "shuangyashan", "--record", str(file)])
    assert result.exit_code == 1
    assert "以下结果不可采信" in result.stdout


def _fields(event: Any) -> dict[str, Any]:
    return {name: getattr(event, name) for name in event.__dataclass_fields__}


def test_a_return_that_was_denied_by_rule_and_would_not_be_is_a_difference() -> None:
    story = told()
    case = story.returned("2025-03-04 09:00")  # complete, and in time
    story.return_denied(case, "2025-03-04 09:00", "2025-03-04 09:00", by_rule=True, late=False, ground="designated")
    assert len(tried(PACK, story)[0].differences) == 1


# --- limits ---


def test_a_shorter_limit_makes_what_was_in_time_late_and_changes_nothing_else() -> None:
    story = told().signed_in("2025-03-04 09:00").closed("2025-03-12 16:00", "2025-03-13 09:00")
    [trial] = tried(closing_in(5), story)  # 5 working days: 10 March, 24:00
    [one] = overdue(trial, at(AS_OF))
    assert one.identity[0] == "closing"
    assert (one.said_before, one.said_after) == ("met", "missed")
    assert one.before is not None
    assert one.after is not None
    assert (one.before.due_at, one.after.due_at) == (at("2025-03-25 00:00"), at("2025-03-11 00:00"))
    assert one.after.fact_at == at("2025-03-12 16:00")
    tally = tallied([trial])
    assert rate(tally.before.of(kind="closing")) == (1, 1)
    assert rate(tally.after.of(kind="closing")) == (0, 1)
    assert rate(tally.before.of(kind="sign_in")) == rate(tally.after.of(kind="sign_in")) == (1, 1)


def test_what_is_not_judged_is_in_no_rate_and_counted_apart() -> None:
    tally = tallied(tried(PACK, told(), told(created="2025-04-30 09:00", dispatched="2025-04-30 10:00")))
    signing = tally.after.of(kind="sign_in")
    assert rate(signing) == (0, 0)
    assert signing["overdue"] == 1  # of the second, the limit ends on 6 May after the holiday, at 24:00
    assert signing["open"] == 1
    assert "extension_window" not in {kind for _, kind in tally.after.counts}


def test_a_kind_that_only_one_pack_has_is_shown_and_not_in_the_sum() -> None:
    def with_contact(content: dict[str, Any]) -> None:
        stated = {"rule": "ZR-3.2a", "assumption": "比照"}
        content["limits"]["kinds"]["first_contact"] = {
            "anchor": {"value": "dispatched", **stated},
            "warn_before": {"amount": 4, "unit": "clock_hours", **stated},
            "rules": [{"allowance": {"amount": 1, "unit": "working_days"}, **stated}],
        }

    out = io.StringIO()
    quiet = Console(file=io.StringIO(), width=200)
    backtested(
        record(told().signed_in("2025-03-06 09:00")), codes_for(changed(with_contact), {}), console=quiet, out=out
    )
    figures = json.loads(out.getvalue().splitlines()[-1])
    assert (figures["only_before"], figures["only_after"]) == ([], ["first_contact"])
    assert "first_contact" not in figures["on_time_of_both"]["kinds"]
    assert figures["on_time_of_both"]["before"] == figures["on_time_of_both"]["after"]
    [row] = [one for one in figures["on_time"] if one["kind"] == "first_contact"]
    assert (row["before"]["excluded"]["overdue"], row["after"]["excluded"]["overdue"]) == (0, 1)


# --- returns and extensions ---


def test_a_late_return_that_was_approved_is_refused_by_another_rule_and_its_rounds_stay() -> None:
    story = told()
    case = story.returned("2025-03-06 09:00")
    story.return_approved(case, "2025-03-07 09:00", "2025-03-06 09:00", late=True)
    story.dispatched("2025-03-07 10:00", 2, unit="shuangyashan.shuiwu")
    [trial] = tried(changed(late_refused), story)
    [one] = filings(trial)
    assert (one.recorded.outcome, one.again.outcome, one.undone) == ("granted", "denied_by_rule", True)
    assert one.again.basis[0].article == "第十八条"
    assert trial.after is not None
    assert ("closing", "shuangyashan.shuiwu", 2, None) in trial.after.limits
    assert tallied([trial]).returns["shuangyashan.chengguan"].undone == 1


def test_a_return_that_a_rule_denied_goes_to_a_person_where_no_rule_denies_it() -> None:
    def reason_only(content: dict[str, Any]) -> None:
        content["returns"]["denied_when_missing"]["value"] = ["reason"]

    story = told()
    case = story.returned("2025-03-04 09:00", legal_basis=None)
    ruled: dict[str, Any] = {"by_rule": True, "late": False, "ground": "missing_reason_or_basis"}
    story.return_denied(case, "2025-03-04 09:00", "2025-03-04 09:00", **ruled)
    [one] = filings(tried(changed(reason_only), story)[0])
    assert (one.recorded.outcome, one.again.outcome) == ("denied_by_rule", "person")


def test_a_return_that_the_door_would_refuse_is_told_as_not_filed() -> None:
    def sign_first(content: dict[str, Any]) -> None:
        content["returns"]["before_sign_in"]["value"] = "refused"

    story = told()
    story.returned("2025-03-04 09:00")
    [one] = filings(tried(changed(sign_first), story)[0])
    assert (one.again.outcome, one.again.note) == ("not_filed", "应先签收再退单。")


def test_an_extension_that_the_rules_refuse_prolongs_nothing() -> None:
    def plan_needed(content: dict[str, Any]) -> None:
        content["extensions"]["denied_when_missing"]["value"] = ["reason", "plan"]

    story = told().signed_in("2025-03-03 11:00").extended("2025-03-10 09:00", "2025-03-11 09:00", 5)
    story.closed("2025-03-28 09:00", "2025-03-28 10:00")  # 15 working days end on 24 March, 20 on 31 March
    [trial] = tried(changed(plan_needed), story)
    [one] = filings(trial)
    assert (one.what, one.again.outcome, one.again.ground) == ("extension", "denied_by_rule", "missing_reason")
    [late] = [each for each in overdue(trial, at(AS_OF)) if each.identity[0] == "closing"]
    assert (late.said_before, late.said_after) == ("met", "missed")
    assert late.after is not None
    assert late.after.due_at == at("2025-03-25 00:00")


def test_an_extension_that_needs_nobodys_approval_takes_effect_although_it_was_denied() -> None:
    def by_notice(content: dict[str, Any]) -> None:
        stated = {"value": "notice", "rule": "SYS-20", "assumption": "告知即可"}
        content["extensions"]["approved_by"] = stated

    story = told().signed_in("2025-03-03 11:00")
    case, span = story.ticket, Limit(amount=5, unit="working_days")
    asked: dict[str, Any] = {"case": case, "kind": "ordinary"}
    story.say(ExtensionRequested, "2025-03-10 09:00", **asked, reason="情况复杂", requested=span, nth=1)
    ruled: dict[str, Any] = {"filed_at": at("2025-03-10 09:00"), "by_rule": False, "late": False}
    story.say(ExtensionDenied, "2025-03-11 09:00", **asked, **ruled, ground="not_complex")
    story.closed("2025-03-28 09:00", "2025-03-28 10:00")
    [trial] = tried(changed(by_notice), story)
    [one] = filings(trial)
    assert (one.recorded.outcome, one.again.outcome) == ("denied", "granted_by_rule")
    assert trial.after is not None
    closing = trial.after.limits["closing", story.unit, 1, None]
    assert (closing.due_at, closing.verdict) == (at("2025-04-01 00:00"), "met")
    assert trial.differences == ()


# --- what cannot be compared ---


def other_words() -> Pack:
    """A pack without the channel wechat and the mark special, whose limits look at marks."""

    def without(content: dict[str, Any]) -> None:
        del content["ticket"]["channels"]["wechat"]
        del content["ticket"]["marks"]["special"]
        del content["notices"]  # which speak of it
        for kind in ("first_response", "progress"):
            rules = content["limits"]["kinds"][kind]["rules"]
            content["limits"]["kinds"][kind]["rules"] = [
                one for one in rules if one.get("when", {}).get("marks") != {"eq": "special"}
            ]

    return changed(without)


def test_a_mark_that_the_pack_does_not_know_although_its_limits_look_at_marks_is_not_comparable() -> None:
    [trial] = tried(other_words(), told(marks=["special"]))
    assert trial.after is None
    assert trial.reasons == ("标记 special 在双鸭山市12345政务服务便民热线规则中没有对应",)
    assert trial.checked
    tally = tallied([trial])
    assert (tally.comparable, tally.before.counts, tally.after.counts) == (0, {}, {})


@pytest.mark.parametrize(("read_as", "limited"), [("mark:special=special_urgent", True), ("mark:special=", False)])
def test_such_a_mark_is_read_as_the_caller_says(read_as: str, limited: bool) -> None:
    [trial] = tried(other_words(), told(marks=["special"]), read_as=[read_as])
    assert trial.after is not None
    assert ("first_response" in {kind for kind, *_ in trial.after.limits}) is limited


def test_a_channel_makes_no_difference_where_no_rule_looks_at_channels_and_that_is_told() -> None:
    console = Console(file=io.StringIO(), width=200)
    stories = [told(channel="wechat"), told(marks=["special"])]
    tally = backtested(record(*stories), codes_for(other_words(), {}), console=console)
    assert (tally.tickets, tally.comparable) == (2, 1)
    said = console.file.getvalue()  # type: ignore[attr-defined]  # as it was just made
    assert "受理渠道 wechat 在拟用规则下不作为任何情形的条件判定" in said
    assert "标记 special 在拟用规则下" not in said


@pytest.mark.parametrize(
    "read_as", ["special=urgent", "mark:special", "colour:red=blue", "mark:special=none_such", "channel:wechat="]
)
def test_a_translation_that_cannot_be_is_refused(read_as: str) -> None:
    with pytest.raises(MappingRefused):
        codes_for(other_words(), dict([parsed(read_as)]))


def test_a_situation_without_a_row_a_missing_registration_and_a_missing_pack_are_told() -> None:
    content = PACK.dump()
    del content["limits"]["kinds"]["closing"]["rules"][:2]  # complaints only: such a pack is refused at load
    gap, _ = examine(content)
    assert gap is not None
    [silent] = tried(gap, told(type="help"))
    assert "规则没有适用于该工单情形的规定" in silent.reasons[0]
    story = told()
    story.events = story.events[1:]
    assert tried(PACK, story)[0].reasons == ("存档中没有该工单的登记",)
    codes = codes_for(PACK, {})
    [unknown] = trials(record(told(), packs=()), codes, CALENDAR)
    assert (unknown.checked, unknown.reasons) == (False, ())
    assert unknown.unchecked == (f"存档中没有规则版本 {PACK.version}",)


# --- files and the command ---


def written(folder: Path, *stories: Told) -> Path:
    file = folder / "record.jsonl"
    file.write_text("\n".join(record_lines([PACK], CALENDAR, stories, AS_OF)) + "\n", encoding="utf-8")
    return file


def test_a_record_in_a_file_is_the_record(tmp_path: Path) -> None:
    stories = every_kind_of_story()
    with recorded(written(tmp_path, *stories)) as read:
        assert list(read.packs) == [PACK.version]
        assert read.calendar.version == CALENDAR.version
        assert list(read.stories) == [Story(one.ticket, tuple(one.events)) for one in stories]


def test_only_tickets_of_the_span_are_read(tmp_path: Path) -> None:
    first, second = told(), told(created="2025-03-05 09:00", dispatched="2025-03-05 10:00")
    with recorded(written(tmp_path, first, second), at("2025-03-04 00:00"), at("2025-03-06 00:00")) as read:
        assert [one.ticket for one in read.stories] == [second.ticket]


@pytest.mark.parametrize(
    "line", ["", "{}", '{"record": 9, "jurisdiction": "x", "as_of": "2025-01-01T00:00:00Z", "tickets": 0}']
)
def test_what_is_no_record_is_refused_in_a_sentence(tmp_path: Path, line: str) -> None:
    file = tmp_path / "record.jsonl"
    file.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(RecordRefused), recorded(file):
        pass


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    file = written(tmp_path, told())
    lines = file.read_text("utf-8").splitlines()
    file.write_text("\n".join([*lines[:-1], "{}"]), encoding="utf-8")
    with recorded(file) as read, pytest.raises(RecordRefused, match=f"line {len(lines)}"):
        list(read.stories)


def test_the_command_prints_tables_and_writes_every_row(tmp_path: Path) -> None:
    draft = tmp_path / "shuangyashan"
    draft.mkdir()
    for part in sorted((PACKS / "shuangyashan").glob("*.yaml")):
        text = part.read_text("utf-8").replace(
            "allowance: {amount: 15, unit: working_days}", "allowance: {amount: 5, unit: working_days}"
        )
        (draft / part.name).write_text(text, encoding="utf-8")
    file, rows = written(tmp_path, *every_kind_of_story()), tmp_path / "rows.jsonl"
    arguments = ["policy", "backtest", str(draft), "--record", str(file), "--json", str(rows)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "不一致 0 项" in result.stdout
    assert "超期清单" in result.stdout
    lines = [json.loads(one) for one in rows.read_text("utf-8").splitlines()]
    assert {one["row"] for one in lines} == {"overdue", "return", "extension", "figures"}
    figures = lines[-1]
    assert figures["self_check"]["differences"] == 0
    [closing] = [
        one for one in figures["on_time"] if (one["unit"], one["kind"]) == ("shuangyashan.chengguan", "closing")
    ]
    assert closing["before"]["denominator"] >= closing["before"]["numerator"] == 2
    assert closing["after"]["numerator"] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "No pack nowhere"),
        (["shuangyashan", "--map", "mark:x"], "--map"),
        (["shuangyashan", "--record", "/nowhere/record.jsonl"], "cannot be read"),
        (["shuangyashan", "--calendar", "tests"], "--calendar"),
    ],
)
def test_what_is_asked_wrongly_is_answered_in_a_sentence(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(app, ["policy", "backtest", *arguments])
    assert result.exit_code == 2
    assert said in result.stderr
