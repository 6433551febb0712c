"""Why a report was not accepted, said the same way for one report and for a line among many."""

from services.ingest.domain import Refusal
from services.ingest.handlers.submitting import Unfinished, VersionConflict
from services.runtime.problems import Problem


def problem_of(outcome: Refusal | Unfinished | VersionConflict) -> Problem:
    """The problem to answer with: what is wrong and what to do, never the content."""
    if isinstance(outcome, Refusal):
        errors = [{"loc": r.field.split("."), "type": r.code, "msg": r.sentence} for r in (outcome, *outcome.more)]
        return Problem(422, outcome.code.replace("_", "-"), outcome.sentence, errors=errors)
    if isinstance(outcome, Unfinished):
        return Problem(
            409,
            "unfinished",
            "Det första försöket är inte klart än. Försök igen.",
            "The first attempt with this id is still being handled.",
            headers={"Retry-After": "1"},
        )
    detail = "This source_version was used before with other content: raise it to correct the report."
    if str(outcome) == "other_kind":
        detail = "This report's versions are of another kind (whole numbers or times); keep to one kind."
    return Problem(422, "version-conflict", "Versionen är redan använd för ett annat innehåll.", detail)


def missing_id() -> Problem:
    """A report that has no id of its sender's."""
    detail = "Give the report an id of your own, or the header Idempotency-Key."
    return Problem(400, "missing-id", "Rapporten saknar id.", detail)
