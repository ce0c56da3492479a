"""The examples in the document are true: every exchange is made again and compared."""

import io
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import pytest

from api.routes import ROOMS
from tests.api.examples import FILE, taken_down
from tests.api.serving import api
from tests.real_archives import LAND_DEEDS, new_site

STORED: dict[str, dict[str, Any]] = msgspec.json.decode(FILE.read_bytes())


def packed_deeds() -> bytes:
    """A delivery in one file, the same every time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(LAND_DEEDS.rglob("*")):
            if path.is_file():
                member = zipfile.ZipInfo(f"land-deeds/{path.relative_to(LAND_DEEDS)}", (2026, 3, 1, 8, 0, 0))
                archive.writestr(member, path.read_bytes())
    return buffer.getvalue()


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    return taken_down(tmp_path_factory.mktemp("examples"), packed_deeds())


@pytest.mark.parametrize("name", STORED)
def test_an_example_is_what_really_happens(walked: dict[str, dict[str, Any]], name: str) -> None:
    assert walked[name] == STORED[name]


def test_every_operation_with_json_has_its_example(walked: dict[str, dict[str, Any]]) -> None:
    assert set(walked) == set(STORED)
    named = {
        name
        for room in ROOMS
        for route in room.router.routes
        for name in [getattr(route, "operation_id", "")]
        if room.policies[next(iter(getattr(route, "methods", ()))), getattr(route, "path", "")].answer is not None
    }
    assert named - set(STORED) == {
        "use_link",  # it can be done once, by whoever started the server
    }


def test_the_document_shows_them_and_the_page_fetches_nothing(tmp_path: Path) -> None:
    with api(new_site(tmp_path)) as (client, _):
        document = client.get("/v1/openapi.json").json()
        operations = {one["operationId"]: one for methods in document["paths"].values() for one in methods.values()}
        for name, example in STORED.items():
            good = next(answer for status, answer in operations[name]["responses"].items() if status < "300")
            if "answer" in example:
                assert good["content"]["application/json"]["example"] == example["answer"]
            if "request" in example:
                assert operations[name]["requestBody"]["content"]["application/json"]["example"] == example["request"]
        for language, title in (("zh", "金匮接口说明"), ("en", "The API of Jingui")):
            page = client.get("/docs", headers={"accept-language": language})
            assert title in page.text
            assert "<script" not in page.text
            assert not any(mark in page.text for mark in ('src="', 'href="', "url(", "@import"))
            assert "default-src 'none'" in page.headers["content-security-policy"]
