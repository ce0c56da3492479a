"""E-mail (电子邮件): one message is one item, and its attachments are listed.

EML (RFC 5322, MIME) through the standard library, MSG (MS-OXMSG) through olefile. Who wrote to whom, and about what,
is description and not technical metadata: it does not stand here.
"""

import email
import email.policy
from collections.abc import Iterator
from email.message import Message

import olefile

from packages_spec.technical import Part, Property, Technical
from repository.characterisation.bounded import Source
from repository.characterisation.report import Unreadable, listed, plain, signature

EML_TOOL = "Python email"
NESTED = 10_000
"""Parts of a message that are looked at."""

_SMIME = ("application/pkcs7-mime", "application/x-pkcs7-mime")
_DETACHED = ("application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature")
_CLASS, _LONG_NAME, _SHORT_NAME, _MIME, _DATA = "001A", "3707", "3704", "370E", "3701"


def read_eml(source: Source) -> Technical:
    """A message as RFC 5322 has it."""
    if not source.is_small:
        raise Unreadable("a message too long to be read whole")
    message = email.message_from_bytes(source.stream.read(), policy=email.policy.compat32)
    if not message.keys():
        raise Unreadable("no header")
    parts = [*_eml_parts(message)]
    count = sum(part.kind == "attachment" for part in parts)
    shown, more = listed(parts)
    said = (Property("attachments", str(count)), Property("multipart", "yes" if message.is_multipart() else "no"))
    defects = len(message.defects)
    if defects:
        more = (*more, Property("defects", str(defects)))
    return Technical("message", EML_TOOL, (*said, *more), shown)


def _eml_parts(message: Message) -> Iterator[Part]:
    for number, part in enumerate(message.walk()):
        if number > NESTED:
            raise Unreadable(f"more than {NESTED} parts")
        kind = part.get_content_type()
        if kind in _DETACHED or (kind in _SMIME and part.get_param("smime-type") != "enveloped-data"):
            yield signature("PGP" if "pgp" in kind else "S/MIME", "not-tested", note="certificates are not judged here")
        name = part.get_filename()
        if name is None and part.get_content_disposition() != "attachment" and kind != "message/rfc822":
            continue
        content = part.get_payload(decode=True) if not part.is_multipart() else None
        size = (Property("size", str(len(content)), "byte"),) if isinstance(content, bytes) else ()
        yield Part("attachment", plain(name or kind) or "?", (Property("media-type", plain(kind) or "?"), *size))


def read_msg(compound: "olefile.OleFileIO") -> Technical:
    """A message as Outlook saves it."""
    message_class = _text(compound, f"__substg1.0_{_CLASS}") or ""
    folders = sorted({path[0] for path in compound.listdir() if path[0].startswith("__attach_version1.0_")})
    parts = [_attachment(compound, folder) for folder in folders]
    if "SMIME" in message_class.upper():
        parts.append(signature("S/MIME", "not-tested", note="certificates are not judged here"))
    shown, more = listed(parts)
    said = (Property("attachments", str(len(folders))), Property("message-class", plain(message_class) or "unknown"))
    return Technical("message", f"olefile {olefile.__version__}", (*said, *more), shown)


def _attachment(compound: "olefile.OleFileIO", folder: str) -> Part:
    stem = f"{folder}/__substg1.0_"
    name = _text(compound, stem + _LONG_NAME) or _text(compound, stem + _SHORT_NAME)
    said = []
    if media_type := plain(_text(compound, stem + _MIME) or ""):
        said.append(Property("media-type", media_type))
    if compound.exists(f"{stem}{_DATA}0102"):
        said.append(Property("size", str(compound.get_size(f"{stem}{_DATA}0102")), "byte"))
    return Part("attachment", plain(name or "") or "?", tuple(said))


def _text(compound: "olefile.OleFileIO", stem: str) -> str | None:
    """A property that is text, in Unicode (001F) or in the message's code page (001E)."""
    for end, encoding in (("001F", "utf-16-le"), ("001E", "gb18030")):
        if compound.exists(stem + end):
            content: bytes = compound.openstream(stem + end).read(1 << 16)
            return content.decode(encoding, "replace").strip("\0")
    return None
