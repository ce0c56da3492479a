"""Small files of many formats, made here: what a reader must say of them is known because we wrote it in."""

import base64
import email.message
import hashlib
import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pikepdf
from av.audio.stream import AudioStream
from av.video.stream import VideoStream
from PIL import Image

OFD_NS = 'xmlns:ofd="http://www.ofdspec.org/2016"'
SM3, SHA1 = "1.2.156.10197.1.401", "1.3.14.3.2.26"


def zipped(members: Mapping[str, bytes | str], *, stored: Sequence[str] = ()) -> bytes:
    """A zip file with these members, in this order."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
            made.writestr(info, content)
    return out.getvalue()


def ofd_members(pages: Sequence[str], *, method: str | None = None) -> dict[str, bytes]:
    """An OFD with these words on its pages; with `method`, sealed over everything that it holds."""
    signatures = "<ofd:Signatures>Doc_0/Signs/Signatures.xml</ofd:Signatures>" if method else ""
    members = {
        "OFD.xml": f'<?xml version="1.0" encoding="UTF-8"?><ofd:OFD {OFD_NS} DocType="OFD" Version="1.1"><ofd:DocBody>'
        f"<ofd:DocInfo><ofd:DocID>1</ofd:DocID><ofd:Creator>办公软件</ofd:Creator></ofd:DocInfo>"
        f"<ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot>{signatures}</ofd:DocBody></ofd:OFD>",
        "Doc_0/Document.xml": f"<ofd:Document {OFD_NS}><ofd:CommonData/><ofd:Pages>"
        + "".join(f'<ofd:Page ID="{n}" BaseLoc="Pages/Page_{n}/Content.xml"/>' for n in range(len(pages)))
        + "</ofd:Pages></ofd:Document>",
    }
    for number, words in enumerate(pages):
        members[f"Doc_0/Pages/Page_{number}/Content.xml"] = (
            f"<ofd:Page {OFD_NS}><ofd:Content><ofd:Layer><ofd:TextObject><ofd:TextCode>{words}</ofd:TextCode>"
            "</ofd:TextObject></ofd:Layer></ofd:Content></ofd:Page>"
        )
    made = {name: content.encode() for name, content in members.items()}
    if method:
        algorithm = {SM3: "sm3", SHA1: "sha1"}[method]
        references = "".join(
            f'<ofd:Reference FileRef="/{name}"><ofd:CheckValue>'
            f"{base64.b64encode(hashlib.new(algorithm, content).digest()).decode()}</ofd:CheckValue></ofd:Reference>"
            for name, content in made.items()
        )
        made["Doc_0/Signs/Signatures.xml"] = (
            f'<ofd:Signatures {OFD_NS}><ofd:Signature ID="1" Type="Seal" BaseLoc="Sign_0/Signature.xml"/>'
            "</ofd:Signatures>"
        ).encode()
        made["Doc_0/Signs/Sign_0/Signature.xml"] = (
            f'<ofd:Signature {OFD_NS}><ofd:SignedInfo><ofd:References CheckMethod="{method}">{references}'
            '</ofd:References><ofd:StampAnnot ID="1" PageRef="0" Boundary="0 0 40 40"/></ofd:SignedInfo>'
            "<ofd:SignedValue>SignedValue.dat</ofd:SignedValue></ofd:Signature>"
        ).encode()
        made["Doc_0/Signs/Sign_0/SignedValue.dat"] = b"\x30\x00"
    return made


def siard() -> bytes:
    """A database of two tables; the content of the second is not there."""
    table = (
        "<table><name>{name}</name><folder>{folder}</folder><columns><column><name>ID</name></column>"
        "<column><name>题名</name></column></columns><rows>{rows}</rows></table>"
    )
    metadata = (
        '<siardArchive xmlns="http://www.bar.admin.ch/xmlns/siard/2/metadata.xsd" version="2.1">'
        "<dbname>婚姻登记</dbname><producerApplication>SIARD Suite</producerApplication>"
        "<databaseProduct>Oracle 11</databaseProduct>"
        "<schemas><schema><name>HY</name><folder>schema0</folder><tables>"
        + table.format(name="登记", folder="table0", rows=2)
        + table.format(name="人员", folder="table1", rows=5)
        + "</tables><views><view><name>V</name></view></views></schema></schemas>"
        "<users><user><name>A</name></user></users></siardArchive>"
    )
    rows = "<table><row><c1>1</c1></row><row><c1>2</c1></row></table>"
    return zipped({"header/metadata.xml": metadata, "content/schema0/table0/table0.xml": rows})


def docx(*, macros: bool = False, tampered: bool | None = None) -> bytes:
    """A Word file; with `tampered` not None it is signed, and the signed part then altered or not."""
    main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    if macros:
        main = "application/vnd.ms-word.document.macroEnabled.main+xml"
    document = b"<w:document xmlns:w='w'/>"
    members: dict[str, bytes | str] = {
        "[Content_Types].xml": f'<Types xmlns="t"><Override PartName="/a" ContentType="{main}"/></Types>',
        "word/document.xml": document,
        "docProps/app.xml": "<Properties xmlns='p'><Application>Microsoft Office Word</Application><Pages>7</Pages>"
        "</Properties>",
    }
    if macros:
        members["word/vbaProject.bin"] = b"\0"
    if tampered is not None:
        digest = base64.b64encode(hashlib.sha256(document).digest()).decode()
        members["_xmlsignatures/sig1.xml"] = (
            '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><Object><Manifest>'
            '<Reference URI="/word/document.xml?ContentType=x">'
            '<DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
            f"<DigestValue>{digest}</DigestValue></Reference></Manifest></Object></Signature>"
        )
        if tampered:
            members["word/document.xml"] = document + b"<!-- -->"
    return zipped(members)


def odt(*, encrypted: bool = False) -> bytes:
    """A text in OpenDocument."""
    entry = "<manifest:file-entry manifest:full-path='content.xml'>{}</manifest:file-entry>".format(
        "<manifest:encryption-data/>" if encrypted else ""
    )
    return zipped(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "META-INF/manifest.xml": "<manifest:manifest xmlns:manifest='urn:oasis:names:tc:opendocument:xmlns:"
            f"manifest:1.0'>{entry}</manifest:manifest>",
            "content.xml": "<x/>",
            "meta.xml": "<office:document-meta xmlns:office='o' xmlns:meta='m'><office:meta>"
            "<meta:generator>LibreOffice/7.6</meta:generator><meta:document-statistic meta:page-count='3'/>"
            "</office:meta></office:document-meta>",
            "Basic/script-lc.xml": "<x/>",
        },
        stored=["mimetype"],
    )


def eml(*, signed: bool = False) -> bytes:
    """A message with two attachments, one of them a message itself."""
    message = email.message.EmailMessage()
    message["From"], message["To"], message["Subject"] = "甲 <a@example.org>", "b@example.org", "报送材料"
    message.set_content("见附件。")
    message.add_attachment(b"12345", maintype="application", subtype="pdf", filename="清单.pdf")
    inner = email.message.EmailMessage()
    inner["Subject"] = "原文"
    inner.set_content("x")
    message.add_attachment(inner)
    if not signed:
        return message.as_bytes()
    body = message.as_bytes().partition(b"\n\n")
    return (
        b'From: a@example.org\nContent-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary="b"\n\n'
        b"--b\n" + body[0] + b"\n\n" + body[2] + b"\n--b\nContent-Type: application/pkcs7-signature; name=smime.p7s\n"
        b"Content-Transfer-Encoding: base64\n\nMIAA\n--b--\n"
    )


def compound(streams: Mapping[str, bytes]) -> bytes:
    """A compound file (MS-CFB) of version 3; streams are filled up to 4,096 bytes, so that none is a mini stream."""
    folders = sorted({path.rpartition("/")[0] for path in streams if "/" in path})
    entries: list[tuple[str, int, list[int], int, int]] = [("Root Entry", 5, [], -1, 0)]
    index = {"": 0}
    for folder in folders:
        index[folder] = len(entries)
        entries.append((folder, 1, [], -1, 0))
        entries[0][2].append(index[folder])
    sectors: list[bytes] = []
    chains: list[tuple[int, int]] = []
    for path, content in streams.items():
        padded = content.ljust(4096, b"\0")
        padded += b"\0" * (-len(padded) % 512)
        start = len(sectors)
        sectors += [padded[at : at + 512] for at in range(0, len(padded), 512)]
        chains.append((start, len(sectors)))
        parent, _, name = path.rpartition("/")
        entries[index[parent]][2].append(len(entries))
        entries.append((name, 2, [], start, len(padded)))
    right: dict[int, int] = {}
    for _, _, children, _, _ in entries:
        right |= dict(pairwise(children))
    directory = b""
    for number, (name, kind, children, start, size) in enumerate(entries):
        spelled = (name + "\0").encode("utf-16-le")
        child = children[0] if children else 0xFFFFFFFF
        directory += spelled.ljust(64, b"\0") + struct.pack("<HBB", len(spelled), kind, 1)
        directory += struct.pack("<LLL", 0xFFFFFFFF, right.get(number, 0xFFFFFFFF), child) + b"\0" * 36
        directory += struct.pack("<LQ", 0xFFFFFFFE if start < 0 else start, size)
    empty = b"\0\0" * 32 + struct.pack("<HBB", 0, 0, 0) + struct.pack("<LLL", *[0xFFFFFFFF] * 3) + b"\0" * 48
    directory += empty * (-len(entries) % 4)
    first = len(sectors)
    sectors += [directory[at : at + 512] for at in range(0, len(directory), 512)]
    chains.append((first, len(sectors)))
    tables = 1
    while (len(sectors) + tables) > tables * 128:
        tables += 1
    table = [0xFFFFFFFF] * (tables * 128)
    for start, end in chains:
        for at in range(start, end):
            table[at] = at + 1 if at + 1 < end else 0xFFFFFFFE
    for at in range(tables):
        table[len(sectors) + at] = 0xFFFFFFFD
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16 + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + b"\0" * 6
    header += struct.pack("<LLLLLLLLL", 0, tables, first, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    header += b"".join(struct.pack("<L", len(sectors) + at if at < tables else 0xFFFFFFFF) for at in range(109))
    return header + b"".join(sectors) + struct.pack(f"<{len(table)}L", *table)


def msg(*, signed: bool = False) -> bytes:
    """An Outlook message with one attachment."""
    return compound(
        {
            "__properties_version1.0": b"\0" * 32,
            "__substg1.0_001A001F": ("IPM.Note.SMIME" if signed else "IPM.Note").encode("utf-16-le"),
            "__attach_version1.0_#00000000/__substg1.0_3707001F": "清单.xlsx".encode("utf-16-le"),
            "__attach_version1.0_#00000000/__substg1.0_370E001F": "application/x".encode("utf-16-le"),
            "__attach_version1.0_#00000000/__substg1.0_37010102": b"x" * 5000,
        }
    )


def pdf(pages: int = 2, *, claim: str | None = None, **save: Any) -> bytes:
    """A PDF of empty pages."""
    document = pikepdf.new()
    for _ in range(pages):
        document.add_blank_page(page_size=(595, 842))
    document.docinfo["/Producer"] = "Jingui test"
    if claim is not None:
        part, conformance = claim[0], claim[1]
        document.Root.Metadata = pikepdf.Stream(
            document,
            f'<?xpacket begin="" id="x"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
            f'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
            f'xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/"><pdfaid:part>{part}</pdfaid:part>'
            f"<pdfaid:conformance>{conformance}</pdfaid:conformance></rdf:Description></rdf:RDF></x:xmpmeta>".encode(),
        )
    out = io.BytesIO()
    document.save(out, **save)
    return out.getvalue()


def _der(tag: int, content: bytes) -> bytes:
    length = len(content)
    head = bytes([length]) if length < 128 else bytes([0x82]) + length.to_bytes(2, "big")
    return bytes([tag]) + head + content


def cms(digest: bytes) -> bytes:
    """The bones of a SignedData over a SHA-256 digest: what a reader looks for, and no signature."""
    sha256 = _der(0x30, _der(6, bytes.fromhex("608648016503040201")))
    attribute = _der(0x30, _der(6, bytes.fromhex("2a864886f70d010904")) + _der(0x31, _der(4, digest)))
    signer = _der(0x30, _der(2, b"\1") + sha256 + _der(0xA0, attribute) + _der(4, b"\0" * 64))
    data = _der(0x30, _der(2, b"\1") + _der(0x31, sha256) + _der(0x31, signer))
    return _der(0x30, _der(6, bytes.fromhex("2a864886f70d010702")) + _der(0xA0, data))


def signed_pdf(*, altered: bool = False, covered: bool = True) -> bytes:
    """A PDF with a signature whose digest fits; then altered outside of it or not."""
    room = 2048
    document = pikepdf.new()
    document.add_blank_page()
    value = pikepdf.Dictionary(
        Type=pikepdf.Name.Sig,
        SubFilter=pikepdf.Name("/adbe.pkcs7.detached"),
        ByteRange=[0, 1111111111, 1222222222, 1333333333],
        Contents=pikepdf.String("\0" * room),
    )
    field = document.make_indirect(pikepdf.Dictionary(FT=pikepdf.Name.Sig, T=pikepdf.String("s"), V=value))
    document.Root.AcroForm = pikepdf.Dictionary(Fields=[field])
    out = io.BytesIO()
    document.save(out, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    content = out.getvalue()
    start = content.index(b"/Contents") + len(b"/Contents ")
    end = content.index(b">" if content[start : start + 1] == b"<" else b")", start) + 1
    ranges = [0, start, end, len(content) - end]
    spelled = "[ {} {} {} {} ]".format(*ranges).encode()
    place = content.index(b"/ByteRange") + len(b"/ByteRange ")
    close = content.index(b"]", place) + 1
    content = content[:place] + spelled.ljust(close - place) + content[close:]
    digest = hashlib.sha256(content[:start] + content[end:]).digest()
    contents = b"<" + cms(digest).hex().encode().ljust(end - start - 2, b"0") + b">"
    content = content[:start] + contents + content[end:]
    if altered:
        content = content.replace(b"/AcroForm", b"/AcroForm"[::1], 1).replace(b"612", b"613", 1)
    return content if covered else content + b"\n%%EOF\n"


def sound(place: Path, *, codec: str = "pcm_s24le", rate: int = 44_100, seconds: int = 1) -> Path:
    """A second of silence."""
    with av.open(str(place), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        assert isinstance(stream, AudioStream)
        stream.layout = "stereo"
        samples = rate * seconds
        frame = av.AudioFrame(format="s32" if codec == "pcm_s24le" else "fltp", layout="stereo", samples=1024)
        frame.sample_rate = rate
        for plane in frame.planes:
            plane.update(b"\0" * plane.buffer_size)
        for at in range(0, samples - samples % 1024, 1024):
            frame.pts = at
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return place


def film(place: Path, *, codec: str = "mpeg4", frames: int = 25) -> Path:
    """A second of grey."""
    with av.open(str(place), "w") as container:
        stream = container.add_stream(codec, rate=25)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for number in range(frames):
            frame = av.VideoFrame(320, 240, "yuv420p")
            for plane in frame.planes:
                plane.update(b"\x80" * plane.buffer_size)
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return place


def picture(mode: str = "RGB", kind: str = "JPEG", size: tuple[int, int] = (40, 30), **save: Any) -> bytes:
    """A picture of one colour."""
    out = io.BytesIO()
    Image.new(mode, size).save(out, kind, **save)
    return out.getvalue()
