"""The demo's invented town: always the same, acceptable to the door, with states that end and things to come."""

from collections import defaultdict
from datetime import UTC, datetime

from deploy.local.lasting import lived
from deploy.local.town import Told, Town
from services.ingest import domain
from services.ingest.domain import ReportIn

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)


def _everything() -> list[Told]:
    return lived(Town(NOW))


def test_the_same_seed_is_the_same_history_and_the_door_takes_all_of_it() -> None:
    everything = _everything()
    assert everything == _everything()
    assert [t.arrives for t in everything] == sorted(t.arrives for t in everything)
    assert everything[-1].arrives < NOW
    for told in everything[::7]:
        report = ReportIn.model_validate(told.body)
        domain.check(report, frozenset(), told.arrives, person=told.sender >= 0)


def test_states_go_on_until_somebody_says_that_they_are_over() -> None:
    versions: dict[str, list[Told]] = defaultdict(list)
    for told in _everything():
        if told.body["event_type"][0] == "E":
            versions[told.body["id"]].append(told)
    newest = [one[-1] for one in versions.values()]
    still = [t for t in newest if t.body["ongoing"] and not t.body.get("withdrawn")]
    ended = [t for t in newest if not t.body["ongoing"]]
    assert len(ended) > 20 * len(still) > 0
    assert all(t.body["time_from"] <= t.body["time_to"] <= NOW.isoformat() for t in ended)
    numbers = [[t.body["source_version"] for t in one] for one in versions.values()]
    assert all(one == sorted(set(one)) for one in numbers), "each version is newer than the ones before"


def test_something_is_coming() -> None:
    calendar = [t for t in _everything() if t.body["event_type"][0] == "F"]
    coming = [t for t in calendar if t.body["time_from"] > NOW.isoformat()]
    assert 2 <= len(coming) < len(calendar)
    assert len({t.body["id"] for t in calendar}) == len(calendar)
