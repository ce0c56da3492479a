"""A flat XML catalogue as a sheet: the root's children are rows, their children cells under headers by name.

This is how DA/T 93 style packages list their records: an element for each record, in it an element for each field,
named in Chinese. A field's name is its element's, or what its `name` or `名称` attribute says.
"""

from packages_spec import safe_xml
from packages_spec.findings import Finding
from packages_spec.tables.values import COLUMNS, ROWS, RefusedTable, Sheet, trimmed


def read_xml(content: bytes, name: str) -> Sheet:
    """The rows under one header row, which is row 1; a field that occurs twice in a record is joined by `;`."""
    try:
        root = safe_xml.parse(content, name)
    except safe_xml.UnsafeXml as error:
        raise RefusedTable(error.finding) from error
    records = [
        [(_name(field), " ".join("".join(map(str, field.itertext())).split())) for field in record] for record in root
    ]
    header = list(dict.fromkeys(field for record in records for field, _ in record))
    if len(records) >= ROWS or len(header) > COLUMNS:
        raise RefusedTable(Finding("table.too-large", name, f"{ROWS} x {COLUMNS}", f"{len(records)} x {len(header)}"))
    rows = [tuple(header)]
    for record in records:
        cells: dict[str, str] = {}
        for field, words in record:
            cells[field] = f"{cells[field]};{words}" if cells.get(field) else words
        rows.append(trimmed([cells.get(field, "") for field in header]))
    return Sheet("", tuple(rows))


def _name(field: safe_xml.Element) -> str:
    named = field.get("name") or field.get("名称")
    return named or str(field.tag).rpartition("}")[2]
