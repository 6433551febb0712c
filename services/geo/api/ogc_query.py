"""The parameters of OGC API – Features, read so that what is unknown or wrong is a 400, as Part 1 wants it."""

from collections.abc import Callable
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.geo.domain import features
from services.geo.domain.features import BadQuery
from services.geo.store import features as store
from services.runtime.problems import Problem

M = TypeVar("M", bound=BaseModel)
MOST_ITEMS = 10_000


class Items(BaseModel):
    """The parameters of a page of items."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    limit: Annotated[int, Field(ge=1)] = 1000
    bbox: str | None = None
    bbox_crs: Annotated[str | None, Field(alias="bbox-crs")] = None
    crs: str | None = None
    datetime: str | None = None
    event_type: Annotated[str | None, Field(pattern=r"^[A-G](?:\d{1,2}|-X\d{1,3})$")] = None
    after: UUID | None = None
    offset: Annotated[int, Field(ge=0)] = 0
    f: str | None = None


def bad_parameter(wrong: BadQuery) -> Problem:
    """400: a parameter that cannot be understood, by its name."""
    title = "Frågan går inte att förstå. Kontrollera parametern."
    return Problem(400, "bad-parameter", title, f"{wrong} is not understood.")


def query_of(model: type[M]) -> Callable[[Request], M]:
    """A dependency that reads a model from the query; 400 for what is unknown or wrong, as Part 1 wants it."""

    def read(request: Request) -> M:
        try:
            return model.model_validate(dict(request.query_params))
        except ValidationError as wrong:
            raise bad_parameter(BadQuery(".".join(str(part) for part in wrong.errors()[0]["loc"]))) from None

    return read


AskedItems = Annotated[Items, Depends(query_of(Items))]


def filter_of(asked: Items) -> store.Filter:
    """The filter that was asked for; BadQuery for one that cannot be understood."""
    around = features.box(asked.bbox, asked.bbox_crs)
    begin, end = features.interval(asked.datetime)
    near = None if around is None else features.cells(around)
    return store.Filter(around, near, begin, end, asked.event_type)
