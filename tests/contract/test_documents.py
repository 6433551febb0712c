"""The published contracts are the code's, and independent tools read them."""

import json
import re
from pathlib import Path

import pytest
from faststream.specification.asyncapi.v3_0_0.schema import ApplicationSchema
from openapi_spec_validator import OpenAPIV31SpecValidator

from deploy import stylesheet
from deploy.documents import documents, text_of
from schemas.topics import CATALOGUE
from services.pages.documents import NAMES, document
from services.pages.reference import reference
from services.runtime.migrations import ROOMS


def test_every_test_that_the_threats_name_is_there() -> None:
    root = Path(__file__).parents[2]
    named = set(re.findall(r"test_[a-z_]+\.py", (root / "docs" / "threats.md").read_text("utf-8")))
    assert named
    assert named - {path.name for path in root.glob("tests/**/test_*.py")} == set()


@pytest.mark.parametrize("name", NAMES)
def test_what_is_checked_in_is_what_the_code_says(name: str) -> None:
    made = json.loads(text_of(documents()[name]))
    assert document(name) == made, "run: python -m deploy.documents"


def test_the_stylesheet_is_what_its_parts_say() -> None:
    assert stylesheet.TARGET.read_text("utf-8") == stylesheet.joined(), "run: python -m deploy.stylesheet"


@pytest.mark.parametrize("name", ROOMS)
def test_openapi_documents_are_valid(name: str) -> None:
    found = document(name)
    assert found["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(found).validate()


def test_the_asyncapi_document_is_read_by_another_implementation() -> None:
    found = document("asyncapi")
    read = ApplicationSchema.model_validate(found | {"asyncapi": "3.0.0"})
    assert set(read.channels) == {topic.name for topic in CATALOGUE}
    assert {name for name, o in found["operations"].items() if o["action"] == "receive"} == {
        consumer for topic in CATALOGUE for consumer in topic.consumers
    }


def _references(value: object) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*(_references(inner) for inner in value.values()))
    if isinstance(value, list):
        return set().union(*(_references(inner) for inner in value))
    return set()


@pytest.mark.parametrize("name", NAMES)
def test_every_reference_leads_somewhere(name: str) -> None:
    found = document(name)
    for reference_ in _references(found):
        target: object = found
        for step in reference_.removeprefix("#/").split("/"):
            assert isinstance(target, dict)
            assert step in target, reference_
            target = target[step]


def test_the_page_shows_every_call_and_topic() -> None:
    shown = reference()
    calls = {(c["method"].lower(), c["path"]) for room in shown["rooms"] for c in room["calls"]}
    expected = {(m, path) for name in ROOMS for path, item in document(name)["paths"].items() for m in item}
    assert calls == expected
    assert [c["name"] for c in shown["channels"]] == sorted(t.name for t in CATALOGUE)
