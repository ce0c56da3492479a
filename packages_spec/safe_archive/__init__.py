"""Archive files (压缩包): zip, tar and tar.gz from strangers, judged before a byte of them is written anywhere.

An archive file is refused or taken as it is; no name in it is ever mended, no link followed, nothing skipped. What is
judged: names (by the path rules, hidden characters, the devices of Windows), links and special files, repeated and
colliding names, encryption, members that share bytes, bytes that are no member's, headers that contradict each other,
and how much would come out. Checksums and declared sizes are enforced while the bytes pass.
"""

from packages_spec.safe_archive.entries import RefusedArchive
from packages_spec.safe_archive.judging import Bounds
from packages_spec.safe_archive.unpacking import Member, is_archive, media_type, members, names, scan

__all__ = ["Bounds", "Member", "RefusedArchive", "is_archive", "media_type", "members", "names", "scan"]
