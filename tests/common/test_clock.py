"""Domain time, the local day, and ids that carry machine time."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from uuid import UUID, uuid4

import pytest

from common.clock import (
    SHANGHAI,
    Clock,
    ClockWentBack,
    DatabaseClock,
    FrozenClock,
    InstantOutOfRange,
    NaiveInstant,
    RealClock,
    SimulatedClock,
    TimeZoneMissing,
    in_utc,
    instant_of,
    local_date,
    new_id,
    zone,
)

NOON = datetime(2025, 1, 1, 12, 0, tzinfo=SHANGHAI)
CLOCKS: tuple[Clock, ...] = (RealClock(), FrozenClock(NOON), SimulatedClock(NOON))


@pytest.mark.parametrize("clock", CLOCKS, ids=lambda clock: type(clock).__name__)
def test_every_clock_answers_in_utc(clock: Clock) -> None:
    assert clock.now().tzinfo is UTC


@pytest.mark.parametrize("kind", [FrozenClock, SimulatedClock])
def test_a_clock_set_in_local_time_tells_the_same_instant_in_utc(
    kind: type[FrozenClock] | type[SimulatedClock],
) -> None:
    assert kind(NOON).now() == datetime(2025, 1, 1, 4, 0, tzinfo=UTC)


def test_the_real_clock_does_not_stand_still_or_go_back() -> None:
    clock = RealClock()
    readings = [clock.now() for _ in range(100)]
    assert readings == sorted(readings)


def test_simulated_time_moves_on_and_may_be_told_the_same_instant_again() -> None:
    clock = SimulatedClock(NOON)
    clock.set(NOON)
    clock.set(NOON + timedelta(seconds=1))
    assert clock.now() == NOON + timedelta(seconds=1)


def test_simulated_time_does_not_go_back() -> None:
    clock = SimulatedClock(NOON)
    with pytest.raises(ClockWentBack, match="cannot go back to 2025-01-01T03:59:59"):
        clock.set(NOON - timedelta(seconds=1))
    assert clock.now() == NOON


def test_an_instant_without_offset_is_refused_everywhere() -> None:
    naive = datetime(2025, 1, 1, 12, 0)  # noqa: DTZ001 the thing refused
    for use in (FrozenClock, SimulatedClock, SimulatedClock(NOON).set, local_date, in_utc):
        with pytest.raises(NaiveInstant, match="has no offset"):
            use(naive)


@pytest.mark.parametrize("at", [datetime.min.replace(tzinfo=SHANGHAI), datetime.max.replace(tzinfo=UTC)])
def test_an_instant_at_the_edge_of_the_years_is_refused(at: datetime) -> None:
    for use in (FrozenClock, local_date):
        with pytest.raises(InstantOutOfRange, match="no instant that a hotline could mean"):
            use(at)


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (datetime(2024, 9, 30, 15, 59, 59, tzinfo=UTC), date(2024, 9, 30)),
        (datetime(2024, 9, 30, 16, 0, 0, tzinfo=UTC), date(2024, 10, 1)),
        (datetime(2024, 9, 30, 12, 0, tzinfo=timezone(timedelta(hours=-5))), date(2024, 10, 1)),
    ],
)
def test_the_day_is_shanghais_whatever_offset_the_instant_was_written_in(at: datetime, day: date) -> None:
    assert local_date(at) == day


def test_a_missing_time_zone_says_what_to_install() -> None:
    with pytest.raises(TimeZoneMissing, match="install the Python package tzdata"):
        zone("Asia/Nowhere")


@pytest.mark.parametrize("host_zone", ["UTC", "America/New_York", "Pacific/Kiritimati"])
def test_the_hosts_own_time_zone_changes_nothing(host_zone: str) -> None:
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "from datetime import datetime, UTC; from common.clock import local_date, RealClock, new_id, instant_of;"
            "assert abs((RealClock().now() - instant_of(new_id())).total_seconds()) < 5;"
            "print(local_date(datetime(2024, 9, 30, 16, tzinfo=UTC)))",
        ],
        env={**os.environ, "TZ": host_zone},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == "2024-10-01"


def test_ids_of_one_process_strictly_increase_also_across_threads() -> None:
    with ThreadPoolExecutor(4) as pool:
        batches = list(pool.map(lambda _: [new_id() for _ in range(5_000)], range(4)))
    for batch in batches:
        assert all(earlier < later for earlier, later in pairwise(batch))
    assert len({drawn for batch in batches for drawn in batch}) == 20_000


def test_an_id_tells_when_it_was_made() -> None:
    before = RealClock().now()
    made = instant_of(new_id())
    assert made is not None
    assert made.tzinfo is UTC
    assert abs(made - before) < timedelta(seconds=5)


def test_an_id_is_a_version_7_uuid_of_the_rfc() -> None:
    drawn = new_id()
    assert drawn.version == 7
    assert drawn.variant == "specified in RFC 4122"
    # RFC 9562, appendix A.6
    assert instant_of(UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")) == datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)


def test_other_uuids_tell_no_instant() -> None:
    assert instant_of(uuid4()) is None


def test_the_databases_clock_counts_and_is_carried_on_by_the_monotonic_one() -> None:
    clock = DatabaseClock()
    before = time.monotonic()
    said = datetime(2024, 9, 28, 4, tzinfo=UTC)
    assert abs(clock.look(said, before, before)) > 10**6, "this machine is years ahead"
    passed = time.monotonic() - before
    assert said <= clock.now() <= said + timedelta(seconds=passed + 5)


def test_an_answer_moves_the_databases_clock_only_beyond_its_round_trip() -> None:
    clock = DatabaseClock()
    said = datetime(2024, 9, 28, 4, tzinfo=UTC)
    clock.look(said, 100.0, 100.0)
    assert clock.look(said + timedelta(seconds=10.4), 110.0, 111.0) == 0.0, "it may have been asked at 110.4"
    assert clock.look(said + timedelta(seconds=25), 120.0, 120.2) == pytest.approx(4.9)
    assert clock.look(said + timedelta(seconds=-3570), 130.0, 130.0) == pytest.approx(-3604.9)
