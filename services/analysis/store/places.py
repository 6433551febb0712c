"""SQL of named places: what lies in the squares, stations and schoolyards that somebody drew."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.analysis.domain.places import PlaceRow
from services.analysis.store.pictures import Span

_BY_PERIOD = text("""
    select (day - cast(:start as date)) / :days as at, place, area, sum(share)::bigint as reports
    from facts cross join lateral unnest(string_to_array(places, ' ')) as place join area_sets using (kommun, area_set)
    where kommun = :kommun and places is not null and day >= :start and day <= :last and layer = :layer
    group by 1, 2, 3""")


async def by_period(connection: AsyncConnection, kommun: str, span: Span) -> list[PlaceRow]:
    """Reports of every period in every named place that had any, by the area of RegSO that they lie in."""
    return [PlaceRow(*row) for row in await connection.execute(_BY_PERIOD, span.values(kommun))]
