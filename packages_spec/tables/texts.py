"""Tables as text: csv (comma or tab), in UTF-8 with or without a byte order mark, UTF-16 with one, GBK or GB18030."""

import codecs
import csv
import io

from packages_spec.findings import Finding
from packages_spec.tables.values import COLUMNS, LARGEST, ROWS, RefusedTable, Sheet, trimmed


def read_text(content: bytes, name: str) -> Sheet:
    """Read it whole. Raises RefusedTable for bytes in none of these encodings, broken quotes, and what is too large."""
    if len(content) > LARGEST:
        raise RefusedTable(Finding("table.too-large", name, str(LARGEST), str(len(content))))
    text = _decoded(content)
    if text is None:
        raise RefusedTable(Finding("delivery.catalogue-encoding", name))
    head = text.partition("\n")[0]
    delimiter = "\t" if "\t" in head and "," not in head else ","
    rows = []
    try:
        for line in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            rows.append(trimmed([cell.strip() for cell in line]))
            if len(rows) > ROWS or len(rows[-1]) > COLUMNS:
                raise RefusedTable(Finding("table.too-large", name, f"{ROWS} x {COLUMNS}", f"> {len(rows) - 1}"))
    except csv.Error as error:
        raise RefusedTable(Finding("table.broken", name, found=str(error))) from error
    return Sheet("", tuple(rows))


def _decoded(content: bytes) -> str | None:
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ("utf-16",) if wide else ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None
