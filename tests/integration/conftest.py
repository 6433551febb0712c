"""The picture's database as its two processes see it; modules about another room have fixtures of their own."""

from collections.abc import AsyncIterator

import pytest

from services.runtime.database import Database
from services.runtime.migrations import serve_role, work_role
from tests.support.instance import Instance


@pytest.fixture
async def database(instance: Instance) -> AsyncIterator[Database]:
    """As ``analysis work``."""
    made = Database(instance.ground.database_url(work_role("analysis")), pool_size=4)
    yield made
    await made.close()


@pytest.fixture
async def serving(instance: Instance) -> AsyncIterator[Database]:
    """As ``analysis serve``."""
    made = Database(instance.ground.database_url(serve_role("analysis")), pool_size=4)
    yield made
    await made.close()
