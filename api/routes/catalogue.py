"""The catalogue as sheets (目录表): exported, printed as a register, and how much of the paper is digitised.

A corrected sheet comes back as a task, `POST /v1/catalogue/corrections`.
"""

from pathlib import Path
from typing import Annotated, Literal

from fastapi import Query, Response

from api.endpoints import Call, Room
from api.laid_out import MEDIA_TYPES, XLSX, made_bytes, made_file
from api.language import preferred, text
from api.parameters import AsOf, Record
from repository.services.catalogue_export import export_catalogue
from repository.services.description_fields import FIELDS
from repository.services.register import DigitisationReport, Register, digitisation, register_of
from repository.services.tables import FORMATS, Table

room = Room("catalogue")

Below = Annotated[str | None, Query(alias="of", max_length=200, description="Only what is below this record")]
Words = Annotated[str | None, Query(max_length=400, description="Words of the title")]
Fonds = Annotated[str | None, Query(max_length=100, description="全宗号")]
Prefix = Annotated[str | None, Query(max_length=200, description="How the 档号 begins")]
By = Annotated[Literal["fonds", "series", "year"], Query(description="What pages are summed by")]
Form = Annotated[Literal["json", "xlsx", "csv", "html"], Query(description="In which form")]


@room.add("GET", "/v1/catalogue/sheet", verb="search", refused=("record-unknown",), media_types=(XLSX,))
def export_sheet(
    call: Call, below: Below = None, words: Words = None, fonds: Fonds = None, prefix: Prefix = None
) -> Response:
    """导出目录表。Entries as a workbook that may come back corrected; of what one may not know of, nothing."""

    def make(place: Path) -> None:
        export_catalogue(call.session, place, words=words, below=below, fonds=fonds, reference_code_prefix=prefix)

    return made_file(make, "catalogue.xlsx", XLSX)


@room.add(
    "GET",
    "/v1/records/{record}/register",
    verb="search",
    answer=Register,
    refused=("record-unknown", "time-invalid"),
    media_types=("application/json", *MEDIA_TYPES.values()),
)
def print_register(call: Call, record: Record, as_of: AsOf = None, form: Form = "json") -> Register | Response:
    """馆藏目录。What a fonds, series or volume holds, as it is printed and bound."""
    made = register_of(call.session, record, as_of=as_of)
    if form == "json":
        return made
    language = preferred(call.request.headers.get("accept-language"))
    name = " ".join(filter(None, (made.reference_code, made.title)))
    table = Table(
        language=language,
        title=text(f"register.{made.kind}", language, name=name),
        notes=(text("register.note", language, entries=len(made.rows), position=made.position),),
        header=tuple(_name(key, language) for key in made.columns),
        rows=made.rows,
    )
    return made_bytes(FORMATS[form](table), f"register.{form}", MEDIA_TYPES[form])


def _name(key: str, language: str) -> str:
    if key not in FIELDS:
        return text(f"register.{'code' if key == 'reference_code' else 'number'}", language)
    return FIELDS[key].zh if language == "zh" else FIELDS[key].en


@room.add("GET", "/v1/digitisation", verb="survey", answer=DigitisationReport, refused=("time-invalid",))
def digitised(call: Call, by: By = "fonds", fonds: Fonds = None, as_of: AsOf = None) -> DigitisationReport:
    """数字化率。How much of the paper is scanned, by fonds, series or year."""
    return digitisation(call.session, by=by, fonds=fonds, as_of=as_of)
