"""Templates: the shared layout and components, and each room's own pages under its name."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import orjson
from fastapi.responses import HTMLResponse
from jinja2 import ChoiceLoader, Environment, PackageLoader, PrefixLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from services.pages import writing
from services.pages.texts import text

STYLE = "/static/style.css"


@cache
def environment() -> Environment:
    """One environment: ``layout.html`` and components here, ``ingest/report.html`` and the like in the rooms.

    Undefined names are errors; everything is escaped but what is no markup (``.txt``).
    """
    rooms = {room: PackageLoader(f"services.{room}", "web") for room in ("ingest", "geo", "analysis", "notify")}
    made = Environment(
        loader=ChoiceLoader([PackageLoader("services.pages", "templates"), PrefixLoader(rooms)]),
        autoescape=select_autoescape(disabled_extensions=("txt",), default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["t"] = text
    made.filters |= {
        "whole": writing.whole,
        "signed": writing.signed,
        "decimal": writing.decimal,
        "short_day": writing.short_day,
        "full_day": writing.full_day,
        "day_with_year": writing.day_with_year,
        "moment": writing.moment,
        "clock": writing.clock,
        "week": writing.week,
    }
    return made


def json_block(value: object) -> Markup:
    """JSON that can stand in a page's ``<script type="application/json">``: data, and no ``<`` can end the element."""
    return Markup(orjson.dumps(value).decode().replace("<", "\\u003c"))  # noqa: S704 - every < is escaped


def html(template: str, context: Mapping[str, Any]) -> str:
    """The rendered template."""
    return environment().get_template(template).render(**context)


def page(template: str, context: Mapping[str, Any], status: int = 200, modules: Sequence[str] = ()) -> HTMLResponse:
    """The rendered template as an answer.

    Its headers name the stylesheet and the scripts that it needs first: a browser asks for them before it has the page,
    which on a slow line is a third of a second.
    """
    first = [
        f"<{STYLE}>; rel=preload; as=style",
        *(f"</static/{name}>; rel=preload; as=script; crossorigin" for name in modules),
    ]
    return HTMLResponse(html(template, context), status, headers={"Link": ", ".join(first)})
