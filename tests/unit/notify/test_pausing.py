"""A channel that does not answer is left alone for a moment, and no longer than that."""

import time
from uuid import uuid4

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


def test_a_channel_takes_so_many_a_second_and_who_waits_keeps_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    pauses, people = Pauses(), [uuid4() for _ in range(4)]
    assert [pauses.turn("sms", who, 2.0) for who in people] == [0.0, 0.5, 1.0, 1.5]
    assert [pauses.turn("sms", who, 2.0) for who in people[1:]] == [0.5, 1.0, 1.5], "asking again gives no later place"
    assert pauses.turn("mail", people[0], None) == 0.0
    now[0] += 1.0
    assert [pauses.turn("sms", who, 2.0) for who in people[1:]] == [0.0, 0.0, 0.5]
    assert pauses.turn("ntfy", people[3], 2.0) == 0.5, "a message has one place; it is asked for by one way at a time"
    now[0] += 10
    assert pauses.turn("sms", uuid4(), 2.0) == 0.0, "what nobody used is not saved up"
    assert pauses.turn("sms", uuid4(), 2.0) == 0.5
    assert pauses.turn("sms", uuid4(), 2.0, urgent=True) == 0.0, "urgent ones stand in no line"
    assert pauses.turn("sms", uuid4(), 2.0) == 1.5, "and are counted all the same"
