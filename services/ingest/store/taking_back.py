"""SQL for what a restored database lacks and the topics still hold: revisions that were given out after the backup."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.reports import ReportReceived
from services.ingest.domain import stored_content

_GIVEN = """
    with given as (
        select p, r, cast(e as jsonb) as e, cast(c as jsonb) as c, k, m, g, o
        from unnest(cast(:reports as uuid[]), cast(:revisions as bigint[]), cast(:events as text[]),
                    cast(:contents as text[]), cast(:tokens as text[]), cast(:minted as timestamptz[]),
                    cast(:merged as uuid[]), cast(:received as timestamptz[])) as t(p, r, e, c, k, m, g, o))"""
_REVISIONS = text(f"""{_GIVEN}
    insert into revisions (kommun, report_id, revision, event, minted_at)
    select :kommun, p, r, e, m from given on conflict do nothing returning report_id""")  # noqa: S608 - our own constant
_REPORTS = text(f"""{_GIVEN}
    insert into reports (kommun, report_id, client_id, revision, merged_into, content, event, received_at, taken_back)
    select distinct on (p) :kommun, p, person.client_id, r, g, c, e, o, true
    from given left join appointments a on a.kommun = :kommun and a.token = k
    left join people person on person.kommun = :kommun and person.person_id = a.person_id
    order by p, r desc
    on conflict (kommun, report_id) do update set revision = excluded.revision, merged_into = excluded.merged_into,
        content = excluded.content, event = excluded.event, taken_back = true
    where reports.revision < excluded.revision
    returning report_id""")  # noqa: S608 - our own constant

_FORGET = (
    text("""
        delete from revisions t using reports r where t.kommun = :kommun and t.report_id = any(:reports)
        and r.kommun = t.kommun and r.report_id = t.report_id and t.revision < r.revision
        and coalesce((r.event->>'anonymised')::boolean, false)"""),
    text("""
        delete from texts t using reports r where t.kommun = :kommun and t.report_id = any(:reports)
        and r.kommun = t.kommun and r.report_id = t.report_id
        and coalesce((r.event->>'anonymised')::boolean, false)"""),
)


async def add(connection: AsyncConnection, kommun: str, events: Sequence[ReportReceived]) -> tuple[int, int]:
    """Store what is missing; how many revisions were, and how many reports have a new newest one.

    Whose it was is known for people, by their token; a system's report has no sender until it is sent again. Texts
    are not in the topics: the event still says ``has_text``, the row says ``taken_back``.
    """
    values = {
        "kommun": kommun,
        "reports": [e.report_id for e in events],
        "revisions": [e.revision for e in events],
        "events": [e.model_dump_json() for e in events],
        "contents": [stored_content(e).model_dump_json(exclude={"id", "source_version", "text"}) for e in events],
        "tokens": [e.reporter_token for e in events],
        "minted": [e.minted_at for e in events],
        "merged": [e.merged_into for e in events],
        "received": [e.received_at for e in events],
    }
    revisions = await connection.execute(_REVISIONS, values)
    reports = await connection.execute(_REPORTS, values)
    for statement in _FORGET:  # what gallring had taken away after the backup, or had been handed in before it
        await connection.execute(statement, {"kommun": kommun, "reports": values["reports"]})
    return len(revisions.all()), len(reports.all())
