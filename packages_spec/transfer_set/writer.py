"""Writing a transfer set: a description in plain text, a catalogue, and for each item its metadata beside its files.

    说明文件.txt            what this is, from whom, how many items and files, how to check it
    电子档案目录.xml          one entry for each item, in order
    电子档案/<档号>/元数据.xml  the item's metadata: every field of its description, every file with size and SHA-256
    电子档案/<档号>/archive.xml  its whole description, further fields too, in the archive's own schema
    电子档案/<档号>/文件/...    its files
    schema/                 what these kinds of XML look like
    manifest-sha256.txt     digests of all of it, for `sha256sum -c`

The official text was not to be had: which parts there are follows DA/T 93-2022 as it is cited (description, catalogue,
metadata of each record, content); names and elements are this profile's own, and the files say so.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from typing import Protocol

import msgspec

from packages_spec.bagit import manifest
from packages_spec.descriptive import Description, write_archive_xml
from packages_spec.descriptive import schema as archive_xsd
from packages_spec.digests import Digested
from packages_spec.paths import safe_paths
from packages_spec.xml_text import DECLARATION, attribute, href, text

PROFILE = "urn:jingui:transfer-set:1"

_FIELDS = (
    ("reference_code", "档号"),
    ("fonds_code", "全宗号"),
    ("title", "题名"),
    ("responsible_party", "责任者"),
    ("date", "日期"),
    ("year", "年度"),
    ("retention_period", "保管期限"),
    ("secrecy_class", "密级"),
    ("access_status", "开放状态"),
    ("record_type", "档案门类"),
    ("carrier", "载体类型"),
    ("page_count", "页数"),
)


_WORDS = {
    "record_type": {"text": "文书", "image": "照片", "audio": "录音", "video": "录像", "database": "数据库"},
    "carrier": {"paper": "纸质", "digital": "电子", "both": "纸质、电子"},
    "access_status": {"open": "开放", "controlled": "控制"},
}
"""Closed fields in the words of the field's own standards."""


@cache
def schema() -> bytes:
    """The schema's bytes, as they stand in every set."""
    return files(__package__).joinpath("transfer_set.xsd").read_bytes()


class Sink(Protocol):
    """Where the set goes. Paths are relative to it; each is written once."""

    def write(self, path: str, chunks: Iterable[bytes]) -> Digested:
        """Write a new file, hashing while writing."""


class ItemFile(msgspec.Struct, frozen=True):
    """A file of an item, already in its place. `path` is relative to the item's `文件`; `format` is PRONOM's id."""

    path: str
    size: int
    sha256: str
    media_type: str
    format: str | None


class Item(msgspec.Struct, frozen=True):
    """One item (件): its folder, its description, its files, and where it comes from."""

    folder: str
    description: Description
    files: tuple[ItemFile, ...]
    source: str


class TransferSet(msgspec.Struct, frozen=True):
    """The whole set. `created` is RFC 3339, `archive` the code of the archive that hands it over."""

    identifier: str
    archive: str
    created: str
    software: str
    items: tuple[Item, ...]
    placed: tuple[Digested, ...]


def item_folder(description: Description, taken: set[str]) -> str:
    """The folder of an item: its 档号 where that is a safe name that nobody has yet, else its package's UUID."""
    otherwise = description.package or ""
    code = description.reference_code or otherwise
    named = safe_paths([code])
    name = code if not named.findings and named.names.get(code) == code and "/" not in code else otherwise
    name = otherwise if name.casefold() in taken else name
    taken.add(name.casefold())
    return f"电子档案/{name}"


def write_set(described: TransferSet, sink: Sink) -> list[Digested]:
    """Write everything but the items' files, which stand there already. All files of the set, with their digests."""
    written = []
    for item in described.items:
        written.append(sink.write(f"{item.folder}/元数据.xml", ["".join(_metadata(item)).encode()]))
        written.append(sink.write(f"{item.folder}/archive.xml", [write_archive_xml(item.description)]))
    written.append(sink.write("电子档案目录.xml", (piece.encode() for piece in _catalogue(described))))
    written.append(sink.write("schema/transfer_set.xsd", [schema()]))
    written.append(sink.write("schema/archive.xsd", [archive_xsd()]))
    written.append(sink.write("说明文件.txt", [_description(described).encode()]))
    every = sorted([*written, *described.placed])
    return [*every, sink.write("manifest-sha256.txt", manifest(every))]


def _description(described: TransferSet) -> str:
    count = sum(len(item.files) for item in described.items)
    size = sum(file.size for item in described.items for file in item.files)
    return (
        "电子档案移交信息包（按件组织）\n\n"
        f"标识：{described.identifier}\n"
        f"移交档案馆代码：{described.archive}\n"
        f"组成时间：{described.created}\n"
        f"制作软件：{described.software}\n"
        f"件数：{len(described.items)}\n"
        f"文件数：{count}\n"
        f"字节数：{size}\n"
        f"格式：{PROFILE}（参照 DA/T 93-2022 按件组织的方式，文件名与元素名由本格式自定）\n\n"
        "电子档案目录.xml 列出各件；每件在“电子档案”下有一个文件夹，其中元数据.xml 为该件的著录和文件清单，"
        "archive.xml 为全部著录项，"
        "“文件”下为电子文件。\n"
        "核对：在本文件夹中执行 sha256sum -c manifest-sha256.txt\n"
    )


def _catalogue(described: TransferSet) -> Iterator[str]:
    count = len(described.items)
    yield f'{DECLARATION}<电子档案目录 xmlns="{PROFILE}" 标识="{attribute(described.identifier)}" 件数="{count}">\n'
    for number, item in enumerate(described.items, 1):
        yield f'<件 顺序号="{number}" 文件夹="{href(item.folder)}" 文件数="{len(item.files)}">\n'
        yield from _fields(item.description)
        yield "</件>\n"
    yield "</电子档案目录>\n"


def _metadata(item: Item) -> Iterator[str]:
    yield f'{DECLARATION}<电子档案元数据 xmlns="{PROFILE}" 来源="{attribute(item.source)}">\n<著录>\n'
    yield from _fields(item.description)
    yield "</著录>\n<文件清单>\n"
    yield from map(_file, item.files)
    yield "</文件清单>\n</电子档案元数据>\n"


def _file(file: ItemFile) -> str:
    known = "" if file.format is None else f' 格式="{attribute(file.format)}"'
    where = f'路径="{href("文件/" + file.path)}" 字节数="{file.size}" SHA-256="{file.sha256}"'
    return f'<文件 {where} 媒体类型="{attribute(file.media_type)}"{known}/>\n'


def _fields(description: Description) -> Iterator[str]:
    for field, name in _FIELDS:
        value = getattr(description, field)
        if value is not None and value != "":
            words = _WORDS.get(field, {}).get(str(value), str(value))
            yield f"<{name}>{text(words)}</{name}>\n"
