"""How often somebody may call: by the minute and by the day, each by itself, and told when to come back."""

from time import time

import pytest

from services.runtime.problems import Problem
from services.runtime.rates import Rate


async def test_a_day_has_its_own_quota_and_each_client_its_own() -> None:
    rate = Rate(100, per_day=120)
    await rate.count("one", cost=100)
    with pytest.raises(Problem) as refused:
        await rate.count("one")
    assert refused.value.detail == "At most 100 a minute."
    await rate.count("other", cost=100)
    await rate.count("third", cost=60)


async def test_what_is_over_the_day_is_counted_in_no_window() -> None:
    rate = Rate(1000, per_day=50)
    await rate.count("one", cost=40)
    with pytest.raises(Problem) as refused:
        await rate.count("one", cost=20)
    assert refused.value.detail == "At most 50 a day."
    left = 86_400 - time() % 86_400  # until midnight, UTC, when the next day's window begins
    assert abs(int((refused.value.headers or {})["Retry-After"]) - left) <= 2
    await rate.count("one", cost=10)
