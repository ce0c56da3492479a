"""Writing the tag files of a BagIt 1.0 bag, each as bytes or as a stream of lines. Moves and hashes nothing itself."""

from collections.abc import Iterable, Iterator, Sequence

from packages_spec.digests import Digested


def declaration() -> bytes:
    """`bagit.txt`: exactly two lines (RFC 8493 2.1.1)."""
    return b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


def bag_info(fields: Sequence[tuple[str, str]]) -> bytes:
    """`bag-info.txt` in the order given, one line for each field, never folded (RFC 8493 2.2.2).

    Raises `ValueError` for what could not be read back as it was: a label that is empty, holds a colon or a line break
    or has blanks at its ends; a value that is empty, holds a line break or has blanks at its ends.
    """
    return "".join(map(_line, fields)).encode()


def manifest(files: Iterable[Digested]) -> Iterator[bytes]:
    """The lines of `manifest-sha256.txt` or `tagmanifest-sha256.txt`, in the order of the paths' UTF-8 bytes.

    Lower-case hex, two spaces, the path with only CR, LF and `%` percent-encoded (RFC 8493 2.1.3), so that the lines of
    other names also serve `sha256sum -c`. Raises `UnicodeEncodeError` for a path that is not valid Unicode.
    """
    for file in sorted(files, key=lambda file: file.path):  # code points sort as their UTF-8 does
        yield f"{file.sha256}  {encoded_path(file.path)}\n".encode()


def payload_oxum(files: Iterable[Digested]) -> str:
    """The value of `Payload-Oxum`: bytes, a dot, number of files (RFC 8493 2.2.2)."""
    sizes = [file.size for file in files]
    return f"{sum(sizes)}.{len(sizes)}"


def encoded_path(path: str) -> str:
    """The path as a manifest of BagIt 1.0 holds it."""
    return path.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _line(field: tuple[str, str]) -> str:
    label, value = field
    if ":" in label or any(not text or text != text.strip() or set("\r\n") & set(text) for text in field):
        raise ValueError(f"not a bag-info field: {field!r}")
    return f"{label}: {value}\n"
