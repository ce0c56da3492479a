"""Tables (表格) from strangers: csv, xlsx and flat XML, read as plain text cells; and a workbook given back with notes.

A table is judged before it is read: its size, what its zip would unpack to, links to other workbooks. A formula is no
value, whatever it shows; a cell that holds one says so. What is written neither computes nor links anything.
"""

from packages_spec.tables.places import Cell, cell_name, column_letters, place_of, read_place
from packages_spec.tables.returned import Note, write_returned
from packages_spec.tables.texts import read_text
from packages_spec.tables.values import RefusedTable, Sheet
from packages_spec.tables.workbooks import read_workbook
from packages_spec.tables.xml_rows import read_xml

__all__ = [
    "Cell",
    "Note",
    "RefusedTable",
    "Sheet",
    "cell_name",
    "column_letters",
    "place_of",
    "read_place",
    "read_text",
    "read_workbook",
    "read_xml",
    "write_returned",
]
