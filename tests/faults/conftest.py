"""What the fault tests have in common: a sum of what was swept."""

from collections import Counter

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """State how much the sweeps covered, whichever processes ran their shards."""
    swept: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed"):
        if report.when == "call":
            swept.update({name: int(str(value)) for name, value in report.user_properties})
    for name, count in sorted(swept.items()):
        terminalreporter.write_line(f"{count:,} {name}")
