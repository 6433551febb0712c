"""SQL of appointments: the newest revision of each opaque token."""

import json
from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.appointments import AppointmentChanged

_PUT = text("""
    insert into appointments (kommun, reporter_token, revision, organisation, areas, since, until, trained)
    select k, t, r, o, array(select jsonb_array_elements_text(cast(a as jsonb))), s, u, tr
    from unnest(cast(:kommuner as text[]), cast(:tokens as text[]), cast(:revisions as bigint[]),
                cast(:organisations as uuid[]), cast(:areas as text[]), cast(:since as timestamptz[]),
                cast(:until as timestamptz[]), cast(:trained as boolean[])) as g(k, t, r, o, a, s, u, tr)
    on conflict (kommun, reporter_token) do update set revision = excluded.revision,
        organisation = excluded.organisation, areas = excluded.areas, since = excluded.since, until = excluded.until,
        trained = excluded.trained
    where appointments.revision < excluded.revision""")


async def put(connection: AsyncConnection, changed: Sequence[AppointmentChanged]) -> None:
    """Keep those that are newer than what is known, one of each token; always in the same order of locks."""
    if not changed:
        return
    ordered = sorted(changed, key=lambda a: (a.kommun, a.reporter_token))
    await connection.execute(
        _PUT,
        {
            "kommuner": [a.kommun for a in ordered],
            "tokens": [a.reporter_token for a in ordered],
            "revisions": [a.revision for a in ordered],
            "organisations": [a.organisation for a in ordered],
            "areas": [json.dumps(list(a.areas)) for a in ordered],
            "since": [a.since for a in ordered],
            "until": [a.until for a in ordered],
            "trained": [a.trained for a in ordered],
        },
    )
