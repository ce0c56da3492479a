"""What readers say of files whose content we know, and what becomes of those that mean harm."""

import io
import os
import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import pikepdf
import pytest
from lxml import etree
from PIL import Image

from packages_spec.technical import Technical, schema, technical_xml
from repository.characterisation import Asked, Characteriser
from repository.characterisation.bounded import HEADER_BYTES, WHOLE_BYTES, Source
from repository.characterisation.cms import judge_detached
from repository.characterisation.report import PARTS_LISTED
from repository.characterisation.worker import characterise
from repository.errors import ArchiveError
from tests import made_formats as made

OWN = etree.XMLSchema(etree.fromstring(schema()))


def said(place: Path, name: str, content: bytes | None = None, media_type: str = "") -> Technical:
    """What a reader says, which must follow the schema, whatever it is."""
    if content is not None:
        (place / name).write_bytes(content)
    technical = characterise(place / name, media_type, name)
    assert technical is not None
    OWN.assertValid(etree.fromstring(technical_xml(technical)))
    return technical


def values(technical: Technical) -> dict[str, str]:
    assert technical.failure is None
    return {each.name: each.value for each in technical.properties}


def signatures(technical: Technical) -> list[dict[str, str]]:
    return [{each.name: each.value for each in part.properties} for part in technical.parts_of("signature")]


IMAGES = {
    "a.jpg": (made.picture(dpi=(200, 200)), "RGB", "8", "jpeg", "200"),
    "b.tif": (made.picture("1", "TIFF", dpi=(300, 300), compression="group4"), "bitonal", "1", "group4", "300"),
    "c.tif": (made.picture("L", "TIFF", dpi=(600, 600)), "grey", "8", "none", "600"),
    "d.png": (made.picture("I;16", "PNG", dpi=(300, 300)), "grey", "16", "deflate", "300"),
    "e.gif": (made.picture("P", "GIF"), "palette", "8", "lzw", None),
    "f.jp2": (made.picture("L", "JPEG2000"), "grey", "8", "jpeg2000", None),
    "g.bmp": (made.picture("RGB", "BMP", dpi=(150, 150)), "RGB", "8", "none", "150.01"),  # in pixels a metre
    "h.webp": (made.picture("RGB", "WEBP"), "RGB", "8", "webp", None),
    "i.tif": (made.picture("CMYK", "TIFF"), "CMYK", "8", "none", None),
}


@pytest.mark.parametrize("name", IMAGES)
def test_images(tmp_path: Path, name: str) -> None:
    content, colour, depth, compression, dpi = IMAGES[name]
    found = values(said(tmp_path, name, content))
    assert (found["width"], found["height"], found["frames"]) == ("40", "30", "1")
    assert (found["colour"], found["bit-depth"], found["compression"]) == (colour, depth, compression)
    assert found.get("resolution-x") == dpi
    assert "structure" not in found


def test_the_frames_of_a_tiff_are_counted_and_its_software_is_named(tmp_path: Path) -> None:
    out = io.BytesIO()
    frames = [Image.new("1", (10, 10)) for _ in range(3)]
    frames[0].save(out, "TIFF", save_all=True, append_images=frames[1:], software="扫描软件 2.0")
    technical = said(tmp_path, "a.tif", out.getvalue())
    assert values(technical)["frames"] == "3"
    assert technical.creating_application is not None


@pytest.mark.parametrize("name", ["a.jpg", "d.png", "e.gif", "f.jp2"])
def test_a_picture_without_its_end_is_damaged(tmp_path: Path, name: str) -> None:
    content = IMAGES[name][0]
    assert "structure" in values(said(tmp_path, name, content[:-12] if name == "d.png" else content[:-2]))


def test_pdf(tmp_path: Path) -> None:
    found = values(said(tmp_path, "a.pdf", made.pdf(3, claim="2b", force_version="1.7")))
    assert found == {"version": "1.7", "pages": "3", "encryption": "none", "claims": "PDF/A-2b"}
    assert said(tmp_path, "a.pdf").creating_application == "Jingui test"


def test_a_pdf_with_a_password_is_told_and_not_a_failure(tmp_path: Path) -> None:
    locked = made.pdf(encryption=pikepdf.Encryption(owner="a", user="b"))
    assert values(said(tmp_path, "a.pdf", locked))["encryption"] == "password needed"
    denied = pikepdf.Encryption(owner="a", user="", allow=pikepdf.Permissions(extract=False))
    found = values(said(tmp_path, "b.pdf", made.pdf(encryption=denied)))["encryption"]
    assert "256 bit" in found
    assert "copying" in found


def test_a_pdf_whose_end_is_lost_is_read_and_called_damaged(tmp_path: Path) -> None:
    content = made.pdf(object_stream_mode=pikepdf.ObjectStreamMode.disable)
    broken = content.replace(b"startxref", b"startxxxx")
    found = values(said(tmp_path, "a.pdf", broken))
    assert (found["pages"], found["structure"]) == ("2", "can't find startxref")


def test_a_file_that_is_called_pdf_and_is_none(tmp_path: Path) -> None:
    assert said(tmp_path, "a.pdf", b"no such thing").failure == "no PDF header"


def test_signatures_of_a_pdf(tmp_path: Path) -> None:
    (whole,) = signatures(said(tmp_path, "a.pdf", made.signed_pdf()))
    assert (whole["status"], whole["covers"]) == ("not-tested", "whole file")
    (part,) = signatures(said(tmp_path, "b.pdf", made.signed_pdf(covered=False)))
    assert (part["status"], part["covers"]) == ("not-tested", "part of the file")
    (altered,) = signatures(said(tmp_path, "c.pdf", made.signed_pdf(altered=True)))
    assert altered["status"] == "invalid"


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (b"", "no message digest"),
        (b"\x30\x80\x00", "structure not understood: length"),
        (b"\x30\x10", "structure not understood: cut short"),
        (b"\x30\x82\x00\x00" * 40_000, "structure not understood: too many elements"),
    ],
)
def test_a_signature_that_is_no_structure_is_not_tested(content: bytes, note: str) -> None:
    assert judge_detached(content, [b"x"]) == ("not-tested", note)


def test_a_structure_as_deep_as_it_likes_ends(tmp_path: Path) -> None:
    nested = b""
    for _ in range(40):
        nested = b"\x30" + bytes([0x82]) + len(nested).to_bytes(2, "big") + nested
    assert judge_detached(nested, []) == ("not-tested", "structure not understood: too deep")


def test_ofd_with_a_seal(tmp_path: Path) -> None:
    technical = said(tmp_path, "a.ofd", made.zipped(made.ofd_members(["关于征地的批复", "附件"], method=made.SM3)))
    assert values(technical) == {"version": "1.1", "documents": "1", "pages": "2", "letters": "9", "attachments": "no"}
    (seal,) = signatures(technical)
    assert (seal["status"], seal["digests"], seal["stamps"]) == ("not-tested", "4/4", "1")
    assert technical.creating_application == "办公软件"


@pytest.mark.parametrize("method", [made.SM3, made.SHA1])
def test_a_sealed_ofd_that_was_changed_is_invalid(tmp_path: Path, method: str) -> None:
    members = made.ofd_members(["关于征地的批复"], method=method)
    members["Doc_0/Pages/Page_0/Content.xml"] = members["Doc_0/Pages/Page_0/Content.xml"].replace(b"\xe5", b"\xe6", 1)
    (seal,) = signatures(said(tmp_path, "a.ofd", made.zipped(members)))
    assert (seal["status"], seal["digests"]) == ("invalid", "2/3")
    assert "Content.xml" in seal["note"]


def test_a_sealed_ofd_that_lost_a_member_is_invalid(tmp_path: Path) -> None:
    members = made.ofd_members(["一"], method=made.SM3)
    members["Doc_0/Document.xml"] += b" "
    del members["Doc_0/Signs/Sign_0/Signature.xml"]
    (seal,) = signatures(said(tmp_path, "a.ofd", made.zipped(members)))
    assert seal["status"] == "invalid"


def test_an_ofd_that_leads_out_of_itself_is_refused(tmp_path: Path) -> None:
    members = made.ofd_members(["一"])
    members["OFD.xml"] = members["OFD.xml"].replace(b"Doc_0/Document.xml", b"../../etc/passwd")
    assert "leads out" in (said(tmp_path, "a.ofd", made.zipped(members)).failure or "")


def test_siard_lists_its_tables(tmp_path: Path) -> None:
    technical = said(tmp_path, "a.siard", made.siard())
    found = values(technical)
    assert (found["tables"], found["columns"], found["rows"], found["database-product"]) == ("2", "4", "7", "Oracle 11")
    there, missing = technical.parts_of("table")
    assert (there.name, missing.name) == ("HY.登记", "HY.人员")
    assert [each.value for each in missing.properties if each.name == "content"] == ["missing"]


def test_long_lists_are_cut_and_say_so(tmp_path: Path) -> None:
    table = "<table><name>t</name><folder>t</folder><columns/><rows>1</rows></table>" * (PARTS_LISTED + 5)
    metadata = (
        f'<siardArchive version="2.2"><schemas><schema><tables>{table}</tables></schema></schemas></siardArchive>'
    )
    technical = said(tmp_path, "a.siard", made.zipped({"header/metadata.xml": metadata}))
    assert len(technical.parts) == PARTS_LISTED
    assert (values(technical)["tables"], values(technical)["parts-not-listed"]) == (str(PARTS_LISTED + 5), "5")


def test_office_files(tmp_path: Path) -> None:
    plain = said(tmp_path, "a.docx", made.docx())
    assert values(plain) == {"document": "OOXML text", "macros": "no", "encryption": "none", "pages": "7"}
    assert plain.creating_application == "Microsoft Office Word"
    assert values(said(tmp_path, "b.docm", made.docx(macros=True)))["macros"] == "yes"
    text = values(said(tmp_path, "c.odt", made.odt(encrypted=True)))
    assert (text["document"], text["macros"], text["encryption"]) == ("ODF text", "yes", "password needed")
    old = values(said(tmp_path, "d.doc", made.compound({"WordDocument": b"x", "Macros/VBA": b"1"})))
    assert (old["document"], old["macros"]) == ("Word 97-2003", "yes")
    locked = values(said(tmp_path, "e.docx", made.compound({"EncryptionInfo": b"1", "EncryptedPackage": b"2"})))
    assert locked["encryption"] == "password needed"


def test_signed_office_files(tmp_path: Path) -> None:
    (true,) = signatures(said(tmp_path, "a.docx", made.docx(tampered=False)))
    (false,) = signatures(said(tmp_path, "b.docx", made.docx(tampered=True)))
    assert (true["status"], false["status"]) == ("not-tested", "invalid")


def test_messages_are_one_item_with_their_attachments(tmp_path: Path) -> None:
    letter = said(tmp_path, "a.eml", made.eml())
    assert [part.name for part in letter.parts_of("attachment")] == ["清单.pdf", "message/rfc822"]
    assert values(letter)["attachments"] == "2"
    outlook = said(tmp_path, "b.msg", made.msg())
    assert [part.name for part in outlook.parts_of("attachment")] == ["清单.xlsx"]
    for name, content in {"c.eml": made.eml(signed=True), "d.msg": made.msg(signed=True)}.items():
        assert [each["status"] for each in signatures(said(tmp_path, name, content))] == ["not-tested"]


def test_who_wrote_to_whom_is_not_technical(tmp_path: Path) -> None:
    for name, content in {"a.eml": made.eml(), "b.msg": made.msg()}.items():
        told = technical_xml(said(tmp_path, name, content))
        assert "example.org" not in told
        assert "报送材料" not in told


def test_sound_and_film(tmp_path: Path) -> None:
    made.sound(tmp_path / "a.wav")
    technical = said(tmp_path, "a.wav")
    (track,) = technical.parts_of("audio")
    told = {each.name: each.value for each in track.properties}
    assert (told["codec"], told["sample-rate"], told["channels"], told["bit-depth"]) == (
        "pcm_s24le",
        "44100",
        "2",
        "24",
    )
    for name, codec in {"b.mp4": "mpeg4", "c.avi": "mpeg4", "d.mpg": "mpeg2video", "e.mkv": "mpeg4"}.items():
        made.film(tmp_path / name, codec=codec)
        (track,) = said(tmp_path, name).parts_of("video")
        told = {each.name: each.value for each in track.properties}
        assert (told["codec"], told["width"], told["height"], told["frame-rate"]) == (codec, "320", "240", "25")


def test_files_that_no_reader_is_for_are_left_alone(tmp_path: Path) -> None:
    for name, content in {
        "a.txt": b"words",
        "b.bin": bytes(range(256)),
        "c.zip": made.zipped({"a": b"b"}),
        "d": b"",
    }.items():
        (tmp_path / name).write_bytes(content)
        assert characterise(tmp_path / name, "application/octet-stream", name) is None


def playlist(place: Path) -> bytes:
    """A playlist that would have FFmpeg open another file."""
    (place / "secret.ts").write_bytes(b"G" + b"\0" * 187)
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{place / 'secret.ts'}\n#EXT-X-ENDLIST\n".encode()


def test_a_playlist_opens_nothing(tmp_path: Path) -> None:
    assert said(tmp_path, "a.m3u8", playlist(tmp_path), "audio/x-mpegurl").failure is not None


def png_of(width: int, height: int) -> bytes:
    """A picture that claims its size and holds nothing."""
    head = b"IHDR" + struct.pack(">LLBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = [head, b"IDAT" + zlib.compress(b""), b"IEND"]
    body = b"".join(struct.pack(">L", len(one) - 4) + one + struct.pack(">L", zlib.crc32(one)) for one in chunks)
    return b"\x89PNG\r\n\x1a\n" + body


def endless_tiff() -> bytes:
    """Directories that lead to each other in a ring."""
    entries = [
        (256, 3, 1, 10),
        (257, 3, 1, 10),
        (259, 3, 1, 1),
        (258, 3, 1, 8),
        (262, 3, 1, 1),
        (273, 4, 1, 8),
        (279, 4, 1, 100),
    ]
    table = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHLL", *entry) for entry in sorted(entries))
    size = len(table) + 4
    return b"II*\0" + struct.pack("<L", 8) + table + struct.pack("<L", 8 + size) + table + struct.pack("<L", 8)


def nested_letter() -> bytes:
    """Parts within parts, far deeper than any parser goes."""
    heads = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (depth, depth) for depth in range(3_000)
    )
    return b"From: a@example.org\n" + heads


HOSTILE = {
    "pixels.png": png_of(1_000_000, 1_000_000),
    "cut.jpg": made.picture()[:20],
    "cut.tif": made.picture("L", "TIFF")[:9],
    "noise.jpg": b"\xff\xd8\xff" + bytes(range(256)) * 40,
    "cut.zip": made.zipped({"OFD.xml": b"<x/>"})[:-10],
    "doctype.ofd": made.zipped({"OFD.xml": b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'}),
    "bomb.ofd": made.zipped({"OFD.xml": b"<x>" + b" " * (40 << 20) + b"</x>"}),
    "bomb.siard": made.zipped({"header/metadata.xml": b"<x>" + b" " * (40 << 20) + b"</x>"}),
    "bomb.docx": made.zipped({"[Content_Types].xml": b"<x>" + b" " * (40 << 20) + b"</x>"}),
    "cut.msg": made.msg()[:1500],
    "noise.doc": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\xff" * 2000,
    "nothing.eml": b"\0" * 1000,
    "cut.wav": b"RIFF\xff\xff\xff\xffWAVE",
    "noise.mp4": b"\0\0\0\x20ftypisom" + b"\xff" * 5000,
    "noise.mkv": b"\x1aE\xdf\xa3" + b"\xff" * 5000,
    "noise.pdf": b"%PDF-1.7\n" + b"9 0 obj <<" * 500,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_a_failure_with_its_reason(tmp_path: Path, name: str) -> None:
    technical = said(tmp_path, name, HOSTILE[name])
    assert technical.failure


@pytest.mark.parametrize(("name", "content"), [("ring.tif", endless_tiff()), ("nested.eml", nested_letter())])
def test_what_never_ends_ends(tmp_path: Path, name: str, content: bytes) -> None:
    technical = said(tmp_path, name, content)
    assert technical.failure or technical.properties


@pytest.fixture
def small() -> Iterator[Characteriser]:
    """A reader with one second and half a gibibyte."""
    characteriser = Characteriser(seconds=1, memory=512 << 20)
    yield characteriser
    characteriser.close()


def test_a_reader_that_hangs_is_ended_and_the_next_file_is_read(tmp_path: Path, small: Characteriser) -> None:
    os.mkfifo(tmp_path / "endless.jpg")  # opening it waits for a writer who never comes
    (tmp_path / "page.jpg").write_bytes(made.picture())
    asked = [Asked(tmp_path / name, "", name) for name in ("page.jpg", "endless.jpg", "page.jpg")]
    first, hung, last = small.characterise(asked)
    assert hung is not None
    assert hung.failure == "the reader took too long"
    assert first == last
    assert first is not None
    assert first.failure is None


def test_a_file_that_cannot_be_opened_is_a_failure_of_that_file(tmp_path: Path, small: Characteriser) -> None:
    (tmp_path / "page.jpg").write_bytes(made.picture())
    gone, page = small.characterise([Asked(tmp_path / name, "", name) for name in ("gone.jpg", "page.jpg")])
    assert gone is not None
    assert gone.failure == "the reader ended with exit 1"
    assert page is not None
    assert page.failure is None


def test_a_reader_that_does_not_start_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ArchiveError) as error:
        list(Characteriser().characterise([Asked(tmp_path / "page.jpg", "", "page.jpg")]))
    assert error.value.code == "characterisation-failed"


def bomb_of_metadata(size: int) -> bytes:
    """A PDF whose XMP unpacks to so many bytes."""
    packer = zlib.compressobj(9)
    block = b" " * (1 << 20)
    packed = b"".join(packer.compress(block) for _ in range(size >> 20)) + packer.flush()
    document = pikepdf.new()
    document.add_blank_page()
    document.Root.Metadata = pikepdf.Stream(document, b"")
    document.Root.Metadata.write(packed, filter=pikepdf.Name.FlateDecode)
    out = io.BytesIO()
    as_it_is = pikepdf.StreamDecodeLevel.none
    document.save(out, compress_streams=False, stream_decode_level=as_it_is, fix_metadata_version=False)
    return out.getvalue()


def test_a_reader_that_runs_out_of_memory_takes_nothing_with_it(tmp_path: Path, small: Characteriser) -> None:
    (tmp_path / "bomb.pdf").write_bytes(bomb_of_metadata(1 << 30))
    (tmp_path / "page.jpg").write_bytes(made.picture())
    bomb, page = small.characterise([Asked(tmp_path / name, "", name) for name in ("bomb.pdf", "page.jpg")])
    assert bomb is not None
    # On a busy machine the limit of time may come before that of memory.
    assert (bomb.failure or bomb.value("structure") or "").startswith(("metadata: ", "the reader took too long"))
    assert page is not None
    assert page.failure is None


def test_a_large_file_is_read_no_further_than_its_budget(tmp_path: Path) -> None:
    large = tmp_path / "large.eml"
    with large.open("wb") as file:
        file.write(b"From: a@example.org\n\n")
        file.truncate(WHOLE_BYTES + 1)
    assert said(tmp_path, "large.eml").failure is not None
    source = Source(large, "", "large.eml")
    assert source.stream.read(HEADER_BYTES // 2)
    with pytest.raises(Exception, match="more than the header"):
        source.stream.read()
    source.close()


def test_ten_thousand_letters_of_an_odd_name_are_cut_to_what_xml_carries(tmp_path: Path) -> None:
    table = "<table><name>" + "长" * 10_000 + "</name><folder>t</folder><columns/></table>"
    metadata = f"<siardArchive><schemas><schema><tables>{table}</tables></schema></schemas></siardArchive>"
    (part,) = said(tmp_path, "a.siard", made.zipped({"header/metadata.xml": metadata})).parts
    assert len(part.name) == 300
