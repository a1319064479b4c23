"""One run per bus of the circular's cases and two more, in a suite of child processes; the tests look at it."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from tests.contracts.validation import PlainConsumer
from tests.journeys.capture import everything
from tests.journeys.more_stories import DENIED, REDONE

from common.events.envelope import Message
from common.policy import Pack, load_pack
from hotline.demo.own_suite import BusKind
from hotline.demo.player import Case, Ended, Played
from hotline.demo.run import Programme, Stage, programme, staged
from hotline.demo.stories import Collection, read_collection

ROOT = Path(__file__).parents[2]
PACKS = ROOT / "policies"
EXAMPLES = ROOT / "examples" / "xinglongtai-2023"


@dataclass(frozen=True, slots=True)
class Journey:
    """A suite in which every story has been played to its end, still running."""

    shown: Programme
    stage: Stage
    endings: list[Ended]

    def ended(self, story: str) -> Ended:
        return next(one for one in self.endings if one.case.moved.story.story == story)

    def case(self, story: str) -> Case:
        return self.ended(story).case

    def played(self) -> Iterator[Played]:
        for case in self.stage.player.cases:
            yield from case.played

    async def captured(self) -> list[Message]:
        return await everything(self.stage.running, self.shown.unit)


@pytest.fixture(scope="session")
def circular() -> Collection:
    return read_collection(EXAMPLES)


@pytest.fixture(scope="session")
def rules() -> Pack:
    return load_pack(PACKS / "shuangyashan")


@pytest.fixture(
    scope="session",
    params=[
        pytest.param("embedded", marks=pytest.mark.database),
        pytest.param("kafka", marks=[pytest.mark.database, pytest.mark.broker]),
    ],
)
async def journey(
    request: pytest.FixtureRequest, circular: Collection, rules: Pack, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Journey]:
    stories = Collection(circular.source, [*circular.stories, DENIED, REDONE])
    shown = programme(stories, rules)
    folder = tmp_path_factory.mktemp("journey")
    async with staged(shown, PACKS, cast(BusKind, request.param), folder) as stage:
        await stage.player.play(shown.scenes)
        await stage.player.let_time_pass()
        journey = Journey(shown, stage, await stage.player.endings())
        yield journey
        # What the tests put on the bus themselves is no exception.
        consumer = PlainConsumer(await stage.desk.asyncapi())
        for message in await journey.captured():
            consumer.check(message.headers, message.value, topic=message.topic, key=message.key)
