"""XML that was made to harm is refused before a parser sees it, and says why."""

import io

import pytest

from packages_spec import safe_xml
from packages_spec.safe_xml import UnsafeXml, parse, stream

BOMB = '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><a>&c;</a>'
PLAIN = "<a>地契</a>"


def reason(document: bytes) -> str:
    with pytest.raises(UnsafeXml) as whole:
        parse(document)
    with pytest.raises(UnsafeXml) as streamed:
        list(stream(io.BytesIO(document), ["a"]))
    assert whole.value.finding.code == streamed.value.finding.code
    assert whole.value.finding.message("zh")
    return whole.value.finding.code


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize(
    "before",
    ["", "\n \t", "<!-- a -->", "<?pi?>", '<?xml version="1.0"?>\n<!-- <a> --><?x <a> ?>', "<!---->" * 3_000],
)
def test_a_doctype_is_refused_wherever_it_hides(before: str, encoding: str) -> None:
    assert reason((before + BOMB).encode(encoding)) == "xml.doctype"


@pytest.mark.parametrize("order", ["le", "be"])
def test_a_doctype_in_utf_16_of_either_order_is_refused(order: str) -> None:
    assert reason(("\ufeff" + BOMB).encode(f"utf-16-{order}")) == "xml.doctype"


def test_an_external_doctype_and_a_lower_case_one_are_refused() -> None:
    assert reason(b'<!DOCTYPE a SYSTEM "http://127.0.0.1/a.dtd"><a/>') == "xml.doctype"
    assert reason(b"<!doctype a><a/>") == "xml.doctype"


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b'<?xml version="1.0" encoding="ISO-8859-1"?><a/>', "xml.encoding"),
        (b"<?xml version='1.0' encoding='utf-7'?><a/>", "xml.encoding"),
        (b'<?xml version="1.0" encoding="utf-16"?><a/>', "xml.encoding"),
        ('<?xml version="1.0" encoding="utf-8"?><a/>'.encode("utf-16"), "xml.encoding"),
        (b"<a>\xff\xfe</a>", "xml.encoding"),
        (PLAIN.encode("utf-16")[:-1], "xml.encoding"),
        (PLAIN.encode("utf-16-le"), "xml.malformed"),
        (PLAIN.encode("utf-32"), "xml.malformed"),
        (b"", "xml.malformed"),
        (b"words", "xml.malformed"),
        (b"<a>", "xml.malformed"),
        (b"<a/><a/>", "xml.malformed"),
        (b"<a>&undefined;</a>", "xml.entity"),
        (b'<a b="&undefined;"/>', "xml.entity"),
        (b"<!-- -- --><a/>", "xml.malformed"),
        (b"<!--" + b"x" * safe_xml.PROLOG_BYTES + b"--><a/>", "xml.prolog-too-long"),
        (b" " * safe_xml.PROLOG_BYTES + b"<a/>", "xml.prolog-too-long"),
        (b"<a>" * 300 + b"</a>" * 300, "xml.too-deep"),
        (b"<a>" + b"x" * 11_000_000 + b"</a>", "xml.too-large"),
        (b"<a><!--" + b"x" * 11_000_000 + b"--></a>", "xml.too-large"),
        (b"<a><![CDATA[" + b"x" * 11_000_000 + b"]]></a>", "xml.too-large"),
        (b"<" + b"a" * 60_000 + b"/>", "xml.too-large"),
        (b"<a><!-- never ended</a>", "xml.malformed"),
        (b"<a " + b" ".join(b"b%d=''" % n for n in range(501)) + b"/>", "xml.too-many-attributes"),
        (b"<a " + b"\n".join(b'xmlns:b%d = ">%d"' % (n, n) for n in range(20_000)) + b"/>", "xml.too-many-attributes"),
        (b"<x><a b='" + b"x" * (1 << 19) + b"'/>", "xml.tag-too-long"),
        (b"<a>" + b"<b/>" * 1_100_000 + b"</a>", "xml.too-many-nodes"),
    ],
)
def test_what_is_not_plain_xml_is_refused(document: bytes, code: str) -> None:
    assert reason(document) == code


@pytest.mark.parametrize(
    "document",
    [
        PLAIN.encode(),
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        f'<?xml version="1.0" encoding="UTF-16"?>{PLAIN}'.encode("utf-16"),
        f'<?xml version="1.0" encoding="utf-8" standalone="yes"?><!-- <!DOCTYPE a> -->\n{PLAIN}'.encode(),
        b"<?xml version='1.0' encoding='ASCII'?><a>&#22320;&#22865;</a>",
        "<a><![CDATA[地契]]></a>".encode(),
        "<a><!-- <!DOCTYPE x> -->地<?p?>契</a>".encode(),
    ],
)
def test_plain_xml_is_read(document: bytes) -> None:
    assert parse(document).xpath("string()") == "地契"
    assert [event for event, _ in stream(document, ["a"])] == ["start", "end"]


@pytest.mark.parametrize(
    "document",
    [
        b"<a " + b" ".join(b"b%d=''" % n for n in range(500)) + b"/>",
        b"<a b='" + b"x" * 200_000 + b"'>" + b"x" * 9_000_000 + b"</a>",
        b"<a>" + b"<b c='>' d='1'>text</b>" * 40_000 + b"</a>",
        b"<a><![CDATA[" + b"y=''" * 100_000 + b"]]></a>",
        b"<a>" + b" b=''" * 100_000 + b"</a>",
    ],
)
def test_what_is_long_but_holds_little_is_read(document: bytes) -> None:
    assert parse(document).tag == "a"
    assert [event for event, _ in stream(io.BytesIO(document), ["a"])] == ["start", "end"]


def test_a_tree_and_a_stream_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe_xml, "TREE_BYTES", 200_000)
    monkeypatch.setattr(safe_xml, "STREAM_BYTES", 400_000)
    filler = b"<b>" + b"x" * 300_000 + b"</b>"
    with pytest.raises(UnsafeXml, match="limit"):
        parse(b"<a>" + filler + b"</a>")
    with pytest.raises(UnsafeXml, match="limit"):
        list(stream(b"<a>" + b"<c/>" * 80_000 + b"</a>", ["b"]))
    with pytest.raises(UnsafeXml, match="limit"):
        list(stream(b"<a>" + b"<b/>" * 120_000 + b"</a>", ["b"]))
    assert len(list(stream(b"<a>" + b"<b/>" * 90_000 + b"</a>", ["b"]))) == 180_000


def test_a_stream_forgets_what_it_has_given() -> None:
    document = b"<a>" + b"<s><b><x/></b></s>" * 50 + b"</a>"
    for event, element in stream(document, ["b"]):
        root = element.getroottree().getroot()
        assert len(list(root.iter("b"))) <= 50
        if event == "end":
            last = element
    assert last.getparent() is not None
    assert len(last.getroottree().getroot()) == 1
    assert len(last) == 0
