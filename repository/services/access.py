"""Access (利用): records are handed out as dissemination packages, and the log says so before the first byte leaves."""

from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID

import msgspec

from repository.domain import access_request
from repository.domain.access_request import ACCESS_REQUEST, FormChosen, Requested
from repository.domain.aggregate import New
from repository.domain.values import Value
from repository.eventlog import Streams
from repository.services.assembly import assembled
from repository.services.dip_forms import Wish, checked
from repository.services.search import find_description, find_record, position_of
from repository.services.session import Session

Decide = Callable[[access_request.State], list[Value]]


class DisseminationReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was handed out. `stored_event` committed the version that it was made from."""

    schema: str = "jingui.disseminate/1"
    request: UUID
    dip: UUID
    package: UUID
    version: int
    stored_event: UUID
    path: str
    files: int
    bytes: int
    form: str = "bag"


def disseminate(
    session: Session,
    record: str,
    *,
    paths: Sequence[str],
    purpose: str,
    target: Path,
    as_of: str | None = None,
    wish: Wish | None = None,
) -> DisseminationReport:
    """Hand out a record (named by 档号, description or package), whole or the files at `paths`, in the form wished for.

    The package appears in `target` as a new folder `uuid-<dip>`, or as a file of that name, made of the newest version,
    or of the newest that was stored at a moment of the past; of a record that shares a package with others, its own
    files. Raises `record-unknown`, `file-unknown`, `purpose-missing`, `fixity-mismatch` (nothing is handed out),
    `folder-exists`, and what is said of a wish that cannot be met: `form-unknown`, `form-unfit`, `pages-invalid`,
    `width-invalid`.
    """
    session.require("disseminate")
    wish = checked(wish or Wish())
    package, entry = find_record(session, record), find_description(session, record).id
    request, dip, position = session.new_id(), session.new_id(), position_of(session, as_of)
    archive = session.log.stream(package)[0].envelope.archive

    # 1 register what is asked for, why, and in which form where it is not the plain bag
    requested = Requested(packages=(package,), paths=tuple(paths), purpose=purpose)
    chosen = chosen_form(wish, entry, position)

    def register(state: access_request.State) -> list[Value]:
        return [*access_request.request(state, requested), *([] if wish == Wish() else [chosen])]

    append(session, request, archive, register)

    # 2 assemble the package from the stored version, every byte compared with its manifest
    with assembled(session, request, dip, chosen) as parcel:
        append(session, request, archive, lambda state: access_request.assemble(state, parcel.facts))
        if parcel.carrier is not None:
            rendered = parcel.rendered(parcel.carrier)
            append(session, request, archive, lambda state: access_request.render(state, rendered))

        # 3 record the delivery, and only then let the first byte out
        append(session, request, archive, lambda state: access_request.deliver(state, way="folder"))
        out = parcel.hand_out(target)

    # 4 close the request
    append(session, request, archive, lambda state: access_request.close(state, outcome="delivered"))
    return DisseminationReport(
        request=request,
        dip=dip,
        package=package,
        version=parcel.source.version,
        stored_event=parcel.source.stored_event,
        path=str(out),
        files=parcel.facts.files,
        bytes=parcel.facts.bytes,
        form=wish.form,
    )


def chosen_form(wish: Wish, entry: UUID, as_of: int | None) -> FormChosen:
    """What the log says of a wish: of which description, as of which position, in which form."""
    return FormChosen(description=entry, as_of=as_of, form=wish.form, pages=wish.pages, width=wish.width)


def append(session: Session, request: UUID, archive: str | None, decide: Decide) -> bool:
    """Append what is decided to the request's stream; whether the same command had done so before."""

    def decided(streams: Streams) -> list[New]:
        return [New(request, payload) for payload in decide(streams.load(ACCESS_REQUEST, request).state)]

    return session.perform("disseminate", decided, correlation=request, archive=archive).already
