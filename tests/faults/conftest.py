"""One table for the session, printed at its end; written when no fault was left out."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.tally import Table

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is a fault."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("faults")


@pytest.fixture(scope="session")
def table(request: pytest.FixtureRequest) -> Iterator[Table]:
    made = Table()
    yield made
    written = made.write() if not request.config.option.markexpr else made.text()
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.ensure_newline()
        reporter.write_line(written)
