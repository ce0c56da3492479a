"""Requests made from the OpenAPI document, valid and not: no server error, and no answer that it does not tell of.

They go to a real server process. A seeded part runs with the other tests, the whole by `make faults`.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS

from api.endpoints import SECOND
from api.receiving import PARTS
from repository.domain.authority import VERBS
from repository.services.administration import Role
from tests.api.serving import Server, bearer, key_for, request_of, server
from tests.real_archives import LAND_DEEDS, Site, new_site, take

SEED = 20260301
FILES = [path.name for path in sorted((LAND_DEEDS / "J012-1-0001").iterdir())]
CHECKED = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "negative_data_rejection",
    "missing_required_header",
)
SAMPLE, WHOLE = 200, 8_000


@schemathesis.serializer(PARTS)
def bytes_of(_context: Any, value: Any) -> bytes:
    """A part of an upload as it goes over the wire."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


class Place:
    """A server with things in it, and what they are called there."""

    def __init__(self, site: Site, served: Server, person: UUID, accession: UUID) -> None:
        self.served = served
        second = key_for(site, "second", Role.ADMINISTRATOR, scopes=tuple(VERBS))
        self.headers = bearer(site.credential) | {SECOND: second["authorization"].removeprefix("Bearer ")}
        with httpx2.Client(base_url=served.url, headers=self.headers, timeout=60) as client:
            asked = client.post("/v1/dips", json={"record": "J012-1-0001", "purpose": "编史"})
            client.get(f"{asked.headers['location']}/events")
            declared = {"name": "a.zip", "bytes": 5, "sha256": "0" * 64}
            begun = client.post("/v1/deposits", json=declared)
            tasks = [client.post("/v1/validations", json={"content": declared}), client.post("/v1/fixity", json={})]
            removal = client.post("/v1/removals", json={"legal_basis": "法", "reason": "误", "words": ["陈"]})
        self.real: dict[str, list[str]] = {
            "record": ["J012-1-0001", "J012-1-0002"],
            "request_id": [str(request_of(asked.headers["location"]))],
            "deposit_id": [str(request_of(begun.headers["location"]))],
            "person": [str(person)],
            "accession_id": [str(accession)],
            "path": FILES,
            "task_id": [str(request_of(task.headers["location"])) for task in tasks],
            "removal_id": [str(request_of(removal.headers["location"]))] if removal.is_success else [],
            "position": ["1", "2"],
            "name": ["annual", "uses"],
            "item": ["holdings-items"],
            "named": ["J012-1-0001", str(person), str(request_of(asked.headers["location"]))],
        }


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    site = new_site(tmp_path_factory.mktemp("schemathesis"))
    with site.open() as session:
        accession = take(session, LAND_DEEDS).accession
        person, _ = site.person(session, "周文", Role.READER)
    with server(site) as served:
        yield Place(site, served, person, accession)


def bombard(place: Place, cases: int) -> Counter[tuple[str, int]]:
    """So many cases, shared out among the operations; how often each was answered how."""
    document = httpx2.get(f"{place.served.url}/v1/openapi.json").json()
    for methods in document["paths"].values():
        for operation in methods.values():
            del operation["security"]  # every request carries the key; what happens without it, other tests try
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=place.served.url)
    operations = [found.ok() for found in schema.get_all_operations()]  # type: ignore[union-attr] # an error has no `ok`
    each = -(-cases // (2 * len(operations)))
    told: Counter[tuple[str, int]] = Counter()
    for operation in operations:
        for mode in GenerationMode:
            _try(place, operation, mode, each, told)
    return told


def _try(place: Place, operation: Any, mode: GenerationMode, each: int, told: Counter[tuple[str, int]]) -> None:
    checks = [CHECKS.get_one(name) for name in CHECKED]

    @seed(SEED)
    @settings(
        max_examples=each,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
    def sent(case: Any, data: st.DataObject) -> None:
        if mode is GenerationMode.POSITIVE:
            for name in case.path_parameters or {}:
                known = place.real.get(name)
                if known and data.draw(st.integers(0, 3)):
                    case.path_parameters[name] = data.draw(st.sampled_from(known))
        response = case.call(headers=place.headers)
        told[operation.label, response.status_code] += 1
        case.validate_response(response, checks=checks)

    try:
        sent()
    except Exception as error:
        if "Unsatisfiable" not in type(error).__name__:  # nothing about this operation can be false
            raise


def _judge(told: Counter[tuple[str, int]], least: int) -> None:
    """Enough was asked - some operations have few questions -, nothing broke, and most of it could succeed."""
    assert told.total() >= least, told
    assert not [answer for answer in told if answer[1] >= 500]
    good = {label for label, status in told if status < 400}
    never = sorted({label for label, _ in told} - good)
    print(f"{told.total()} cases, {len({label for label, _ in told})} operations; never good: {never}")


def test_a_part_of_them(place: Place) -> None:
    _judge(bombard(place, SAMPLE), SAMPLE // 2)


@pytest.mark.faults
@pytest.mark.timeout(3600)
def test_all_of_them(place: Place) -> None:
    _judge(bombard(place, WHOLE), 5_000)
