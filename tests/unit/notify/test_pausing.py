"""A channel that does not answer is left alone for a moment, and no longer than that."""

import time

import pytest

from services.notify.handlers.pausing import MISSES, PAUSE_SECONDS, Pauses


def test_a_pause_ends_by_itself_and_one_more_miss_begins_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    pauses = Pauses()
    for _ in range(MISSES - 1):
        pauses.missed("mail")
    assert pauses.left("mail") == 0
    pauses.missed("mail")
    assert pauses.left("mail") == PAUSE_SECONDS
    now[0] += 4
    pauses.missed("mail")  # one that was on its way
    assert pauses.left("mail") == PAUSE_SECONDS - 4
    assert pauses.left("sms") == 0
    now[0] += 6
    assert pauses.left("mail") == 0
    pauses.missed("mail")
    assert pauses.left("mail") == PAUSE_SECONDS
    pauses.took("mail")
    pauses.missed("mail")
    assert pauses.left("mail") == 0
