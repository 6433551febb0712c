"""SQL of answers to alerts: the newest of each, and how useful each rule's alerts are."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.alerts import AlertAnswered

_PUT = text("""
    insert into alert_answers (kommun, alert_id, revision, rule, subject_id, useful, answered_at)
    select k, a, v, r, s, u, t from unnest(cast(:kommuner as text[]), cast(:alerts as uuid[]),
        cast(:revisions as bigint[]), cast(:rules as text[]), cast(:subjects as uuid[]), cast(:useful as boolean[]),
        cast(:moments as timestamptz[])) as n(k, a, v, r, s, u, t)
    on conflict (kommun, alert_id) do update set revision = excluded.revision, rule = excluded.rule,
        useful = excluded.useful, answered_at = excluded.answered_at
    where alert_answers.revision < excluded.revision""")
_BY_RULE = text("""
    select a.rule, a.useful, cast(cast(f.event as jsonb)->'report'->>'severity' as int) as severity
    from alert_answers a left join facts f on f.kommun = a.kommun and f.report_id = a.subject_id
    where a.kommun = :kommun and a.answered_at > now() - interval '1 year' order by a.rule, a.alert_id""")


async def put(connection: AsyncConnection, newest: Sequence[AlertAnswered]) -> None:
    """Keep these where they are newer than what is there."""
    if not newest:
        return
    await connection.execute(
        _PUT,
        {
            "kommuner": [a.kommun for a in newest],
            "alerts": [a.alert_id for a in newest],
            "revisions": [a.revision for a in newest],
            "rules": [a.rule for a in newest],
            "subjects": [a.subject_id for a in newest],
            "useful": [a.useful for a in newest],
            "moments": [a.answered_at for a in newest],
        },
    )


async def by_rule(connection: AsyncConnection, kommun: str) -> dict[str, list[tuple[int | None, bool]]]:
    """Rule → the last year's answers: the report's severity (None: about no report), and whether it was useful."""
    found: dict[str, list[tuple[int | None, bool]]] = {}
    for row in await connection.execute(_BY_RULE, {"kommun": kommun}):
        found.setdefault(row.rule, []).append((row.severity, row.useful))
    return found
