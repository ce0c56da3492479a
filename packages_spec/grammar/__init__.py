"""The grammars of METS 1.12, PREMIS 3.0 and simple Dublin Core, as data, and judging by them and by official schemas.

The data are written from the standards' documentation in a notation of our own (explained at the head of `mets.toml`);
the suite holds their verdicts against those of the official schemas on every document that it has.
"""

from packages_spec.grammar.judge import judge_form
from packages_spec.grammar.schemas import judge_by_schemas
from packages_spec.grammar.types import is_date_time

__all__ = ["is_date_time", "judge_by_schemas", "judge_form"]
