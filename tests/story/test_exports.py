"""Records go out in other systems' forms: valid by their schemas, every byte true, and the log says so."""

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote
from uuid import UUID

import pytest
from lxml import etree

from packages_spec.descriptive import read_archive_xml, read_dc
from packages_spec.profiles import PackageKind, validate_package
from packages_spec.transfer_set import schema
from repository.domain import description, run
from repository.domain.aggregate import New
from repository.domain.description import DESCRIPTION
from repository.domain.description_fields import Location
from repository.domain.run import RUN
from repository.domain.values import Carrier, Level, Outcome, RecordType, SecrecyClass
from repository.errors import ArchiveError
from repository.eventlog import Streams
from repository.services.description import PartRequest, divide_record
from repository.services.exports import ExportReport, Form, export
from repository.services.search import show_record
from repository.services.session import Session
from tests.command_line import jingui
from tests.eark_judge import EXPECTED, judge
from tests.real_archives import LAND_DEEDS, Site, new_site, take
from tests.shared_data import shared_data

RECORDS = ("J012-1-0001", "J012-1-0003")
TRANSFER_SET = "urn:jingui:transfer-set:1"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = new_site(tmp_path)
    with site.open() as session:
        assert take(session, LAND_DEEDS).outcome == "completed"
    return site


def exported(session: Session, form: Form, place: Path, *records: str) -> tuple[ExportReport, Path]:
    report = export(session, records or RECORDS, form, place)
    assert Path(report.path).parent == place
    assert report.files == sum(path.is_file() for path in Path(report.path).rglob("*"))
    return report, Path(report.path)


def digests(folder: Path) -> list[str]:
    return sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file())


def originals(session: Session, *records: str) -> list[str]:
    return sorted(file.sha256 for record in records for file in show_record(session, record, as_of=None).files)


@pytest.mark.parametrize("form", [Form.EARK_SIP, Form.EARK_AIP, Form.EARK_DIP])
def test_eark_packages_are_valid_and_hold_every_byte(site: Site, tmp_path: Path, form: Form) -> None:
    with site.open() as session:
        report, out = exported(session, form, tmp_path / "out")
        expected = originals(session, *RECORDS)
    bags = sorted(out.iterdir())
    assert len(bags) == len(report.records) == 2
    for bag in bags:
        assert validate_package(bag) == []
    content = [path / "representations/original/data" for bag in bags for path in (bag / "data").iterdir()]
    assert sorted(each for folder in content for each in digests(folder)) == expected


@pytest.mark.parametrize(
    ("form", "kind"),
    [(Form.EARK_SIP, PackageKind.SIP), (Form.EARK_AIP, PackageKind.AIP), (Form.EARK_DIP, PackageKind.DIP)],
)
def test_the_validator_of_eark_accepts_them(site: Site, tmp_path: Path, form: Form, kind: PackageKind) -> None:
    with site.open() as session:
        _, out = exported(session, form, tmp_path / "out", RECORDS[1])
    (bag,) = out.iterdir()
    (package,) = (bag / "data").iterdir()
    assert judge(package) == EXPECTED[kind]


def test_a_sip_holds_none_of_our_history_and_comes_in_again_elsewhere(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        _, out = exported(session, Form.EARK_SIP, tmp_path / "out", RECORDS[1])
    (bag,) = out.iterdir()
    assert not list(bag.rglob("*.ndjson"))
    (tmp_path / "other").mkdir()
    with new_site(tmp_path / "other").open() as session:
        report = take(session, bag)
        assert report.outcome == "completed"
        found = show_record(session, RECORDS[1], as_of=None)
        assert (found.description.title, len(found.files)) == ("一九五一年石桥村土地改革土地房产所有证存根", 3)
        by_its_own_name = show_record(session, bag.name, as_of=None)
        assert by_its_own_name.description == found.description


def test_ead3_follows_its_schema(site: Site, tmp_path: Path) -> None:
    official = etree.XMLSchema(etree.parse(shared_data("schemas") / "ead3/ead3.xsd"))
    with site.open() as session:
        _, out = exported(session, Form.EAD3, tmp_path / "out")
    document = etree.fromstring((out / "ead3.xml").read_bytes())
    official.assertValid(document)
    name = "{http://ead3.archivists.org/schema/}"
    assert [each.text for each in document.iter(f"{name}unitid")] == list(RECORDS)


def tree(session: Session) -> Iterator[UUID]:
    """A fonds with a volume with an item, on paper."""
    parent: UUID | None = None
    for level, code in ((Level.FONDS, "J900"), (Level.VOLUME, "J900-1"), (Level.ITEM, "J900-1-1")):
        stream = session.new_id()
        fields = description.Fields(
            level=level,
            parent=parent,
            package=None,
            reference_code=code,
            fonds_code="J900",
            title=f"{level.value} & <{code}>",
            responsible_party=None,
            date=None,
            year=1950,
            retention_period=None,
            secrecy_class=SecrecyClass.OPEN,
            page_count=None,
            record_type=RecordType.TEXT,
            carrier=Carrier.PAPER,
            location=Location(storeroom="一库", rack="3", shelf=None),
            keywords=("土地", "<契>"),
            abstract="一份 & 一份",
        )

        def decide(streams: Streams, stream: UUID = stream, fields: description.Fields = fields) -> list[New]:
            state = streams.load(DESCRIPTION, stream).state
            above = streams.load(DESCRIPTION, fields.parent).state if fields.parent else None
            return [New(stream, payload) for payload in description.describe(state, fields, above)]

        session.perform("test", decide, correlation=stream, archive="437001")
        parent = stream
        yield stream


def test_levels_stand_inside_each_other(site: Site, tmp_path: Path) -> None:
    official = etree.XMLSchema(etree.parse(shared_data("schemas") / "ead3/ead3.xsd"))
    with site.open() as session:
        names = [str(stream) for stream in tree(session)]
        _, out = exported(session, Form.EAD3, tmp_path / "out", *reversed(names))
        with pytest.raises(ArchiveError) as error:
            export(session, [names[2]], Form.DAT93, tmp_path / "set")
        assert error.value.code == "record-without-package"
        assert not (tmp_path / "set").exists()
    document = etree.fromstring((out / "ead3.xml").read_bytes())
    official.assertValid(document)
    name = "{http://ead3.archivists.org/schema/}"
    assert [(each.tag, each.get("level")) for each in document.iter(f"{name}archdesc", f"{name}c")] == [
        (f"{name}archdesc", "fonds"),
        (f"{name}c", "file"),
        (f"{name}c", "item"),
    ]
    assert [each.text for each in document.iter(f"{name}unittitle")][2] == "item & <J900-1-1>"
    assert {each.text for each in document.iter(f"{name}physloc")} == {"一库 3"}
    assert {each.text for each in document.iter(f"{name}part")} == {"土地", "<契>"}


def test_dublin_core_follows_its_schema(site: Site, tmp_path: Path) -> None:
    official = etree.XMLSchema(etree.parse(shared_data("schemas") / "driver-dc.xsd"))
    with site.open() as session:
        report, out = exported(session, Form.DC, tmp_path / "out")
    assert {path.name for path in out.iterdir()} == {f"{record}.dc.xml" for record in report.records}
    said = [dict(read_dc(path.read_bytes())) for path in out.iterdir()]
    assert {one["creator"] for one in said} == {"临溪县政府", "临溪县人民政府"}
    for path in out.iterdir():
        for statement in etree.fromstring(path.read_bytes()):
            official.assertValid(etree.fromstring(etree.tostring(statement)))


def test_a_transfer_set_is_whole_follows_its_schema_and_checks_itself(site: Site, tmp_path: Path) -> None:
    own = etree.XMLSchema(etree.fromstring(schema()))
    with site.open() as session:
        _, out = exported(session, Form.DAT93, tmp_path / "out")
        expected = {record: originals(session, record) for record in RECORDS}
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", "manifest-sha256.txt"], cwd=out, check=True
    )
    assert checked.returncode == 0
    assert (out / "schema" / "transfer_set.xsd").read_bytes() == schema()
    catalogue = etree.fromstring((out / "电子档案目录.xml").read_bytes())
    own.assertValid(catalogue)
    items = catalogue.findall(f"{{{TRANSFER_SET}}}件")
    assert [item.findtext(f"{{{TRANSFER_SET}}}档号") for item in items] == list(RECORDS)
    for item, record in zip(items, RECORDS, strict=True):
        folder = out / unquote(item.get("文件夹") or "")
        metadata = etree.fromstring((folder / "元数据.xml").read_bytes())
        own.assertValid(metadata)
        assert metadata.findtext(f".//{{{TRANSFER_SET}}}档案门类") == "文书"
        assert read_archive_xml((folder / "archive.xml").read_bytes()).reference_code == record
        listed = metadata.findall(f".//{{{TRANSFER_SET}}}文件")
        assert digests(folder / "文件") == sorted(str(file.get("SHA-256")) for file in listed) == expected[record]
        assert all((folder / unquote(file.get("路径") or "")).is_file() for file in listed)
    told = (out / "说明文件.txt").read_text("utf-8")
    assert "件数：2" in told
    assert "per profile" not in told


def test_two_items_of_one_code_get_folders_of_their_own() -> None:
    from packages_spec.descriptive import Description
    from packages_spec.transfer_set import item_folder

    def item(code: str | None, number: int) -> Description:
        return Description(
            package=f"00000000-0000-4000-8000-00000000000{number}",
            level="item",
            reference_code=code,
            fonds_code=None,
            title="x",
            responsible_party=None,
            date=None,
            year=None,
            retention_period=None,
            secrecy_class="公开",
            access_status=None,
            record_type="text",
            carrier="digital",
            page_count=None,
        )

    taken: set[str] = set()
    codes = ("A-1", "a-1", "../x", "a/b", None, "CON")
    named = [item_folder(item(code, number), taken) for number, code in enumerate(codes)]
    assert named[0] == "电子档案/A-1"
    assert named[1:] == [f"电子档案/00000000-0000-4000-8000-00000000000{number}" for number in range(1, 6)]


def test_every_export_is_a_run_in_the_log(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        report, _ = exported(session, Form.DC, tmp_path / "out")
        state = session.log.load(RUN, report.run).state
        assert state.started is not None
        assert state.finished is not None
        assert (state.started.kind, state.started.target) == (run.RunKind.EXPORT, str(tmp_path / "out"))
        assert state.started.scope.startswith("dc: urn:uuid:")
        assert (state.finished.outcome, state.finished.done) == (Outcome.PASSED, 2)


@pytest.mark.parametrize("form", [Form.EARK_SIP, Form.EARK_AIP, Form.DAT93])
def test_a_false_byte_ends_the_export_and_leaves_nothing(site: Site, tmp_path: Path, form: Form) -> None:
    with site.open() as session:
        record = show_record(session, RECORDS[1], as_of=None)
        assert record.package is not None
        (page,) = session.store.object_folder(record.package.id).rglob("J012-1-0003-002.jpg")
        content = bytearray(page.read_bytes())
        content[100] ^= 1
        page.chmod(0o644)
        page.write_bytes(content)
        with pytest.raises(ArchiveError) as error:
            export(session, RECORDS, form, tmp_path / "out")
        assert error.value.code == "fixity-mismatch"
        assert not (tmp_path / "out").exists()
        runs = [event.payload for event in session.log.events() if isinstance(event.payload, run.Finished)]
        assert [one.outcome for one in runs] == [Outcome.FAILED]
        assert not list((site.folder / "staging").rglob("*.jpg"))


def test_who_may_not_export_does_not(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        from repository.services.administration import Role

        _, reader = site.person(session, "读者", Role.READER)
    with site.open(reader) as session, pytest.raises(ArchiveError) as error:
        export(session, RECORDS, Form.DC, tmp_path / "out")
    assert error.value.code == "not-allowed"


def test_the_command_line_exports_in_both_languages_and_refuses_what_is_wrong(site: Site, tmp_path: Path) -> None:
    told = jingui("export", *RECORDS, "--form", "dat93", "--to", tmp_path / "out", "--lang", "zh", site=site)
    assert (told.status, "档案 2 件" in told.out) == (0, True)
    shutil.rmtree(tmp_path / "out")
    as_json = jingui("export", RECORDS[0], RECORDS[0], "--form", "ead3", "--to", tmp_path / "out", "--json", site=site)
    said = as_json.json()
    assert (said["schema"], said["form"], said["files"], len(said["records"])) == ("jingui.export/1", "ead3", 1, 1)
    assert jingui("export", "J999", "--form", "dc", site=site, cwd=tmp_path).status == 3
    assert jingui("export", RECORDS[0], "--form", "word", site=site, cwd=tmp_path).status == 2
    assert jingui("export", "--form", "dc", site=site, cwd=tmp_path).status == 2


@pytest.mark.parametrize("form", [Form.EARK_SIP, Form.EARK_DIP, Form.DAT93])
def test_of_a_package_that_several_share_only_the_entrys_own_pages_leave(
    site: Site, tmp_path: Path, form: Form
) -> None:
    parts = [PartRequest(reference_code=f"J012-1-003{n}", title=f"存根{n}", pages=p) for n, p in ((1, "1"), (2, "2-3"))]
    with site.open() as session:
        divide_record(session, "J012-1-0003", parts=parts, reason="原是两件")
        expected = {part.reference_code: set(originals(session, part.reference_code)) for part in parts}
        every = set().union(*expected.values())
        assert [len(expected[part.reference_code]) for part in parts] == [1, 2]
        for part in parts:
            _, out = exported(session, form, tmp_path / part.reference_code, part.reference_code)
            assert set(digests(out)) & every == expected[part.reference_code]
        _, both = exported(session, form, tmp_path / "both", *expected)
        assert set(digests(both)) & every == every
