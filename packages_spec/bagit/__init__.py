"""BagIt (RFC 8493): bags written as 1.0, read and judged from 0.93 to 1.0, by themselves and by BagIt profiles.

The writer makes the bytes of tag files and moves nothing; the reader opens tag files only; the judge reads every byte
once, follows no link, fetches nothing and never leaves the bag. To judge a bag, and to judge it by a profile as well:

    findings = validate_bag(root, workers=2)
    findings += validate_profile(root, load_profile(Path("agreed.json")), serialization="application/zip")
    assert is_valid(findings), [finding.message("en") for finding in findings]

Whatever lies in the folder, the answer is findings. What is held in memory does not grow with the number of files, nor
with their size; a bag of more than some 20,000 files needs as much room for temporary files as its manifests have.
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
