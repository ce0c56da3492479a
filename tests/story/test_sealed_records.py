"""Controlled records (涉密档案), from receipt to a reader's hands: ciphertext at every moment that they lie somewhere.

The proof is a byte search: words and pages that were planted in the delivery stand in no file of the archive's folder.
"""

import hashlib
import io
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import bagit
import pytest
from fastapi.testclient import TestClient
from lxml import etree
from PIL import Image

from packages_spec.profiles import PayloadFile
from repository.crypto.age import X25519Identity, generate_identity, open_sealed, suite_named
from repository.domain.archival_package import ARCHIVAL_PACKAGE
from repository.domain.values import SecrecyClass
from repository.errors import ArchiveError
from repository.services import access, stored
from repository.services import ingest as ingesting
from repository.services.access import disseminate
from repository.services.administration import Role
from repository.services.audit import fsck, replay
from repository.services.decryption import decrypt
from repository.services.dip_forms import Wish
from repository.services.dissemination import clear_outgoing, close_dip, make_dip, read_dip, request_dip, tidy
from repository.services.ingest import IngestReport
from repository.services.key_ring import KeyPurpose, create_key
from repository.services.looking import look
from repository.services.preservation import materialise
from repository.services.sealing import cipher_of
from repository.services.search import find_record, search_records, show_record
from repository.services.validation import validate
from repository.services.waiting import waiting_file
from repository.storage import export
from tests.api.serving import ALL, api, key_for
from tests.faults.injection import require_strace
from tests.key_rings import Ring, new_ring
from tests.planted import found
from tests.real_archives import deliver, new_site, silent, take, types
from tests.shared_data import shared_data

CODE, OTHER = "M-1", "M-2"
TITLE, PARTY, SECRET_PAGE = "聂荣将军密电译稿", "第七机要室", "planted-page-text 暗号海东青"
CATALOGUE = (
    "档号,题名,责任者,日期,密级,保管期限,页数,文件\n"
    f"{CODE},{TITLE},{PARTY},19520301,秘密,永久,2,卷甲海东青\n"
    f"{OTHER},{TITLE}附图,{PARTY},19520302,秘密,永久,1,卷乙海东青\n"
)
NAMES = ("卷甲海东青", "卷乙海东青")
WORDS = (TITLE, PARTY, SECRET_PAGE, *NAMES)


def picture(place: Path, colour: int) -> bytes:
    image = Image.effect_noise((600, 400), 60 + colour).convert("L")
    image.save(place, dpi=(300, 300))
    return place.read_bytes()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Ring:
    """A ring with keys for 秘密 and 机密, and an archive that seals from there on."""
    place = tmp_path_factory.mktemp("sealed")
    ring = new_ring(place, settings='seal_from = "秘密"\n')
    settings = ring.site.folder / "jingui.toml"
    ceiling = 'secrecy_ceiling = "内部"'
    settings.write_text(settings.read_text("utf-8").replace(ceiling, 'secrecy_ceiling = "机密"'), "utf-8")
    with ring.open("officer") as session:
        create_key(session, SecrecyClass.MIMI.value, KeyPurpose.CLASS, [ring.people["officer"]], None)
    return ring


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("delivery")
    pages = {
        f"卷甲海东青/{CODE}-001.tif": picture(place / "one.tif", 1),
        f"卷甲海东青/{CODE}-002.txt": f"{SECRET_PAGE}\n".encode() * 9_000,
        f"卷乙海东青/{OTHER}-001.tif": picture(place / "two.tif", 2),
        "catalogue.csv": CATALOGUE.encode(),
    }
    return deliver(place / "controlled", pages)


@pytest.fixture(scope="module")
def sealed(made: Ring, delivery: Path) -> tuple[Ring, IngestReport]:
    with made.open("archivist") as session:
        report = take(session, delivery)
    assert report.outcome == "completed"
    return made, report


def image_bytes(delivery: Path) -> list[bytes]:
    return [path.read_bytes()[300:364] for path in sorted(delivery.rglob("*.tif"))]


def judged(ring: Ring) -> None:
    with ring.open("administrator") as session:
        assert fsck(session, silent).faults == ()
        assert replay(session, None, silent).same
    verify = [sys.executable, str(ring.site.folder / "store" / "verify.py")]
    alone = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert alone.returncode == 0, alone.stdout


def test_nothing_of_it_stands_anywhere_in_clear(sealed: tuple[Ring, IngestReport], delivery: Path) -> None:
    ring, report = sealed
    assert len(report.packages) == 3
    assert found(ring.site.folder, *WORDS, *image_bytes(delivery)) == []
    digests = [file.sha256 for file in plain_files(ring, CODE)]
    assert found(ring.site.folder, *digests) == []
    judged(ring)


def test_what_stays_readable_of_a_sealed_package_follows_the_official_schemas(
    sealed: tuple[Ring, IngestReport],
) -> None:
    ring, report = sealed
    schemas = {
        "METS.xml": etree.XMLSchema(etree.parse(shared_data("schemas") / "driver-eark.xsd")),
        "premis.xml": etree.XMLSchema(etree.parse(shared_data("schemas") / "premis/premis.xsd")),
    }
    with ring.open("archivist") as session:
        roots = [session.store.object_folder(package.package) / "v1/content" for package in report.packages]
    for root in roots:
        for name, official in schemas.items():
            documents = sorted(root.rglob(name))
            assert len(documents) == 2
            for document in documents:
                official.assertValid(etree.parse(document))


def plain_files(ring: Ring, code: str) -> list[PayloadFile]:
    with ring.open("archivist") as session:
        version = stored.newest(session, find_record(session, code))
        return list(stored.content(session, version))


def test_at_no_moment_of_the_ingest_does_anything_lie_in_clear(made: Ring, delivery: Path, tmp_path: Path) -> None:
    """The folder is searched at every step: while it is received, planned, examined, and while packages are built."""
    again = tmp_path / "again"
    shutil.copytree(delivery, again)
    renamed = CATALOGUE.replace("M-", "W-")
    (again / "catalogue.csv").write_text(renamed, "utf-8")
    seen = set()
    pages = image_bytes(delivery)

    def watch(step: str, _done: int, _total: int) -> None:
        seen.add(step)
        assert found(made.site.folder, *WORDS, *pages) == [], step

    with made.open("archivist") as session:
        assert take(session, again, progress=watch).outcome == "completed"
    assert {"receive", "identify", "create", "store"} <= seen


def test_the_package_opens_with_the_public_program_and_checks_without_any_key(
    sealed: tuple[Ring, IngestReport], delivery: Path, tmp_path: Path
) -> None:
    ring, _ = sealed
    with ring.open("archivist") as session:
        package = find_record(session, CODE)
        out = Path(materialise(session, CODE, tmp_path / "out").path)
        identity = session.package_keys.identity(package, 1)
        (tmp_path / "identity.txt").write_bytes(write(identity))
    assert bagit.Bag(str(out)).is_valid()
    verdict = validate(out)
    assert verdict.verdict == "valid", [finding.code for finding in verdict.findings]
    inside = out / f"data/uuid-{package}"
    assert found(out, *WORDS) == []
    age = shutil.which("age")
    if age is None:
        pytest.skip("the public program age is not installed")
    for path in out.rglob("*.age"):
        opened = path.with_suffix("")
        subprocess.run([age, "-d", "-i", tmp_path / "identity.txt", "-o", opened, path], check=True)
    checked = subprocess.run(
        ["sha256sum", "-c", "--quiet", "metadata/other/plaintext-sha256.txt"], cwd=inside, check=False
    )
    assert checked.returncode == 0
    assert TITLE in (inside / "metadata/descriptive/archive.xml").read_text("utf-8")
    names = dict(line.split("\t") for line in (inside / "metadata/other/names.tsv").read_text("utf-8").splitlines())
    pages = {name: inside / place for place, name in names.items() if place.startswith("representations/")}
    assert sorted(pages) == [f"{CODE}-001.tif", f"{CODE}-002.txt"]
    for name, place in pages.items():
        assert place.read_bytes() == (delivery / "卷甲海东青" / name).read_bytes()


def write(identity: object) -> bytes:
    from repository.crypto.age import write_identity

    return write_identity(identity)  # type: ignore[arg-type]  # whichever kind it is


def test_a_dissemination_is_opened_for_those_who_may_and_refused_to_others(
    sealed: tuple[Ring, IngestReport], delivery: Path, tmp_path: Path
) -> None:
    ring, _ = sealed
    with ring.open("archivist") as session:
        report = disseminate(session, CODE, paths=(), purpose="编史", target=tmp_path / "handed")
        given = sorted(Path(report.path).rglob("*-00*"))
        assert [path.read_bytes() for path in given if path.is_file()] == [
            path.read_bytes() for path in sorted((delivery / "卷甲海东青").iterdir())
        ]
        assert validate(Path(report.path)).verdict == "valid"
    with ring.open("decider") as session, pytest.raises(ArchiveError) as refused:
        disseminate(session, CODE, paths=(), purpose="编史", target=tmp_path / "other")
    assert refused.value.code in ("record-unknown", "not-allowed", "access-controlled")
    assert found(ring.site.folder, *WORDS) == []


def test_the_same_delivery_again_is_known_by_its_keyed_digest(
    sealed: tuple[Ring, IngestReport], delivery: Path
) -> None:
    ring, report = sealed
    with ring.open("archivist") as session:
        again = take(session, delivery)
    assert (again.outcome, again.accession) == ("already-recorded", report.accession)


def test_an_ingest_that_dies_goes_on_and_leaves_nothing_in_clear(
    made: Ring, delivery: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = tmp_path / "dying"
    shutil.copytree(delivery, again)
    (again / "catalogue.csv").write_text(CATALOGUE.replace("M-", "D-"), "utf-8")
    for name in ("plan_units", "create_packages", "_store", "_complete"):
        with monkeypatch.context() as dying, made.open("archivist") as session:
            dying.setattr(ingesting, name, die)
            with pytest.raises(KeyboardInterrupt):
                take(session, again)
        assert found(made.site.folder, *WORDS) == []
    with made.open("archivist") as session:
        assert take(session, again).outcome == "completed"
    judged(made)


OPEN_TITLE, OPEN_PAGE = "迎春灯会节目单", "open-page-text 春灯"
MIXED = (
    "档号,题名,责任者,日期,密级,保管期限,页数,文件\n"
    f"X-1,{TITLE},{PARTY},19520301,秘密,永久,1,卷甲海东青\n"
    "X-2,机密海东青电,文教科,19520302,机密,永久,1,卷乙海东青\n"
    f"X-3,{OPEN_TITLE},文教科,19520303,公开,永久,1,灯会\n"
)


def test_of_a_mixed_delivery_each_record_is_sealed_by_its_own_class(
    made: Ring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is open is plain and found by its title, after a run that died too; the others stand nowhere in clear."""
    mixed = deliver(
        tmp_path / "mixed",
        {
            "catalogue.csv": MIXED.encode(),
            "卷甲海东青/X-1-001.txt": f"{SECRET_PAGE} 甲\n".encode() * 900,
            "卷乙海东青/X-2-001.txt": f"{SECRET_PAGE} 乙\n".encode() * 900,
            "灯会/X-3-001.txt": f"{OPEN_PAGE}\n".encode() * 900,
        },
    )
    for name in ("create_packages", "_store", "_complete"):
        with monkeypatch.context() as dying, made.open("archivist") as session:
            dying.setattr(ingesting, name, die)
            with pytest.raises(KeyboardInterrupt):
                take(session, mixed)
    with made.open("archivist") as session:
        assert take(session, mixed).outcome == "completed"
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in mixed.glob("卷*/*")]
    assert len(digests) == 2
    assert found(made.site.folder, *WORDS, "机密海东青电", *digests) == []
    places = found(made.site.folder, OPEN_PAGE)
    assert len(places) == 1, places
    assert found(made.site.folder, OPEN_TITLE) != []
    with made.open("archivist") as session:
        keys = {}
        for code in ("X-1", "X-2", "X-3"):
            encrypted = session.log.load(ARCHIVAL_PACKAGE, find_record(session, code)).state.encrypted
            keys[code] = encrypted and encrypted.class_key
        assert keys == {"X-1": "秘密", "X-2": "机密", "X-3": None}
        assert search_records(session, OPEN_TITLE, as_of=None, limit=10, after=None).total == 1
        assert validate(Path(materialise(session, "X-3", tmp_path / "open").path)).verdict == "valid"
        shown = show_record(session, "X-3", as_of=None)
        assert [file.path for file in shown.files] == ["X-3-001.txt"]
    judged(made)


def test_a_ceiling_refuses_before_a_byte_is_read_in(made: Ring, tmp_path: Path) -> None:
    above = deliver(
        tmp_path / "above",
        {"catalogue.csv": CATALOGUE.replace("秘密", "绝密").encode(), f"卷甲海东青/{CODE}-001.txt": b"top secret page"},
    )
    with made.open("archivist") as session:
        before = session.log.position()
        with pytest.raises(ArchiveError) as refused:
            take(session, above)
        assert (refused.value.code, session.log.position()) == ("above-ceiling", before)
    assert found(made.site.folder, b"top secret page") == []


def test_the_refusal_opens_no_file_of_the_content(made: Ring, tmp_path: Path) -> None:
    """The system calls of the whole command are the proof: of what was delivered it opens the catalogue alone."""
    require_strace()
    pages = {f"卷甲海东青/{CODE}-{number:03}.txt": b"top secret page" for number in range(1, 4)}
    above = deliver(tmp_path / "above", {"catalogue.csv": CATALOGUE.replace("秘密", "绝密").encode(), **pages})
    trace = tmp_path / "trace"
    watched = ["strace", "-f", "-qq", "-e", "trace=open,openat,openat2,creat", "-e", "signal=none", "-o", str(trace)]
    command = [sys.executable, "-c", "from cli.main import run; run()", "ingest", str(above)]
    credential = ["--archive", str(made.site.folder), "--credential", str(made.credential("archivist"))]
    options = ["--producer", "县机要室", "--transfer-number", "2026-999", "--json", *credential]
    refused = subprocess.run([*watched, *command, *options], capture_output=True, text=True, check=False)
    assert (refused.returncode, '"above-ceiling"' in refused.stdout) == (4, True), refused
    opened = [line for line in trace.read_text("utf-8", "replace").splitlines() if "O_DIRECTORY" not in line]
    assert any("above/catalogue.csv" in line for line in opened)
    assert [line for line in opened if f"{CODE}-00" in line] == []


def die(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_show_tells_the_words_to_those_who_may_and_a_search_to_nobody(sealed: tuple[Ring, IngestReport]) -> None:
    ring, _ = sealed
    with ring.open("archivist") as session:
        shown = show_record(session, CODE, as_of=None)
        assert (shown.description.title, shown.description.responsible_party) == (TITLE, PARTY)
        assert [file.path for file in shown.files] == [f"{CODE}-001.tif", f"{CODE}-002.txt"]
        assert search_records(session, TITLE, as_of=None, limit=10, after=None).total == 0
    with ring.open("administrator") as session:
        auditor = ring.site.person(session, "auditor", Role.AUDITOR)[1]
    with ring.site.open(auditor) as session:
        shown = show_record(session, CODE, as_of=None)
        assert (shown.description.title, shown.files) == (None, ())


def test_files_are_decrypted_after_the_log_says_so_and_a_false_one_leaves_nothing(
    sealed: tuple[Ring, IngestReport], delivery: Path, tmp_path: Path
) -> None:
    ring, _ = sealed
    with ring.open("archivist") as session:
        before = session.log.position()
        report = decrypt(session, CODE, tmp_path / "plain", paths=(), purpose="核对")
        assert types(session, after=before)[-2:] == ["AccessRequest.ContentViewed", "AccessRequest.Closed"]
        assert report.files == 2
        for path in sorted((delivery / "卷甲海东青").iterdir()):
            assert (tmp_path / "plain" / path.name).read_bytes() == path.read_bytes()
        with pytest.raises(ArchiveError) as refused:
            decrypt(session, CODE, tmp_path / "plain", paths=(), purpose="核对")
        assert refused.value.code == "folder-exists"


def counted(opened: list[int], true: Callable[..., int], number: int, *rest: object) -> int:
    """Open a chunk, and write down which."""
    opened.append(number)
    return true(number, *rest)


def test_a_range_opens_its_own_chunks_and_no_others(
    sealed: tuple[Ring, IngestReport], delivery: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring, _ = sealed
    text = (delivery / "卷甲海东青" / f"{CODE}-002.txt").read_bytes()
    assert len(text) > 4 * 65_536
    with ring.open("archivist") as session:
        parcel = look(session, CODE, f"{CODE}-002.txt", purpose="查证")
        assert parcel.reader is not None
        assert parcel.sha256 == hashlib.sha256(text).hexdigest()
        with parcel.reader() as reader:
            opened: list[int] = []
            monkeypatch.setattr(reader, "_open", partial(counted, opened, reader._open))
            assert reader.read_at(65_536 * 2 + 10, 100) == text[65_536 * 2 + 10 : 65_536 * 2 + 110]
            assert opened == [2]


def test_the_store_alone_tells_a_swapped_file(sealed: tuple[Ring, IngestReport], tmp_path: Path) -> None:
    """Two sealed files exchanged, manifests made to fit: the place that each was sealed for tells."""
    ring, _ = sealed
    with ring.open("archivist") as session:
        version = stored.newest(session, find_record(session, CODE))
        one, other = (
            stored.place_in(session, version, f"{CODE}-00{number}.{kind}") for number, kind in ((1, "tif"), (2, "txt"))
        )
        cipher = cipher_of(session, version.package, 1)
        with pytest.raises(ArchiveError) as refused:
            cipher.open(one, stored.place_of(session, version, other))
        assert refused.value.code == "sealed-context"


def test_it_leaves_for_one_recipient_alone(sealed: tuple[Ring, IngestReport], tmp_path: Path) -> None:
    ring, _ = sealed
    identity = generate_identity(suite_named("age-v1"))
    assert isinstance(identity, X25519Identity)
    with ring.open("archivist") as session:
        handing = partial(disseminate, session, CODE, paths=(), purpose="送审", target=tmp_path / "out")
        with pytest.raises(ArchiveError) as refused:
            handing(recipient="age1nobody")
        assert refused.value.code == "recipient-unknown"
        report = handing(recipient=str(identity.recipient))
    beside = {f"uuid-{report.dip}.{kind}" for kind in ("stored.json", "checkpoint", "log.vkey", "tlog-proof")}
    left = tmp_path / "out" / f"uuid-{report.dip}.zip.age"
    assert {path.name for path in (tmp_path / "out").iterdir()} == {left.name} | beside
    assert report.path == str(left)
    with open_sealed(left, identity, None) as reader:
        inside = zipfile.ZipFile(io.BytesIO(reader.read_at(0, reader.size)))
    assert any(name.endswith(f"{CODE}-002.txt") for name in inside.namelist())
    assert found(ring.site.folder, *WORDS) == []


def test_over_http_ranges_are_opened_for_those_who_may_and_nobody_else_learns_anything(
    sealed: tuple[Ring, IngestReport], delivery: Path
) -> None:
    ring, _ = sealed
    text = (delivery / "卷甲海东青" / f"{CODE}-002.txt").read_bytes()
    archivist = key_for(ring.site, "值守", Role.ARCHIVIST, scopes=ALL)
    reader = key_for(ring.site, "读者", Role.READER, scopes=ALL)
    where = f"/v1/records/{CODE}/files/{CODE}-002.txt?purpose=查证"
    with api(ring.site) as (client, _):
        whole = client.get(where, headers=archivist)
        assert (whole.status_code, whole.content) == (200, text)
        assert whole.headers["etag"] == f'"{hashlib.sha256(text).hexdigest()}"'
        part = client.get(where, headers=archivist | {"range": "bytes=131082-131181"})
        assert (part.status_code, part.content) == (206, text[131_082:131_182])
        refused = client.get(where, headers=reader)
        assert (refused.status_code, "etag" in refused.headers) == (404, False)
    assert found(ring.site.folder, *WORDS) == []


def ready(client: TestClient, key: dict[str, str], form: str, **more: object) -> dict[str, str]:
    """Have a package made over the wire, and say how it stands once it waits."""
    body = {"record": CODE, "purpose": "研究", "form": form, **more}
    asked = client.post("/v1/dips", headers=key, json=body)
    assert asked.status_code == 202, asked.text
    where = asked.headers["location"]
    client.get(f"{where}/events", headers=key)
    said: dict[str, str] = client.get(where, headers=key).json()
    return said | {"where": f"{where}/content"}


@pytest.mark.parametrize(("form", "more"), [("zip", {}), ("pdf", {"pages": [1]}), ("images", {"pages": [1]})])
def test_a_package_waits_as_ciphertext_and_is_opened_while_it_is_sent(
    sealed: tuple[Ring, IngestReport], delivery: Path, form: str, more: dict[str, object]
) -> None:
    ring, _ = sealed
    archivist = key_for(ring.site, f"值守{form}", Role.ARCHIVIST, scopes=ALL)
    reader = key_for(ring.site, f"读者{form}", Role.READER, scopes=ALL)
    with api(ring.site) as (client, _):
        said = ready(client, archivist, form, **more)
        assert said["state"] == "ready", said
        (waiting,) = (ring.site.folder / "outgoing" / said["request"]).iterdir()
        assert waiting.name == f"{said['name']}.age"
        assert waiting.read_bytes().startswith(b"age-encryption.org/v1\n")
        assert found(ring.site.folder, *WORDS, *image_bytes(delivery)) == []
        assert client.get(said["where"], headers=reader).status_code == 404

        whole = client.get(said["where"], headers=archivist)
        assert whole.status_code == 200
        assert hashlib.sha256(whole.content).hexdigest() == said["sha256"]
        assert whole.headers["etag"] == f'"{said["sha256"]}"'
        middle = len(whole.content) // 2
        rest = archivist | {"range": f"bytes={middle}-", "if-range": whole.headers["etag"]}
        part = client.get(said["where"], headers=rest)
        assert (part.status_code, part.content) == (206, whole.content[middle:])
        if form == "zip":
            inside = zipfile.ZipFile(io.BytesIO(whole.content))
            (page,) = (name for name in inside.namelist() if name.endswith(f"{CODE}-002.txt"))
            assert inside.read(page) == (delivery / "卷甲海东青" / f"{CODE}-002.txt").read_bytes()

        kept = waiting.read_bytes()
        assert client.delete(said["where"].removesuffix("/content"), headers=archivist).status_code == 204
        assert client.get(said["where"], headers=archivist).status_code == 410
    assert not waiting.exists()
    with ring.open("archivist") as session:
        waiting.parent.mkdir()
        waiting.write_bytes(kept)  # as a backup would bring it back
        with pytest.raises(ArchiveError) as refused:
            waiting_file(session, UUID(said["request"]), said["name"])
        assert refused.value.code == "dip-gone"
    shutil.rmtree(waiting.parent)
    assert found(ring.site.folder, *WORDS, *image_bytes(delivery)) == []


def in_memory(ring: Ring) -> list[str]:
    """Files of this archive alone that lie in memory with the words of the page."""
    folders = export.MEMORY.glob(f"{export._mark_of(ring.site.folder)}*")
    return [name for folder in folders for name in found(folder, SECRET_PAGE)]


def test_while_it_is_made_nothing_is_in_clear_and_what_a_killed_run_left_in_memory_goes(
    sealed: tuple[Ring, IngestReport], delivery: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring, _ = sealed
    searched: list[str] = []

    def watch(step: str, _done: int, _total: int) -> None:
        searched.append(step)
        assert found(ring.site.folder, *WORDS, *image_bytes(delivery)) == [], step
        assert in_memory(ring)

    with ring.open("archivist") as session:
        request = request_dip(session, CODE, paths=(), purpose="编史", wish=Wish(form="zip"))
        with monkeypatch.context() as dying:
            dying.setattr(export, "wipe", lambda _: None)
            make_dip(session, request, watch)
        assert searched == ["assemble"]
        assert in_memory(ring)
        tidy(session)
        assert not in_memory(ring)
        close_dip(session, request)
        with monkeypatch.context() as diskless:
            diskless.setattr(export, "MOUNTS", ring.site.folder / "none")
            again = request_dip(session, CODE, paths=(), purpose="编史", wish=Wish(form="zip"))
            make_dip(session, again, silent)
        assert read_dip(session, again).problem == "memory-missing"


def test_handed_out_on_the_spot_or_expired_it_is_nowhere_in_clear_and_its_identity_goes(
    sealed: tuple[Ring, IngestReport], delivery: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring, _ = sealed
    pages, true, searched = image_bytes(delivery), access.append, 0

    def searching(*said: Any) -> bool:
        nonlocal searched
        searched += 1
        assert found(ring.site.folder, *WORDS, *pages) == []
        return true(*said)

    with ring.open("archivist") as session:
        with monkeypatch.context() as watching:
            watching.setattr(access, "append", searching)
            disseminate(session, CODE, paths=(), purpose="编史", target=tmp_path / "out")
        assert searched == 3  # asked for, assembled, closed

        request = request_dip(session, CODE, paths=(), purpose="编史", wish=Wish(form="zip"))
        make_dip(session, request, silent)
        assert session.package_keys.head(request, 1).package == request
        later = session.clock() + timedelta(days=session.settings.outgoing_days + 1)
        assert clear_outgoing(replace(session, clock=lambda: later)) == 1
        with pytest.raises(ArchiveError) as refused:
            session.package_keys.head(request, 1)
        assert refused.value.code == "key-record-missing"
        assert not (ring.site.folder / "outgoing" / str(request)).exists()


def test_without_its_class_key_nothing_is_copied(tmp_path: Path, delivery: Path) -> None:
    site = new_site(tmp_path, ceiling=SecrecyClass.JIMI)
    with (site.folder / "jingui.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'vault_key = "{tmp_path / "master"}"\n')
    settings_file = site.folder / "jingui.toml"
    settings_file.write_text(settings_file.read_text("utf-8") + 'seal_from = "秘密"\n', "utf-8")
    with site.open() as session, pytest.raises(ArchiveError) as refused:
        take(session, delivery)
    assert refused.value.code in ("ring-key-unknown", "recovery-key-missing")
    assert found(site.folder, *WORDS[:3], *image_bytes(delivery)) == []
