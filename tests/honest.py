"""An honest history raises no alarm: whatever an archive went through lawfully, its audit finds it true and proven."""

from pathlib import Path
from tempfile import TemporaryDirectory

from repository.archive import clock, open_archive, verify_archive
from repository.services.audit_verify import AuditVerdict
from repository.services.checkpoints import EVIDENCE, attest
from repository.services.witness import witness


def expect_no_alarm(folder: Path, credential: Path, memory: Path | None = None) -> AuditVerdict:
    """A witness sees all of the history, and `audit verify` holds the archive to it.

    `memory` is that of a witness who saw what was there before; without it, one who looks for the first time.
    """
    with TemporaryDirectory() as place:
        seen = memory or Path(place) / "memory"
        with open_archive(folder, credential) as session:
            key = attest(session).key
        witness(str(folder / EVIDENCE), seen, clock=clock, log_key=key)
        verdict = verify_archive(folder, credential, lambda step, done, total: None, held=(seen,), log_key=key)
    assert (verdict.faults, verdict.verdict, verdict.first_false, verdict.unproven) == ((), "proven", None, 0)
    return verdict
