"""SQL of answers to alerts: the newest of each, and how useful each rule's alerts are."""

from collections.abc import Sequence
from dataclasses import dataclass

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
    select rule, count(*) as answers, count(*) filter (where useful) as useful from alert_answers
    where kommun = :kommun and answered_at > now() - interval '1 year' group by rule order by rule""")


@dataclass(frozen=True, slots=True)
class Answers:
    """One rule's answers of the last year."""

    rule: str
    answers: int
    useful: int


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


async def by_rule(connection: AsyncConnection, kommun: str) -> list[Answers]:
    """How useful each rule's alerts were in the last year."""
    return [Answers(r.rule, r.answers, r.useful) for r in await connection.execute(_BY_RULE, {"kommun": kommun})]
