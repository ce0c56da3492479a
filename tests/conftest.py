"""Tests leave the tester's own files alone: keys and credentials that have no place named go to a folder of the run."""

import os
import tempfile

_PLACE = tempfile.TemporaryDirectory(prefix="jingui-tests-")
os.environ["XDG_CONFIG_HOME"] = _PLACE.name
