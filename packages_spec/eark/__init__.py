"""E-ARK information packages (CSIP, SIP, AIP, DIP; versions 2.0.4, 2.1.0 and 2.2.0): judged, whoever made them.

Each rule has the id of its requirement (`eark.CSIP22`; a part of a requirement with a weight of its own is named after
it, `eark.CSIP20.value`), and its words stand in `requirements.toml`. Severity follows the standard: MUST is an error,
SHOULD a warning, MAY information. What is said of files is held against the files, both ways.
"""

from packages_spec.eark.container import judge_container
from packages_spec.eark.documents import kind_of_document, validate_document
from packages_spec.eark.validate import is_eark, validate_eark

__all__ = ["is_eark", "judge_container", "kind_of_document", "validate_document", "validate_eark"]
