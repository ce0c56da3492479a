"""Accessions (接收登记)."""

from api.endpoints import Call, Room
from api.parameters import After, AsOf, Limit
from repository.catalogue import Accession
from repository.services.search import Page, list_accessions

room = Room("accessions")


@room.add(
    "GET",
    "/v1/accessions",
    verb="survey",
    answer=Page[Accession],
    refused=("cursor-invalid", "time-invalid"),
    reads=True,
)
def accessions(call: Call, as_of: AsOf = None, limit: Limit = 20, after: After = None) -> Page[Accession]:
    """列出接收登记。Accessions in the order of their opening."""
    return list_accessions(call.session, as_of=as_of, limit=limit, after=after)
