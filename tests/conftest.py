"""Tests leave the tester's own files alone: keys and credentials that have no place named go to a folder of the run.

What several tests take their archive from says what it compared when it fails.
"""

import os
import tempfile

import pytest

pytest.register_assert_rewrite("tests.faults.small_archive")

_PLACE = tempfile.TemporaryDirectory(prefix="jingui-tests-")
os.environ["XDG_CONFIG_HOME"] = _PLACE.name
