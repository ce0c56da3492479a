"""The event log (事件日志): append-only, ordered by position, durable before anybody is answered."""

from repository.eventlog.codec import Codec
from repository.eventlog.digests import leaf_hash, payload_digest
from repository.eventlog.faults import LogFault
from repository.eventlog.log import Answer, EventLog
from repository.eventlog.reader import Record
from repository.eventlog.recorder import Clock
from repository.eventlog.streams import Streams
from repository.eventlog.transfer import CommandRow, EventRow, commands_of, restore_log
from repository.eventlog.verification import Observe, verify_log

__all__ = [
    "Answer",
    "Clock",
    "Codec",
    "CommandRow",
    "EventLog",
    "EventRow",
    "LogFault",
    "Observe",
    "Record",
    "Streams",
    "commands_of",
    "leaf_hash",
    "payload_digest",
    "restore_log",
    "verify_log",
]
