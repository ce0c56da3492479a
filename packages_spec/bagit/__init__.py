"""BagIt (RFC 8493): bags written as 1.0, read and judged from 0.93 to 1.0.

The writer makes the bytes of tag files and moves nothing; the reader opens tag files only; the judge reads every file
once, follows no link, fetches nothing and never leaves the bag.
"""

from packages_spec.bagit.fixity import DigestSource
from packages_spec.bagit.profile import Profile, RefusedProfile, load_profile, read_profile
from packages_spec.bagit.profile_rules import validate_profile
from packages_spec.bagit.reader import Bag, is_bag, read_bag
from packages_spec.bagit.tagfiles import ALGORITHMS, Fetch
from packages_spec.bagit.validation import validate_bag
from packages_spec.bagit.writer import bag_info, declaration, manifest, payload_oxum

__all__ = [
    "ALGORITHMS",
    "Bag",
    "DigestSource",
    "Fetch",
    "Profile",
    "RefusedProfile",
    "bag_info",
    "declaration",
    "is_bag",
    "load_profile",
    "manifest",
    "payload_oxum",
    "read_bag",
    "read_profile",
    "validate_bag",
    "validate_profile",
]
