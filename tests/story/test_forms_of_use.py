"""What a reader can take away: each form from the command line, true to the record, in the log before it appears."""

import wave
import zipfile
from collections.abc import Callable
from pathlib import Path

import av
import bagit
import pikepdf
import pytest
from PIL import Image

from packages_spec.digests import digest_file
from repository.domain.access_request import DipAssembled, DipRendered
from repository.errors import ArchiveError
from repository.services.access import disseminate
from repository.services.dip_forms import Wish, read_pages
from repository.services.validation import validate
from tests.command_line import jingui
from tests.real_archives import LAND_DEEDS, Site, deliver, new_site, take, types

DEED = "J012-1-0002"
PAGES = sorted(path.name for path in (LAND_DEEDS / DEED).iterdir())
CODE = "A-1"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    place = tmp_path_factory.mktemp("forms")
    site = new_site(place)
    with site.open() as session:
        take(session, LAND_DEEDS)
        take(session, sounding(place / "sounding"))
    return site


def sounding(folder: Path) -> Path:
    """A delivery with a second of sound and of moving pictures, and a page that is neither."""
    catalogue = "档号,题名,文件\nS-1,录音,speech.wav\nV-1,录像,film.avi\nT-1,文字,words.txt\n"
    deliver(folder, {"catalogue.csv": catalogue.encode(), "words.txt": "字".encode()})
    with wave.open(str(folder / "speech.wav"), "wb") as file:
        file.setparams((1, 2, 8_000, 0, "NONE", ""))
        file.writeframes(bytes(range(256)) * 63)
    with av.open(str(folder / "film.avi"), "w") as film:
        stream = film.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for shade in range(10):
            picture = Image.new("RGB", (64, 48), (shade * 20, 40, 90))
            film.mux(stream.encode(av.VideoFrame.from_image(picture)))  # type: ignore[no-untyped-call] # the library's
        film.mux(stream.encode(None))
    return folder


def test_the_zip_is_the_same_valid_package_in_one_file(site: Site, tmp_path: Path) -> None:
    done = jingui("disseminate", DEED, "--purpose", "编史", "--form", "zip", "--to", tmp_path, "--json", site=site)
    assert done.status == 0, done.err
    path = Path(done.json()["path"])
    assert path.suffix == ".zip"
    with site.open() as session:
        rendered = next(iter(reversed(list(session.log.events(types=["AccessRequest.DipRendered"]))))).payload
    assert isinstance(rendered, DipRendered)
    assert (rendered.bytes, rendered.sha256) == digest_file(path)
    with zipfile.ZipFile(path) as packed:
        assert {member.compress_type for member in packed.infolist()} == {zipfile.ZIP_STORED}
        assert packed.testzip() is None
        packed.extractall(tmp_path)
    assert validate(tmp_path / path.stem).verdict == "valid"
    assert validate(path).verdict == "valid"


def test_the_pdf_has_the_pages_that_were_chosen_in_that_order(site: Site, tmp_path: Path) -> None:
    done = jingui(
        "disseminate",
        DEED,
        "--purpose",
        "编史",
        "--form",
        "pdf",
        "--pages",
        "4,1-2",
        "--to",
        tmp_path,
        "--json",
        site=site,
    )
    assert done.status == 0, done.err
    with pikepdf.open(done.json()["path"]) as document:
        found = [picture.read_raw_bytes() for page in document.pages for picture in page.get_images().values()]
    assert found == [(LAND_DEEDS / DEED / PAGES[number - 1]).read_bytes() for number in (4, 1, 2)]
    assert {path.suffix for path in tmp_path.iterdir()} == {".pdf", ".json", ".checkpoint", ".vkey", ".tlog-proof"}


def test_pictures_come_as_a_valid_bag_that_the_log_knows(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        before = session.log.position()
        report = disseminate(
            session, DEED, paths=(), purpose="编史", target=tmp_path, wish=Wish(form="images", width=120)
        )
        assert types(session, after=before) == [
            f"AccessRequest.{name}" for name in ("Requested", "FormChosen", "DipAssembled", "DipDelivered", "Closed")
        ]
        assembled = session.log.stream(report.request)[2].payload
    bag = Path(report.path)
    bagit.Bag(str(bag)).validate()
    assert isinstance(assembled, DipAssembled)
    assert assembled.manifest_sha256 == digest_file(bag / "manifest-sha256.txt")[1]
    assert assembled.tagmanifest_sha256 == digest_file(bag / "tagmanifest-sha256.txt")[1]
    assert (report.files, report.bytes) == (len(PAGES), sum(path.stat().st_size for path in bag.glob("data/*")))
    assert f"urn:uuid:{report.package}" in (bag / "bag-info.txt").read_text("utf-8")
    for path in bag.glob("data/*.jpg"):
        with Image.open(path) as picture:
            assert picture.width == 120


@pytest.mark.parametrize(("code", "suffix", "kind"), [("S-1", ".mp3", "audio"), ("V-1", ".mp4", "video")])
def test_what_sounds_or_moves_can_be_played(site: Site, tmp_path: Path, code: str, suffix: str, kind: str) -> None:
    with site.open() as session:
        report = disseminate(session, code, paths=(), purpose="编史", target=tmp_path, wish=Wish(form="playback"))
    (copy,) = Path(report.path).glob("data/*")
    assert copy.suffix == suffix
    with av.open(str(copy)) as played:
        (stream,) = [stream for stream in played.streams if stream.type == kind]
        frames = sum(1 for _ in played.decode(stream))
        assert frames > 0
        assert 0.8 < float((played.duration or 0) / 1_000_000) < 2.3


@pytest.mark.parametrize(
    ("code", "wish", "error"),
    [
        ("T-1", Wish(form="pdf"), "form-unfit"),
        ("T-1", Wish(form="images"), "form-unfit"),
        ("T-1", Wish(form="playback"), "form-unfit"),
        (DEED, Wish(form="playback"), "form-unfit"),
        (DEED, Wish(form="pdf", pages=(6,)), "pages-invalid"),
        (DEED, Wish(form="microfilm"), "form-unknown"),
    ],
)
def test_a_form_that_a_record_does_not_have_is_refused_and_nothing_appears(
    site: Site, tmp_path: Path, code: str, wish: Wish, error: str
) -> None:
    with site.open() as session, pytest.raises(ArchiveError) as refused:
        disseminate(session, code, paths=(), purpose="编史", target=tmp_path, wish=wish)
    assert refused.value.code == error
    assert not any(tmp_path.iterdir())
    assert not any((site.folder / "staging" / "outgoing").iterdir())


@pytest.mark.parametrize("form", ["zip", "pdf", "images"])
def test_a_false_byte_in_the_store_leaves_in_no_form(tmp_path: Path, form: str) -> None:
    site = new_site(tmp_path)
    with site.open() as session:
        take(session, LAND_DEEDS)
        page = next(path for path in site.folder.rglob("J012-1-0002-001.jpg"))
        content = bytearray(page.read_bytes())
        content[-20] ^= 1
        page.chmod(0o644)
        page.write_bytes(content)
        with pytest.raises(ArchiveError) as refused:
            disseminate(session, DEED, paths=(), purpose="编史", target=tmp_path / "out", wish=Wish(form=form))
    assert refused.value.code == "fixity-mismatch"
    assert not (tmp_path / "out").exists()


NUMBERS: dict[str, tuple[int, ...] | None] = {
    "1": (1,),
    "1-3": (1, 2, 3),
    "7, 1-2,2": (7, 1, 2),
    "3，1": (3, 1),
    "": None,
    "0": None,
    "3-1": None,
    "x": None,
    "1-": None,
    "-1": None,
    "1-9999999": None,
    "²": None,
}


@pytest.mark.parametrize("words", NUMBERS)
def test_page_numbers_are_read_as_people_write_them(words: str) -> None:
    read: Callable[[str], tuple[int, ...]] = read_pages
    wanted = NUMBERS[words]
    if wanted is not None:
        assert read(words) == wanted
        return
    with pytest.raises(ArchiveError) as refused:
        read(words)
    assert refused.value.code == "pages-invalid"
