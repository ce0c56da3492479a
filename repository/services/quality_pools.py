"""Which profile judges what (质检方案的选用): scanned records and photographs have each their own."""

from repository.domain.values import RecordType
from repository.qc import PROFILES, Assessor, load_profile

PHOTOGRAPHS = "photographs"


class Assessors:
    """The judging processes of a session, by the kind of record: started with the first file, ended by `close`."""

    def __init__(self, profile: str | None) -> None:
        """`profile` judges everything; where the site names none, documents and photographs have each their own."""
        self._named = profile
        self._open: dict[str, Assessor] = {}

    def of(self, kind: RecordType) -> Assessor:
        """Those for a kind of record. `quality-profile-unknown`, `quality-profile-invalid`."""
        name = self._named or (PHOTOGRAPHS if kind is RecordType.IMAGE else PROFILES[0])
        if name not in self._open:
            self._open[name] = Assessor(load_profile(name))
        return self._open[name]

    def close(self) -> None:
        """End the processes."""
        for one in self._open.values():
            one.close()
        self._open = {}
