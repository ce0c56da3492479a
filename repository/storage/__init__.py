"""The only code that writes package bytes: receiving, staging, durable commit, recovery, handing out."""

from repository.storage.durable import FileSystem, probe, write_atomic
from repository.storage.export import Folder, discard_kept, kept_in, outgoing, outgoing_in_memory, sweep_outgoing
from repository.storage.journal import ReceivedFile
from repository.storage.locks import is_running, run_lock, run_lock_in
from repository.storage.quarantine import discard_delivery, discard_quarantine, keep_beside, source_lock
from repository.storage.receive import Received, listing_lines, receive
from repository.storage.recovery import Recovered, RecoveryAction, StoredClaim, recover
from repository.storage.sealed_receive import is_sealed, receive_sealed, sealed_name
from repository.storage.second import SecondStore, expect_file, true_inventory
from repository.storage.staging import Published, Stage, object_id
from repository.storage.store import Store
from repository.storage.survey import survey
from repository.storage.tails import COMMANDS, EVENTS, PAYLOADS, SMALL, Span, StoreMark, Tails
from repository.storage.uploads import TASKS, Part, Upload, facts_of, uploads
from repository.storage.wiping import wipe

__all__ = [
    "COMMANDS",
    "EVENTS",
    "PAYLOADS",
    "SMALL",
    "TASKS",
    "FileSystem",
    "Folder",
    "Part",
    "Published",
    "Received",
    "ReceivedFile",
    "Recovered",
    "RecoveryAction",
    "SecondStore",
    "Span",
    "Stage",
    "Store",
    "StoreMark",
    "StoredClaim",
    "Tails",
    "Upload",
    "discard_delivery",
    "discard_kept",
    "discard_quarantine",
    "expect_file",
    "facts_of",
    "is_running",
    "is_sealed",
    "keep_beside",
    "kept_in",
    "listing_lines",
    "object_id",
    "outgoing",
    "outgoing_in_memory",
    "probe",
    "receive",
    "receive_sealed",
    "recover",
    "run_lock",
    "run_lock_in",
    "sealed_name",
    "source_lock",
    "survey",
    "sweep_outgoing",
    "true_inventory",
    "uploads",
    "wipe",
    "write_atomic",
]
