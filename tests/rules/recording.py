"""A plugin of pytest that writes down what became of each test: ``-p tests.rules.recording``."""

import json
from collections import defaultdict
from pathlib import Path

import pytest

RECORD = "--record"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(RECORD, type=Path, required=True, help="the file to write")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Recorder(config.getoption(RECORD)))


class Recorder:
    """For each file and function, how many tests passed, and what did not."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._passed: dict[str, int] = defaultdict(int)
        self._wrong: dict[str, list[str]] = defaultdict(list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        place = report.nodeid.partition("[")[0]
        if report.failed or report.skipped:
            self._wrong[place].append(f"{report.nodeid} {report.outcome} at {report.when}")
        elif report.when == "call":
            self._passed[place] += 1

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._wrong[report.nodeid.partition("::")[0]].append(f"{report.nodeid} can not be collected")

    def pytest_sessionfinish(self) -> None:
        self._path.write_text(json.dumps({"passed": self._passed, "wrong": self._wrong}), encoding="utf-8")
