"""The handover: terms, the printed form, the signed one, and what is not claimed of what was not checked."""

from pathlib import Path
from uuid import UUID

import pikepdf
import pytest

from packages_spec.digests import chunks_of
from repository.domain.accession import ACCESSION, HandoverPrinted
from repository.errors import ArchiveError
from repository.services import handover, packaging
from repository.services.audit import fsck
from repository.services.handover_form import HandoverForm, drawn
from repository.services.jobs import status
from tests.command_line import jingui
from tests.real_archives import LAND_DEEDS, Site, names, new_site, payload_files, silent, take

SIGNED = b"%PDF-1.4\n% a scan with two signatures\n"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return new_site(tmp_path)


def accession_of(site: Site) -> UUID:
    terms = ("--agreement", "协[2026]1号", "--medium", "移动硬盘", "--opening-opinion", "满二十五年开放")
    said = jingui("ingest", LAND_DEEDS, *terms, "--json", site=site)
    assert said.status == 0, said.err
    return UUID(said.json()["accession"])


def test_the_form_is_printed_signed_and_kept(site: Site, tmp_path: Path) -> None:
    stream = accession_of(site)
    form, scan = tmp_path / "form.pdf", tmp_path / "签字.pdf"
    scan.write_bytes(SIGNED)
    printed = jingui("handover", stream, "--out", form, "--json", site=site)
    assert printed.status == 0, printed.err
    with pikepdf.open(form) as document:
        assert len(document.pages) == 1
        assert "STSong-Light" in str(document.pages[0].Resources.Font.values())
    unfinished = jingui("status", "--json", site=site).json()["unfinished"]
    assert [(one["stage"], one["next"]) for one in unfinished] == [("completed", "sign")]
    signed = jingui("handover", stream, "--signed", scan, "--json", site=site)
    assert signed.status == 0, signed.err
    package = UUID(signed.json()["package"])
    assert list(payload_files(site, package).values()) == [SIGNED]
    with site.open() as session:
        assert names(session.log.stream(stream))[-3:] == ["Completed", "HandoverPrinted", "HandoverSigned"]
        assert names(session.log.stream(package)) == ["Created", "FormatsIdentified", "VirusChecked", "Stored"]
        state = session.log.load(ACCESSION, stream).state
        assert state.printed == HandoverPrinted(delivery=1, form_sha256=printed.json()["sha256"])
        assert state.signed is not None
        assert state.signed.form_sha256 == printed.json()["sha256"]
        assert state.terms is not None
        assert (state.terms.medium, state.terms.opening_opinion) == ("移动硬盘", "满二十五年开放")
        assert status(session).unfinished == ()
        assert fsck(session, silent).faults == ()
        card = session.catalogue.accession(stream)
        assert card is not None
        assert (card.handover, card.medium) == ("signed", "移动硬盘")
        digest = session.catalogue.digest()
        session.catalogue.rebuild(session.log)
        assert session.catalogue.digest() == digest
    assert list((site.folder / "quarantine").glob(f"{stream}*")) == []


def test_the_same_scan_again_is_kept_once_and_another_is_refused(site: Site, tmp_path: Path) -> None:
    scan = tmp_path / "signed.pdf"
    scan.write_bytes(SIGNED)
    with site.open() as session:
        stream = take(session, LAND_DEEDS).accession
        first = handover.sign_handover(session, stream, scan)
        position = session.log.position()
        assert handover.sign_handover(session, stream, scan) == first
        assert session.log.position() == position
        scan.write_bytes(SIGNED + b"other")
        with pytest.raises(ArchiveError) as other:
            handover.sign_handover(session, stream, scan)
        with pytest.raises(ArchiveError) as late:
            handover.print_handover(session, stream, tmp_path / "late.pdf")
        assert (other.value.code, late.value.code) == ("accession-order", "accession-order")
        assert not (tmp_path / "late.pdf").exists()


def test_killed_between_the_signature_and_the_store_it_goes_on(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class PowerCut(BaseException):
        pass

    def cut(*_: object) -> None:
        raise PowerCut

    scan = tmp_path / "signed.pdf"
    scan.write_bytes(SIGNED)
    with site.open() as session:
        stream = take(session, LAND_DEEDS).accession
        with monkeypatch.context() as patch:
            patch.setattr(packaging, "store_packages", cut)
            with pytest.raises(PowerCut):
                handover.sign_handover(session, stream, scan)
        kept = session.log.load(ACCESSION, stream).state.signed
        assert kept is not None
        assert handover.sign_handover(session, stream, scan).package == kept.package
        assert names(session.log.stream(stream)).count("HandoverSigned") == 1
        assert fsck(session, silent).faults == ()


FORM = HandoverForm(
    archive="437001",
    accession="8f4c2bf3-3b92-4ce6-ae9c-2643d6a22160",
    kind="移交",
    producer="临溪县国土资源局 <&>",
    transfer_number=None,
    agreement=None,
    medium=None,
    opening_opinion=None,
    deliveries=1,
    records=3,
    files=12,
    bytes=516_100,
    listing_sha256="0" * 64,
    authenticity="未检测",
    authenticity_note="移交方未给出摘要",
    integrity="合格",
    integrity_note="",
    usability="未检测",
    usability_note="",
    security="未检测",
    security_note="未配置病毒检查",
    printed="2026-03-01T08:00:00.000000Z",
)


def test_the_same_form_gives_the_same_bytes() -> None:
    assert drawn(FORM) == drawn(FORM)
    assert FORM.gigabytes == "< 0.001"


def test_what_was_not_checked_is_printed_so(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a scanner and without the producer's digests two of the four checks, and their opening, are open."""
    forms: list[HandoverForm] = []

    def drawing(form: HandoverForm) -> bytes:
        forms.append(form)
        return drawn(form)

    monkeypatch.setattr(handover, "drawn", drawing)
    with site.open() as session:
        handover.print_handover(session, take(session, LAND_DEEDS).accession, tmp_path / "form.pdf")
    (form,) = forms
    assert (form.authenticity, form.integrity, form.usability, form.security) == ("未检测", "合格", "未检测", "未检测")
    assert (form.records, form.files, form.kind) == (3, 13, "移交")
    assert b"".join(chunks_of(tmp_path / "form.pdf")).startswith(b"%PDF")
