"""The only code that writes package bytes: receiving, staging, durable commit, recovery, handing out."""

from repository.storage.export import Folder, outgoing, sweep_outgoing
from repository.storage.journal import ReceivedFile
from repository.storage.locks import run_lock
from repository.storage.quarantine import discard_quarantine, keep_beside, source_lock
from repository.storage.receive import Received, listing_lines, receive
from repository.storage.recovery import Recovered, RecoveryAction, StoredClaim, recover
from repository.storage.staging import Published, Stage
from repository.storage.store import Store
from repository.storage.survey import survey

__all__ = [
    "Folder",
    "Published",
    "Received",
    "ReceivedFile",
    "Recovered",
    "RecoveryAction",
    "Stage",
    "Store",
    "StoredClaim",
    "discard_quarantine",
    "keep_beside",
    "listing_lines",
    "outgoing",
    "receive",
    "recover",
    "run_lock",
    "source_lock",
    "survey",
    "sweep_outgoing",
]
