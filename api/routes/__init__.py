"""Routes (地址): one small module for each verb."""

from api.endpoints import Room
from api.routes import (
    accessions,
    audit,
    catalogue,
    deposits,
    descriptions,
    dips,
    door,
    events,
    looks,
    openings,
    people,
    quality,
    records,
    removals,
    reports,
    requests,
    status,
    tasks,
)

ROOMS: tuple[Room, ...] = (
    records.room,
    descriptions.room,
    catalogue.room,
    accessions.room,
    quality.room,
    removals.room,
    deposits.room,
    dips.room,
    looks.room,
    requests.room,
    openings.room,
    events.room,
    audit.room,
    reports.room,
    people.room,
    status.room,
    tasks.room,
    door.room,
)
"""Every room of the house. A module that is not here has no routes."""
