"""What was stored once is read for ever: golden sealed files, records and class keys open, and hold what they held."""

import pytest

from repository.crypto.age import X25519Identity
from tests import golden_sealed
from tests.golden_sealed import CLASS, FOLDER, RECOVERY, SUITES, TEXT


@pytest.mark.parametrize("suite", SUITES)
def test_a_golden_file_opens_with_its_class_key_and_with_the_recovery_key(suite: str) -> None:
    records, package = golden_sealed.records(FOLDER), golden_sealed.place(suite).package
    head = records.head(package, 1)
    assert (head.class_key, head.recovery) == (CLASS, RECOVERY)
    assert golden_sealed.opened(suite, records.identity(package, 1)) == TEXT
    assert golden_sealed.opened(suite, records.identity_by(package, 1, golden_sealed.recovery())) == TEXT


def test_each_suite_has_the_identity_that_is_its_own() -> None:
    records = golden_sealed.records(FOLDER)
    kinds = [isinstance(records.identity(golden_sealed.place(suite).package, 1), X25519Identity) for suite in SUITES]
    assert kinds == [True, False]
