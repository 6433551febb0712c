"""SQL of the comparison with the door: which revisions the facts are, in the same parts as ``services/ingest`` has."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_PARTS = text("""
    select get_byte(uuid_send(report_id), 0) as part, count(*) as reports,
        bit_xor(hashtextextended(concat_ws('/', report_id, revision), 0)) as versions
    from facts where kommun = :kommun and minted_at <= :until group by 1""")
_REVISIONS = text("""
    select report_id, revision from facts where kommun = :kommun and report_id = any(cast(:reports as uuid[]))""")


async def parts(connection: AsyncConnection, kommun: str, until: datetime) -> dict[int, tuple[int, int]]:
    """First byte of the id → how many reports, and a hash over their ids and revisions, minted by ``until``."""
    rows = await connection.execute(_PARTS, {"kommun": kommun, "until": until})
    return {r.part: (r.reports, r.versions) for r in rows}


async def revisions(connection: AsyncConnection, kommun: str, reports: Collection[UUID]) -> dict[UUID, int]:
    """Report → the newest revision here, of those that are here."""
    rows = await connection.execute(_REVISIONS, {"kommun": kommun, "reports": list(reports)})
    return {r.report_id: r.revision for r in rows}
