"""Decryption (解密): the files of a record as they are to read, for those who may see them; the log says it first."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import msgspec

from repository.errors import ArchiveError
from repository.services import access
from repository.services.session import Session


class DecryptReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was written where, and under which request it stands in the log."""

    schema: str = "jingui.decrypt/1"
    request: UUID
    package: UUID
    path: str
    files: int
    bytes: int


def decrypt(session: Session, record: str, target: Path, *, paths: Sequence[str], purpose: str) -> DecryptReport:
    """Write the files of a record, or these of them, into a folder that is not there yet, under their own names.

    The look is recorded before the first byte is opened. Raises `record-unknown`, `access-controlled`, `file-unknown`,
    `folder-exists`, `key-record-missing` and what keeps the class key, and `sealed-payload` for a file that is not
    true: what was written until then is removed.
    """
    if target.exists():
        raise ArchiveError("folder-exists", target)
    report = access.view(session, record, paths=paths, purpose=purpose)
    done: list[Path] = []
    try:
        for file in report.files:
            place = target / file.path
            place.parent.mkdir(parents=True, exist_ok=True)
            done.append(place)
            with place.open("xb") as out:
                out.writelines(access.shown_bytes(session, report.package, file))
    except BaseException:
        for place in done:
            place.unlink(missing_ok=True)
        raise
    return DecryptReport(
        request=report.request,
        package=report.package,
        path=str(target),
        files=len(report.files),
        bytes=sum(file.size for file in report.files),
    )
