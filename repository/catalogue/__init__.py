"""Projections of the log: everything that a person searches, made again at will.

`Catalogue` is fed by an `EventReader` that is handed in, and asked by everybody else.
"""

from repository.catalogue.answers import Page
from repository.catalogue.cards import (
    Accession,
    AccessRequest,
    Agent,
    Card,
    Deputy,
    Description,
    Grant,
    Mark,
    Moment,
    OpeningReview,
    Package,
    Reader,
    Run,
    StoredVersion,
)
from repository.catalogue.catalogue import Catalogue, Projection
from repository.catalogue.differences import Difference
from repository.catalogue.digitisation import By, Digitised
from repository.catalogue.figures import REPORTS, Figure, Thing, figures
from repository.catalogue.holdings import Holdings
from repository.catalogue.projector import EventReader
from repository.catalogue.queries import ReferenceMatch, StoredSize
from repository.catalogue.rights import Candidate, Term
from repository.catalogue.search import Filters, Viewer

__all__ = [
    "REPORTS",
    "AccessRequest",
    "Accession",
    "Agent",
    "By",
    "Candidate",
    "Card",
    "Catalogue",
    "Deputy",
    "Description",
    "Difference",
    "Digitised",
    "EventReader",
    "Figure",
    "Filters",
    "Grant",
    "Holdings",
    "Mark",
    "Moment",
    "OpeningReview",
    "Package",
    "Page",
    "Projection",
    "Reader",
    "ReferenceMatch",
    "Run",
    "StoredSize",
    "StoredVersion",
    "Term",
    "Thing",
    "Viewer",
    "figures",
]
