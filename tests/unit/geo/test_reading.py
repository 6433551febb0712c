"""geo reads by structs of its own: they let pass what the contract lets pass, and refuse what it refuses."""

import json
from typing import Any, get_args

import pytest
from hypothesis import given as sampled
from hypothesis import strategies as st
from msgspec import UNSET, structs
from pydantic import BaseModel, ValidationError

from schemas.reports import ReportReceived
from schemas.values import Coordinates, Environment, PlaceAsGiven, Source
from services.geo.domain import reading
from services.geo.domain.deciding import place_key
from services.runtime.errors import Unreadable
from tests.support.facts import received

PAIRS: list[tuple[Any, type[BaseModel]]] = [
    (reading.Report, ReportReceived),
    (reading.Place, PlaceAsGiven),
    (reading.Coordinates, Coordinates),
]


@pytest.mark.parametrize(("ours", "contract"), PAIRS, ids=lambda p: p.__name__)
def test_the_structs_have_the_contract_s_fields_and_defaults(ours: Any, contract: type[BaseModel]) -> None:
    fields = {f.name: f for f in structs.fields(ours)}
    assert set(fields) == set(contract.model_fields)
    for name, model in contract.model_fields.items():
        assert fields[name].required == model.is_required(), name
        if not model.is_required() and name != "place":
            assert fields[name].default == model.default, name


places = st.fixed_dictionaries(
    {},
    optional={
        "coordinates": st.fixed_dictionaries(
            {"x": st.floats(-1e7, 1e7), "y": st.floats(-1e7, 1e7)},
            optional={"crs": st.sampled_from(["EPSG:3006", "EPSG:4326"]), "accuracy_m": st.floats(0, 1e6)},
        ),
        "text": st.text(min_size=1, max_size=120),
        "area_code": st.from_regex(r"[0-9A-Za-zÅÄÖåäö_-]{2,32}", fullmatch=True),
    },
)


@sampled(
    place=places,
    source=st.sampled_from(get_args(Source)),
    environment=st.sampled_from(get_args(Environment)),
    count=st.integers(1, 10_000),
    severity=st.integers(1, 4),
    flags=st.tuples(st.booleans(), st.booleans(), st.booleans()),
)
def test_what_the_contract_writes_is_read_as_it_is(
    place: dict[str, Any], source: str, environment: str, count: int, severity: int, flags: tuple[bool, bool, bool]
) -> None:
    ongoing, withdrawn, invented = flags
    contract = received(
        place=place, source=source, environment=environment, count=count, severity=severity,
        ongoing=ongoing, withdrawn=withdrawn, invented=invented,
    )  # fmt: skip
    ours = reading.read(contract.model_dump_json())
    for field in structs.fields(reading.Report):
        if field.name != "place":
            assert getattr(ours, field.name) == getattr(contract, field.name), field.name
    theirs = contract.place
    assert (ours.place.text, ours.place.area_code) == (theirs.text, theirs.area_code)
    assert (ours.place.coordinates is None) == (theirs.coordinates is None)
    if ours.place.coordinates is not None and theirs.coordinates is not None:
        for name in Coordinates.model_fields:
            assert getattr(ours.place.coordinates, name) == getattr(theirs.coordinates, name)


WRONG: list[tuple[str, Any]] = [
    ("kommun", "682"), ("kommun", "06822"), ("kommun", "0682\n"), ("report_id", "x"), ("revision", -1),
    ("revision", 2**53), ("event_type", "H1"), ("event_type", "A1\n"), ("source", "annan"), ("severity", 0),
    ("severity", 5), ("count", 0), ("count", 10_001), ("time_from", "2026-11-19T12:00:00"), ("time_to", "i går"),
    ("reporter_token", "kort"), ("environment", "inne"), ("confirmed", "kanske"), ("organisation", "x"),
    ("place", {"text": ""}), ("place", {"text": "x" * 121}), ("place", {"area_code": "!"}), ("place", []),
    ("place", {"coordinates": {"x": 1}}), ("place", {"coordinates": {"x": "a", "y": 1}}),
    ("place", {"coordinates": {"x": 1, "y": 1, "crs": "WGS84"}}),
    ("place", {"coordinates": {"x": 1, "y": 1, "accuracy_m": -1}}), ("kommun", UNSET), ("minted_at", UNSET),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), WRONG, ids=lambda v: str(v)[:30])
def test_what_the_contract_refuses_is_refused_without_its_content(field: str, value: Any) -> None:
    body = json.loads(received().model_dump_json())
    if value is UNSET:
        del body[field]
    else:
        body[field] = value
    written = json.dumps(body)
    with pytest.raises(ValidationError):
        ReportReceived.model_validate_json(written)
    with pytest.raises(Unreadable) as refused:
        reading.read(written)
    assert "kanske" not in str(refused.value)


@pytest.mark.parametrize("written", ["", "{", "[]", "null", '{"kommun": NaN}', b"\xff\xfe"])
def test_what_is_no_report_is_unreadable(written: str | bytes) -> None:
    with pytest.raises(Unreadable):
        reading.read(written)


def test_unknown_fields_are_let_by_and_the_place_s_digest_stays() -> None:
    contract = received(place={"text": "Storgatan 4", "coordinates": {"x": 14.5, "y": 57.25, "accuracy_m": 8}})
    body = json.loads(contract.model_dump_json()) | {"new_field": 1}
    ours = reading.read(json.dumps(body))
    # The digest of decisions that were stored when pydantic wrote the place.
    assert place_key(ours.place) == "3308107bf2dd9a93ff13a2c0"
