"""Fixtures of the whole ladder: one ground and one instance for the session, shared by separate municipalities."""

from collections.abc import AsyncIterator

import pytest

from tests.support.ground import Ground, start_ground
from tests.support.instance import Instance, start_instance


@pytest.fixture(scope="session")
async def ground() -> AsyncIterator[Ground]:
    async with start_ground() as started:
        yield started


@pytest.fixture(scope="session")
async def instance(ground: Ground) -> AsyncIterator[Instance]:
    async with start_instance(ground, gateway=True) as started:
        yield started


_numbers = iter(range(1000, 9999))


@pytest.fixture
def kommun() -> str:
    """A municipality code of this test's own."""
    return f"{next(_numbers):04d}"
