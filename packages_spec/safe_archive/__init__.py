"""Archive files (压缩包): zip, tar and tar.gz from strangers, judged before a byte of them is written anywhere.

An archive file is refused or taken as it is; no name in it is ever mended, no link followed, nothing skipped. What is
judged: names (by the path rules, and hidden characters), links and devices, repeated and colliding names, encryption,
members that share bytes, and how much would come out. Checksums and declared sizes are enforced while the bytes pass.
"""

from packages_spec.safe_archive.entries import RefusedArchive
from packages_spec.safe_archive.judging import Bounds
from packages_spec.safe_archive.unpacking import Member, is_archive, members, names, scan

__all__ = ["Bounds", "Member", "RefusedArchive", "is_archive", "members", "names", "scan"]
