"""``/v1/receipts``: what providers say afterwards about what they took. The sealed address says who may."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from services.notify.handlers.receiving import take_receipt
from services.notify.handlers.seals import opened
from services.runtime.problems import not_found
from services.runtime.sealing import Sealer

router = APIRouter(include_in_schema=False)


@router.post("/v1/receipts/sms")
async def sms(
    request: Request,
    t: str = "",
    id: Annotated[str, Form(max_length=64)] = "",  # noqa: A002 - the provider's name
    status: Annotated[str, Form(max_length=16)] = "",
) -> Response:
    """46elks' delivery report; answered 204 also when it says nothing new, so that it is not repeated."""
    sealer: Sealer = request.app.state.sealer
    named = opened(sealer, "receipt", t, datetime.now(UTC))
    if named is None:
        raise not_found("delivery")
    known = await take_receipt(request.app.state.database, *named, provider_id=id, status=status)
    return Response(status_code=204 if known else 503)
