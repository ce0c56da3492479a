"""OFD (GB/T 33190-2016, 版式文档): our own signature, for PRONOM takes it for a ZIP, and a reader of what it holds."""

from packages_spec.ofd.reader import ENTRY, OfdDocument, is_ofd, page_text, read_ofd
from packages_spec.ofd.seals import Seal, judge_seals

__all__ = ["ENTRY", "OfdDocument", "Seal", "is_ofd", "judge_seals", "page_text", "read_ofd"]
