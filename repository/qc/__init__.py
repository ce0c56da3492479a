"""Quality control (质量检测): page image -> measurements -> verdict, in processes that a hostile file may kill.

What is imported here decodes no picture: pictures are opened only by the judging processes.
"""

from repository.qc.assessor import Asked, Assessor
from repository.qc.kinds import kind_of, media_of
from repository.qc.profile import PROFILES, Profile, default_profile, load_profile

__all__ = ["PROFILES", "Asked", "Assessor", "Profile", "default_profile", "kind_of", "load_profile", "media_of"]
