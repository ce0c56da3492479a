"""Fields by name: what is put in comes out, under the key and the Chinese name alike; what does not fit is refused."""

import msgspec
import pytest

from repository.domain.values import RecordType, Sealed, SealedValue
from repository.errors import ArchiveError
from repository.services.description_fields import FIELDS, NEVER_EMPTY, SEALED, field_named, read, written
from tests.catalogue_events import fields
from tests.histories import ACTOR

SAMPLES = {
    "…": "县政字第12号",
    "0, 1, 2, …": "12",
    "YYYY[-MM[-DD]]": "1951-06",
    "YYYY": "1951",
    "…; …": "土地; 清丈",
    "siard / as-delivered": "siard",
}


def sample(key: str) -> str:
    allowed = FIELDS[key].allowed
    return SAMPLES.get(allowed, allowed.rpartition(" / ")[2])


@pytest.mark.parametrize("key", FIELDS)
def test_words_come_out_as_they_were_put_in_under_either_name(key: str) -> None:
    for name in (key, FIELDS[key].zh):
        said = written(fields(), {name: sample(key)})
        assert read(said, key) == sample(key)
        assert written(said, {name: sample(key)}) is said


@pytest.mark.parametrize("key", FIELDS)
def test_a_field_is_emptied_unless_it_may_not_be(key: str) -> None:
    said = written(fields(), {key: sample(key)})
    if key in NEVER_EMPTY:
        with pytest.raises(ArchiveError, check=lambda error: error.code == "field-unfit"):
            written(said, {key: " "})
    else:
        assert read(written(said, {key: ""}), key) == ""


@pytest.mark.parametrize("key", [key for key in FIELDS if FIELDS[key].allowed not in ("…", "…; …")])
def test_what_a_field_does_not_take_is_refused(key: str) -> None:
    with pytest.raises(ArchiveError, check=lambda error: error.code == "field-unfit"):
        written(fields(), {key: "不合规定"})


@pytest.mark.parametrize("key", ["title", "image.photographer", "keywords"])
def test_words_that_xml_cannot_carry_are_refused(key: str) -> None:
    with pytest.raises(ArchiveError, check=lambda error: error.code == "field-unfit"):
        written(fields(), {key: "a\x00b"})


def test_a_day_may_be_written_as_catalogues_do() -> None:
    assert written(fields(), {"日期": "19510612"}).date == "1951-06-12"


def test_names_are_those_of_the_table_only() -> None:
    assert len({field.zh for field in FIELDS.values()}) == len(FIELDS)
    for name in ("parent", "package", "files", "__class__", "image", "text."):
        with pytest.raises(ArchiveError, check=lambda error: error.code == "field-unknown"):
            field_named(name)


def test_a_section_without_words_goes() -> None:
    said = written(fields(record_type=RecordType.IMAGE), {"摄影者": "王"})
    assert said.image is not None
    assert written(said, {"摄影者": ""}).image is None


def test_sealed_words_stay_sealed_when_they_are_written_back() -> None:
    sealed = Sealed(sealed=SealedValue(key=ACTOR, subject=ACTOR, nonce="00", ct="00"))
    said = msgspec.structs.replace(fields(), note=sealed)
    assert read(said, "note") == SEALED
    assert written(said, {"note": SEALED}) is said
