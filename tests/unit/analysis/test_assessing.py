"""What a form of an assessment says, and what it does not speak of."""

from services.analysis.domain.case_documents import without_cells
from services.analysis.web.assessing import Assessment, _body

BEFORE = {"text": "", "local": "", "hidden": {"a": "känt", "gone": "gammalt"}, "comments": {"a": "ring", "gone": "se"}}


def test_what_is_not_on_the_page_stays_hidden_and_commented() -> None:
    fields = {"dolj-a": "känt", "dolj-b": "", "om-b": "nytt", "bedomning": "x"}
    kept = _body(Assessment(bedomning="x"), fields, BEFORE)
    assert kept["hidden"] == {"a": "känt", "gone": "gammalt"}
    assert kept["comments"] == {"a": "ring", "b": "nytt", "gone": "se"}, "a hidden finding's comment has no field"


def test_what_is_on_the_page_is_as_it_says() -> None:
    fields = {"dolj-a": "känt", "visa-a": "1", "om-a": "", "dolj-gone": ""}
    kept = _body(Assessment(), fields, BEFORE)
    assert kept["hidden"] == {}
    assert kept["comments"] == {"gone": "se"}


def test_a_case_without_its_cells() -> None:
    case = {"cells": ["89"], "title": "x", "evidence": [{"method": "scan", "cells": ["89"], "reports": 5}]}
    assert without_cells(case) == {"title": "x", "evidence": [{"method": "scan", "reports": 5}]}
