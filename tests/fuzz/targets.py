"""Entry points for bytes from strangers (模糊测试): each takes any bytes and may only answer with values or refusals.

The same functions are driven by `make fuzz` (atheris, guided by coverage, minutes each) and by `test_targets.py`
(Hypothesis, a moment in every run of the suite). What a function here raises is a fault of ours.
"""

import atexit
import io
import json
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from packages_spec import safe_archive
from packages_spec.bagit import RefusedProfile, read_profile, validate_bag
from packages_spec.findings import Finding
from packages_spec.mets import read_mets
from packages_spec.paths import decode_name, judge_path, safe_path, safe_paths, same_name, shown
from packages_spec.premis import read_premis
from packages_spec.safe_xml import UnsafeXml
from repository.services.catalogue_file import read_catalogue

Function = Callable[[bytes], None]
_DIGEST = sha256(b"1").hexdigest()
_LINE = f"{_DIGEST}  data/a\n".encode()
_VERSIONS = ("1.0", "0.97", "0.93")
_ENCODINGS = ("UTF-8", "UTF-16", "ISO-8859-1", "GB18030", "UTF-32")


class Target(NamedTuple):
    """A function to be fuzzed and inputs to begin with."""

    function: Function
    seeds: tuple[bytes, ...]


def _tell(findings: Iterable[Finding]) -> None:
    """Whatever was found can be said and stored."""
    for finding in findings:
        finding.message("zh").encode()
        json.dumps(finding.as_json("en")).encode()


@cache
def _bag() -> Path:
    """A bag that is made once for a process; each input stands in for one of its tag files."""
    root = Path(tempfile.mkdtemp(prefix="jingui-fuzz-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    (root / "data").mkdir()
    (root / "data" / "a").write_bytes(b"1")
    return root


def _tag_file(name: str) -> Function:
    """Judge a bag in which this tag file holds the input; its first byte picks the version and the encoding."""

    def judge(content: bytes) -> None:
        root, pick = _bag(), content[:1] or b"\0"
        version, encoding = _VERSIONS[pick[0] % 3], _ENCODINGS[pick[0] // 3 % 5]
        for path in root.glob("*.txt"):
            path.unlink()
        declaration = f"BagIt-Version: {version}\nTag-File-Character-Encoding: {encoding}\n"
        (root / "bagit.txt").write_bytes(declaration.encode())
        (root / "manifest-sha256.txt").write_bytes(_LINE.decode().encode(encoding))
        (root / name).write_bytes(content[1:])
        _tell(validate_bag(root))

    return judge


def names(content: bytes) -> None:
    """Names from a manifest or a file system: judged, made safe, told apart."""
    text = content.decode("utf-8", "surrogateescape")
    decode_name(content)
    _tell(judge_path(text))
    same_name(text)
    if shown(text) != text:
        return
    parts = [path for path in text.split("\n") if not judge_path(path)]
    chosen = safe_paths(parts)
    _tell(chosen.findings)
    for path in parts:
        safe = safe_path(path)
        if safe_path(safe) != safe or {finding.code for finding in judge_path(safe)} - {"path.too-long"}:
            raise AssertionError(path)
    if chosen.names.keys() != set(parts):
        raise AssertionError(parts)


def mets(content: bytes) -> None:
    """A METS document."""
    try:
        for _ in read_mets(content):
            pass
    except UnsafeXml as refused:
        _tell([refused.finding])


def premis(content: bytes) -> None:
    """A PREMIS document."""
    try:
        for _ in read_premis(content):
            pass
    except UnsafeXml as refused:
        _tell([refused.finding])


def catalogue(content: bytes) -> None:
    """The catalogue that comes with a delivery."""
    _tell(read_catalogue(content).findings)


def profile(content: bytes) -> None:
    """A BagIt profile."""
    try:
        _tell(read_profile(content).remarks)
    except RefusedProfile as refused:
        _tell(refused.findings)


def archive(content: bytes) -> None:
    """A zip or a tar: what `scan` lets through, `members` gives out or refuses by name."""
    place = _bag() / "packed"
    place.write_bytes(content)
    safe_archive.is_archive(place)
    bounds = safe_archive.Bounds(total=1 << 20, ratio_from=1 << 20, members=100)
    findings = safe_archive.scan(place, bounds)
    _tell(findings)
    try:
        for member in safe_archive.members(place, bounds):
            for _ in member.chunks:
                pass
    except safe_archive.RefusedArchive as refused:
        _tell([refused.finding])
    else:
        if findings:
            raise AssertionError(findings)


def _zipped() -> bytes:

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a/b.txt", "x" * 99)
    return out.getvalue()


def _tarred() -> bytes:

    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as packed:
        info = tarfile.TarInfo("案卷/" + "一" * 60)
        info.size = 3
        packed.addfile(info, io.BytesIO(b"abc"))
    return out.getvalue()


_METS = b"""<mets xmlns="http://www.loc.gov/METS/" xmlns:xlink="http://www.w3.org/1999/xlink" OBJID="u" PROFILE="p">
<metsHdr/><dmdSec ID="d"><mdRef xlink:href="a%20b.xml" SIZE="1" CHECKSUM="0" CHECKSUMTYPE="SHA-256"/></dmdSec>
<fileSec><fileGrp USE="Schemas"><file ID="f" SIZE="x"><FLocat xlink:href="schemas/a.xsd"/></file></fileGrp></fileSec>
<structMap TYPE="PHYSICAL"><div LABEL="CSIP"><fptr FILEID="f"/><mptr xlink:href="r/METS.xml"/></div></structMap>
</mets>"""
_PREMIS = b"""<premis xmlns="http://www.loc.gov/premis/v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<object xsi:type="file"><objectIdentifier><objectIdentifierType>local</objectIdentifierType><objectIdentifierValue>a
</objectIdentifierValue></objectIdentifier><objectCharacteristics><fixity><messageDigestAlgorithm>SHA-256
</messageDigestAlgorithm><messageDigest>00</messageDigest></fixity><size>x</size></objectCharacteristics></object>
<event><eventIdentifier/></event><agent/><rights/></premis>"""
_PROFILE = b"""{"BagIt-Profile-Info":{"BagIt-Profile-Identifier":"http://a","Source-Organization":"b",
"External-Description":"c","Version":"1"},"Accept-BagIt-Version":["1.0"],"Bag-Info":{"A":{"required":true,"values":["b"]}},"Tag-Files-Allowed":
["a*"],"Manifests-Required":["md5"],"Allow-Fetch.txt":false,"Serialization":"optional"}"""

TARGETS: Mapping[str, Target] = {
    "manifest": Target(
        _tag_file("manifest-sha256.txt"),
        (
            b"\0" + _LINE,
            b"\1" + _LINE.upper(),
            b"\0" + _LINE.replace(b"a\n", b"%0A%25\r\n"),
            b"\0\xef\xbb\xbf" + _LINE * 2,
        ),
    ),
    "bag-info": Target(
        _tag_file("bag-info.txt"),
        (b"\0Payload-Oxum: 1.1\nBagging-Date: 2026-11-24\n folded\n", b"\1A :b\nBag-Count: 1 of ?\n", b"\3\xff\xfeA\0"),
    ),
    "fetch": Target(
        _tag_file("fetch.txt"), (b"\0http://h/a 1 data/a\n", b"\1http://h/a - ./data/a\n", b"\0file:/a 9 data/../a\n")
    ),
    "names": Target(
        names,
        (b"a/b.txt", "案卷/第一页.tif\ncafe\u0301".encode(), b"CON\nCON.txt\n_ON", b"a%0Ab\n~x\n..\\c", b"C:/\xff"),
    ),
    "mets": Target(mets, (_METS, b'<?xml version="1.0" encoding="utf-8"?>' + _METS, _METS.decode().encode("utf-16"))),
    "premis": Target(premis, (_PREMIS, _PREMIS.replace(b"<size>x", b"<size>9"))),
    "catalogue": Target(
        catalogue,
        (
            "档号,题名,责任者,日期,密级,保管期限,页数,文件\nJ1-1,地契,周,19300412,公开,永久,4,J1;J2\n".encode(),
            "题名,文件\n地契,a\n".encode("gb18030"),
            '\ufeff题名,文件\n"a""b\n",a\n'.encode(),
        ),
    ),
    "profile": Target(profile, (_PROFILE, b"{}", b'{"Bag-Info":[]}')),
    "archive": Target(archive, (_zipped(), _tarred())),
}
