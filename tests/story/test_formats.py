"""Formats at the door: what each file says of itself goes into the package, what is refused stays out."""

import os
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest
from lxml import etree

from packages_spec.profiles import PayloadFile, validate_package
from packages_spec.technical import schema
from repository.services import stored
from repository.services.access import disseminate
from repository.services.search import list_to_migrate, show_record
from tests import made_formats as made
from tests.command_line import jingui
from tests.real_archives import Site, deliver, new_site, take
from tests.shared_data import shared_data
from tests.unit.test_characterisation import HOSTILE


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return new_site(tmp_path)


def files_of(site: Site, package: UUID) -> dict[str, PayloadFile]:
    with site.open() as session:
        return {file.path: file for file in stored.content(session, stored.newest(session, package))}


def all_kinds(folder: Path) -> Path:
    delivery = deliver(
        folder,
        {
            "图像/a.tif": made.picture("1", "TIFF", dpi=(300, 300), compression="group4"),
            "文书/a.pdf": made.signed_pdf(),
            "文书/b.ofd": made.zipped(made.ofd_members(["批复"], method=made.SM3)),
            "文书/c.docx": made.docx(),
            "文书/d.doc": made.compound({"WordDocument": b"x"}),
            "邮件/a.eml": made.eml(),
            "邮件/b.msg": made.msg(),
            "数据/a.siard": made.siard(),
            "说明.txt": "没有读者的格式\n".encode(),
            "坏的.pdf": b"%PDF-1.7\n",
        },
    )
    made.sound(delivery / "a.wav")
    made.film(delivery / "b.mp4")
    return delivery


KINDS = {
    "图像/a.tif": "image",
    "文书/a.pdf": "pdf",
    "文书/b.ofd": "ofd",
    "文书/c.docx": "office",
    "文书/d.doc": "office",
    "邮件/a.eml": "message",
    "邮件/b.msg": "message",
    "数据/a.siard": "database",
    "a.wav": "recording",
    "b.mp4": "recording",
    "坏的.pdf": "pdf",
}


def test_every_file_s_technical_metadata_is_in_the_package_and_comes_out_again(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        report = take(session, all_kinds(tmp_path / "delivery"))
    assert report.outcome == "completed"
    told = [(one.code, one.path) for one in report.findings]
    assert told == [("format.to-migrate", "文书/d.doc"), ("format.not-characterised", "坏的.pdf")]
    (package,) = report.packages
    files = files_of(site, package.package)
    assert {path: file.technical.kind for path, file in files.items() if file.technical} == KINDS
    ofd = files["文书/b.ofd"]
    assert (ofd.puid, ofd.format_name, ofd.format_version) == (None, "OFD", "1.1")
    assert "x-fmt/263" in (ofd.format_basis or "")
    with site.open() as session:
        root = session.store.object_folder(package.package) / "v1" / "content"
        assert validate_package(root) == []
        handed = disseminate(session, str(package.package), paths=(), purpose="编史", target=tmp_path / "out")
    assert validate_package(Path(handed.path)) == []
    for bag, name in ((root, package.package), (Path(handed.path), handed.dip)):
        inside = bag / "data" / f"uuid-{name}"
        assert (inside / "schemas" / "technical.xsd").read_bytes() == schema()
        premis = etree.fromstring((inside / "representations/original/metadata/preservation/premis.xml").read_bytes())
        stated = list(premis.iter("{urn:jingui:technical:1}technical"))
        assert len(stated) == len(KINDS)
        own = etree.XMLSchema(etree.fromstring(schema()))
        for each in stated:
            own.assertValid(each)


def test_the_premis_follows_its_schema(site: Site, tmp_path: Path) -> None:
    official = etree.XMLSchema(etree.parse(shared_data("schemas") / "premis/premis.xsd"))
    with site.open() as session:
        (package,) = take(session, all_kinds(tmp_path / "delivery")).packages
        inside = session.store.object_folder(package.package) / "v1/content/data" / f"uuid-{package.package}"
    premis = inside / "representations/original/metadata/preservation/premis.xml"
    official.assertValid(etree.fromstring(premis.read_bytes()))


def test_show_tells_the_essentials_in_both_languages(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        (package,) = take(session, all_kinds(tmp_path / "delivery")).packages
    told = {lang: jingui("show", package.package, "--lang", lang, site=site).out for lang in ("zh", "en")}
    for words in ("40×30 · 300 dpi · bitonal 1 bit · group4", "签章未验证", "SIARD 2.1 · 2 表 · 4 列 · 7 行", "附件"):
        assert words in told["zh"]
    for words in ("PDF 1.3 · 1 page(s) · signature not tested", "could not be read", "pcm_s24le 44100 Hz 24 bit ×2"):
        assert words in told["en"]


def test_a_refused_format_rejects_the_delivery_and_names_file_and_rule(site: Site, tmp_path: Path) -> None:
    program = b"\x7fELF\2\1\1" + b"\0" * 200
    delivery = deliver(tmp_path / "delivery", {"a.txt": b"words\n", "b/tool": program})
    with site.open() as session:
        report = take(session, delivery)
        assert report.outcome == "rejected"
        (refused,) = [finding for finding in report.findings if finding.code == "format.refused"]
        assert (refused.path, refused.expected) == ("b/tool", "jingui 1: executable")
        assert list(session.store.objects()) == []


def test_a_policy_of_the_archive_s_own(site: Site, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    head = 'schema = 1\nname = "本馆"\nversion = "2"\n'
    policy.write_text(f'{head}[[rule]]\nid = "no-text"\nverdict = "refused"\npuids = ["x-fmt/111"]\n', "utf-8")
    with (site.folder / "jingui.toml").open("a") as settings:
        settings.write(f'format_policy = "{policy}"\n')
    with site.open() as session:
        report = take(session, deliver(tmp_path / "delivery", {"a.txt": b"words\n"}))
    assert report.outcome == "rejected"
    assert [finding.expected for finding in report.findings] == ["本馆 2: no-text"]


def test_what_is_to_be_migrated_is_listed(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        old = take(session, deliver(tmp_path / "old", {"a.doc": made.compound({"WordDocument": b"x"})}))
        take(session, deliver(tmp_path / "new", {"a.txt": b"words\n"}))
        page = list_to_migrate(session, as_of=None, limit=10, after=None)
    assert [one.id for one in page.entries] == [old.packages[0].package]
    told = jingui("list", "to-migrate", "--json", site=site).json()
    assert (told["schema"], told["total"]) == ("jingui.list.to-migrate/1", 1)
    assert str(old.packages[0].package) in jingui("list", "to-migrate", site=site).out


def test_a_word_file_of_others_is_listed_for_migration(site: Site) -> None:
    folder = shared_data("transfers") / "SampleTransfers" / "OfficeDocs"
    with site.open() as session:
        report = take(session, folder)
        assert [finding.code for finding in report.findings] == ["format.to-migrate"]
        page = list_to_migrate(session, as_of=None, limit=10, after=None)
        assert [one.id for one in page.entries] == [report.packages[0].package]
        assert list_to_migrate(session, as_of="1", limit=10, after=None).total == 0


def test_files_that_hang_or_kill_the_reader_stop_no_ingest(site: Site, tmp_path: Path) -> None:
    """The reader's process is killed while it works: its file is told of, the others are read."""
    delivery = deliver(tmp_path / "delivery", {f"{number}.jpg": made.picture() for number in range(4)})
    with site.open() as session:
        assert session.characteriser is not None
        ask = session.characteriser._ask

        def struck(file: object) -> object:
            if getattr(file, "name", "") == "2.jpg" and session.characteriser is not None:
                worker = session.characteriser._started()
                os.kill(worker.pid, 9)
                worker.wait()
            return ask(file)  # type: ignore[arg-type] # whatever was asked is passed on

        session.characteriser._ask = struck  # type: ignore[assignment,method-assign] # a fault put in its way
        report = take(session, delivery)
        assert report.outcome == "completed"
        assert [(one.code, one.path) for one in report.findings] == [("format.not-characterised", "2.jpg")]
        shown = show_record(session, str(report.packages[0].package), as_of=None)
    failed = [file.path for file in shown.files if file.technical is None or file.technical.failure]
    assert failed == ["2.jpg"]


def test_a_delivery_of_hostile_files_is_taken_in_and_each_is_named(site: Site, tmp_path: Path) -> None:
    delivery = deliver(tmp_path / "delivery", {**HOSTILE, "page.jpg": made.picture()})
    with site.open() as session:
        report = take(session, delivery)
        assert report.outcome == "completed"
        told = {one.path for one in report.findings if one.code == "format.not-characterised"}
        shown = show_record(session, str(report.packages[0].package), as_of=None)
    assert told == HOSTILE.keys()
    assert {file.path: file.technical.failure for file in shown.files if file.technical}["page.jpg"] is None


def test_characterisation_can_be_switched_off(site: Site, tmp_path: Path) -> None:
    with (site.folder / "jingui.toml").open("a") as settings:
        settings.write("characterise = false\n")
    with site.open() as session:
        (package,) = take(session, deliver(tmp_path / "delivery", {"a.jpg": made.picture()})).packages
    assert [file.technical for file in files_of(site, package.package).values()] == [None]


def test_pages_that_nobody_could_count_are_said_to_be_uncounted(site: Site, tmp_path: Path) -> None:
    with (site.folder / "jingui.toml").open("a") as settings:
        settings.write("characterise = false\n")
    catalogue = "档号,题名,页数,文件\nJ001-1-0001,一件,3,J001-1-0001\n".encode()
    files = {"catalogue.csv": catalogue, "J001-1-0001/J001-1-0001.pdf": made.pdf()}
    with site.open() as session:
        report = take(session, deliver(tmp_path / "delivery", files))
    told = [(one.code, one.path) for one in report.findings]
    assert told == [("delivery.pages-not-counted", "J001-1-0001/J001-1-0001.pdf")]


def test_siegfried_alone_takes_an_ofd_for_a_zip(tmp_path: Path) -> None:
    """Why there is a signature of ours; when this fails, PRONOM has learnt it."""
    (tmp_path / "a.ofd").write_bytes(made.zipped(made.ofd_members(["一"])))
    script = "import pygfried, sys; print(pygfried.identify_many(sys.argv[1:])['files'][0]['matches'][0]['id'])"
    said = subprocess.run([sys.executable, "-c", script, str(tmp_path / "a.ofd")], capture_output=True, check=True)
    assert said.stdout.strip() == b"x-fmt/263"


def test_a_preview_names_what_would_be_refused(site: Site, tmp_path: Path) -> None:
    delivery = deliver(tmp_path / "delivery", {"b/tool": b"\x7fELF\2\1\1" + b"\0" * 200})
    told = jingui("ingest", delivery, "--dry-run", "--json", site=site).json()
    assert [finding["code"] for finding in told["findings"]] == ["format.refused"]
