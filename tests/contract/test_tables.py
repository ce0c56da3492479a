"""Contracts that break silently: every text in both languages, every code in its table, every row in use.

The scanners are simple on purpose: they read the sources and know the few places where a code is put together.
"""

import ast
import re
import string
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args
from uuid import uuid4

import pytest

from cli.main import COMMANDS
from packages_spec.findings import Severity
from packages_spec.foreign import System
from repository.catalogue import REPORTS
from repository.catalogue.schema import TABLES as TABLES_OF_CARDS
from repository.domain.accession import Stage
from repository.domain.values import AccessionKind, Level, SecrecyClass
from repository.eventlog.registry import event_types
from repository.services.administration import Role
from repository.services.catalogue_file import FIELDS as CATALOGUE_FIELDS
from repository.services.catalogue_levels import ITEM_FIELDS, VOLUME_FIELDS
from repository.services.doctor_checks import State
from repository.services.history_rules import RULES
from repository.settings import FILE, Settings, read_settings, write_settings
from tests.golden_events import read

ROOT = Path(__file__).parents[2]
PUBLISHED_EXITS = {0, 1, 2, 3, 4, 10, 11, 12, 20, 21, 22, 23, 30, 130}
LANGUAGES = ("zh", "en")
LARGEST_HTTP = 599

Table = Mapping[str, Mapping[str, Any]]


def table(path: str) -> Table:
    return tomllib.loads((ROOT / path).read_text("utf-8"))


FINDINGS, ERRORS, MESSAGES, FAULTS = (
    table("packages_spec/findings.toml"),
    table("repository/errors.toml"),
    table("cli/messages.toml"),
    table("repository/eventlog/faults.toml"),
)
SETTINGS = table("repository/settings.toml")
REQUIREMENTS = table("packages_spec/eark/requirements.toml")
API_MESSAGES = table("api/messages.toml")
DOCTOR, FIGURES = table("repository/services/doctor.toml"), table("repository/catalogue/figures.toml")
TABLES = {
    "api-messages": API_MESSAGES,
    "doctor": DOCTOR,
    "figures": FIGURES,
    "findings": FINDINGS,
    "errors": ERRORS,
    "messages": MESSAGES,
    "faults": FAULTS,
    "requirements": REQUIREMENTS,
    "settings": SETTINGS,
}


def trees(*rooms: str) -> Iterator[tuple[str, ast.Module]]:
    for room in rooms:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield f"{path.relative_to(ROOT)}", ast.parse(path.read_text("utf-8"))


def strings(*rooms: str) -> set[str]:
    """Every text that stands in the sources as it is, docstrings among them."""
    nodes = (node for _, tree in trees(*rooms) for node in ast.walk(tree))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def patterns(*rooms: str) -> set[str]:
    """Every text that is put together of parts, as a pattern; those that say nothing by themselves left out."""
    found = set()
    for _, tree in trees(*rooms):
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                parts = [re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".+" for part in node.values]
                found.add("".join(parts))
    return {pattern for pattern in found if re.search("[a-z]{3}", pattern) and " " not in pattern}


def calls(name: str, *rooms: str) -> Iterator[tuple[str, ast.Call]]:
    for path, tree in trees(*rooms):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and name in (getattr(node.func, "id", ""), getattr(node.func, "attr", "")):
                yield f"{path}:{node.lineno}", node


def codes(call: ast.Call) -> Iterator[str]:
    """The codes that a call can name outright: a text, or one of two."""
    if call.args:
        for node in ast.walk(call.args[0]):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def placeholders(words: str) -> set[str]:
    return {name.partition(".")[0] for _, name, _, _ in string.Formatter().parse(words) if name}


def given(call: ast.Call) -> set[str] | None:
    """Names of the values that a call fills the words with; None when it passes on a mapping."""
    names = {keyword.arg for keyword in call.keywords}
    return None if None in names else {name for name in names if name}


@pytest.mark.parametrize("name", TABLES)
def test_every_row_speaks_both_languages(name: str) -> None:
    silent = [
        f"{code}.{field}"
        for code, row in TABLES[name].items()
        for field in ("zh", "en", *(("hint_zh", "hint_en") if name == "errors" else ()))
        if not str(row.get(field, "")).strip()
    ]
    assert silent == []


@pytest.mark.parametrize("name", TABLES)
def test_the_chinese_is_chinese_and_the_english_is_not(name: str) -> None:
    chinese = re.compile("[\u4e00-\u9fff]")
    words = {code: re.sub(r"{\w+}", "", row["en"]) for code, row in TABLES[name].items()}
    wordless = [
        code
        for code in words
        if re.search("[a-z]{4}", words[code]) and TABLES[name][code]["zh"] == TABLES[name][code]["en"]
    ]
    foreign = [code for code, row in TABLES[name].items() if len(chinese.findall(row["en"])) > len(row["en"]) / 3]
    assert (wordless, foreign) == ([], [])


@pytest.mark.parametrize("name", TABLES)
def test_both_languages_tell_the_same_values(name: str) -> None:
    def told(row: Mapping[str, Any], prefix: str) -> list[set[str]]:
        # a value that is itself in words has one for each language: `reason` and `reason_en`
        return [
            {each.removesuffix(f"_{language}") for each in placeholders(row[f"{prefix}{language}"])}
            for language in LANGUAGES
        ]

    different = [
        code
        for code, row in TABLES[name].items()
        for prefix in ("", "hint_")
        if f"{prefix}zh" in row and told(row, prefix)[0] != told(row, prefix)[1]
    ]
    assert different == []


def test_every_finding_has_a_known_weight_and_a_clause() -> None:
    assert {row["severity"] for row in FINDINGS.values()} == {severity.value for severity in Severity}
    assert [code for code, row in FINDINGS.items() if not row["clause"].strip()] == []
    assert [code for code in FINDINGS if not re.fullmatch(r"[a-z][a-z0-9-]*(\.[a-z0-9-]+)+", code)] == []


def test_a_finding_is_filled_with_what_a_finding_has() -> None:
    allowed = {"path", "expected", "found"}
    assert [code for code, row in FINDINGS.items() if placeholders(row["zh"] + row["en"]) - allowed] == []


def test_every_finding_that_is_made_has_its_row() -> None:
    made = {code: place for place, call in calls("Finding", "packages_spec", "repository") for code in codes(call)}
    made |= {code: place for place, call in calls("find", "packages_spec") for code in codes(call) if "." in code}
    assert len(made) > 100
    parts = {"ocfl.", "-digest", "reference.", "eark."}  # of a code put together, which other tests know
    known = {*FINDINGS, *REQUIREMENTS, *parts}
    assert {code: place for code, place in made.items() if code not in known} == {}


def test_every_requirement_has_its_own_id_and_a_known_weight() -> None:
    weights = {severity.value for severity in Severity}
    for code, row in REQUIREMENTS.items():
        assert row["severity"] in weights
        assert code == "eark.not-judged" or re.fullmatch(rf"eark\.{row['clause']}(\.[a-z]+)?", code), code
        assert placeholders(row["zh"] + row["en"]) <= {"path", "expected", "found"}


def test_every_finding_is_made_somewhere() -> None:
    said, composed = strings("packages_spec", "repository"), patterns("packages_spec", "repository")
    unused = [code for code in FINDINGS if code not in said and not any(re.fullmatch(one, code) for one in composed)]
    assert unused == []


def test_every_error_that_is_raised_has_its_row_and_the_values_that_its_words_need() -> None:
    wrong = []
    for place, call in calls("ArchiveError", "packages_spec", "repository", "cli", "api"):
        values = given(call)
        for code in codes(call):
            row = ERRORS.get(code)
            if row is None:
                wrong.append(f"{place}: {code} has no row")
            elif values is not None:
                needed = set().union(*(placeholders(row[field]) for field in ("zh", "en", "hint_zh", "hint_en")))
                missing = needed - values - ({"thing"} if len(call.args) > 1 else set())
                wrong += [f"{place}: {code} without {name}" for name in sorted(missing)]
    assert wrong == []


def test_every_error_is_raised_somewhere() -> None:
    said = strings("packages_spec", "repository", "cli", "api")
    assert [code for code in ERRORS if code not in said] == []


def test_every_error_ends_with_a_published_exit_and_status() -> None:
    assert {row["exit"] for row in ERRORS.values()} <= PUBLISHED_EXITS - {0, 130}
    assert [code for code, row in ERRORS.items() if not 400 <= row["http"] <= LARGEST_HTTP] == []


@pytest.mark.parametrize(("shell", "messages"), [("cli", MESSAGES), ("api", API_MESSAGES)], ids=["cli", "api"])
def test_every_text_that_is_asked_for_stands_in_the_table_with_its_values(shell: str, messages: Table) -> None:
    wrong = []
    for place, call in calls("text", shell):
        if call.args and isinstance(call.args[0], ast.Constant):
            key, values = str(call.args[0].value), given(call)
            row = messages.get(key)
            if row is None:
                wrong.append(f"{place}: {key} has no row")
            elif values is not None and values != placeholders(row["zh"]):
                wrong.append(f"{place}: {key} is filled with {sorted(values)}")
    assert wrong == []


@pytest.mark.parametrize(("shell", "messages"), [("cli", MESSAGES), ("api", API_MESSAGES)], ids=["cli", "api"])
def test_every_text_is_asked_for(shell: str, messages: Table) -> None:
    said, composed = strings(shell), patterns(shell)
    unused = [key for key in messages if key not in said and not any(re.fullmatch(one, key) for one in composed)]
    assert unused == []


def in_sources(pattern: str) -> set[str]:
    text = "\n".join(path.read_text("utf-8") for path in (ROOT / "repository").rglob("*.py"))
    return set(re.findall(pattern, text))


PUT_TOGETHER = {
    "severity": {severity.value for severity in Severity},
    "stage": {stage.value for stage in Stage} - {"new"},
    "step": in_sources(r'progress\("([a-z]+)"'),
    "where": in_sources(r'(?:Fault|fault_of)\("([a-z]+)"'),
    "next": in_sources(r'Stage\.[A-Z]+: "([a-z-]+)"') | {"sign", "return-infected"},
    "ingest": {"completed", "already-recorded", "rejected", "waiting", "part-completed"},
    "attempt": {"accepted", "broken-off", "refused", "returned", "waiting"},
    "level": {level.value for level in Level},
    "mapped": {*CATALOGUE_FIELDS, *ITEM_FIELDS, *VOLUME_FIELDS, "none", "level.volume", "level.item"},
    "validate": {"valid", "warning", "invalid"},
    "kind": {
        "file",
        "packed",
        "mets",
        "premis",
        *(p + k for p in ("", "packed-") for k in ("bag", "eark", "package", "folder", "ocfl-object", "ocfl-root")),
    },
    "cards": {table.name for table in TABLES_OF_CARDS},
    "source": {"paper-form", "legacy-system"},
    "event": {name.partition(".")[2] for name in event_types()},
    "system": {system.value for system in System},
    "essentials.signature": {"valid", "invalid", "not-tested"},
    "doctor": {state.replace(" ", "-") for state in get_args(State)},
    "report": set(REPORTS),
    "rule": set(RULES),
    "schedule": {"fixity", "statistics"},
    "schedule.state": {"due", "failed", "off", "under-way", "waiting"},
    "outcome": {"passed", "failed", "not-checked", "not-tested"},
}


@pytest.mark.parametrize("stem", PUT_TOGETHER)
def test_every_text_that_is_put_together_is_there(stem: str) -> None:
    assert PUT_TOGETHER[stem]
    assert [f"{stem}.{end}" for end in sorted(PUT_TOGETHER[stem]) if f"{stem}.{end}" not in MESSAGES] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_module_and_help_in_both_languages(command: str) -> None:
    assert (ROOT / "cli" / "commands" / f"{command}.py").is_file()
    row = MESSAGES[f"{command}.help"]
    assert row["zh"] != row["en"]


def test_every_module_of_commands_is_a_command() -> None:
    assert {path.stem for path in (ROOT / "cli" / "commands").glob("[a-z]*.py")} == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_and_argument_says_what_it_is_for(command: str) -> None:
    (function,) = [
        node
        for node in ast.parse((ROOT / "cli" / "commands" / f"{command}.py").read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name == "command"
    ]
    shared = {"Archive", "Credential", "Json", "Lang", "AsOf", "Limit", "After", "OnBehalfOf"}
    silent = [
        argument.arg
        for argument in function.args.args
        if not (
            argument.annotation
            and (ast.unparse(argument.annotation) in shared or "help=" in ast.unparse(argument.annotation))
        )
    ]
    assert silent == []
    assert {"as_json", "lang"} <= {argument.arg for argument in function.args.args}


@pytest.mark.parametrize("name", event_types())
def test_every_type_of_event_has_its_golden_file_and_a_correction_that_exists(name: str) -> None:
    kind = event_types()[name]
    assert f"{name}.{kind.schema}" in read()
    assert kind.correction in event_types()
    assert kind.correction.partition(".")[0] == name.partition(".")[0]


def test_every_setting_is_explained_in_the_file_that_a_new_archive_gets(tmp_path: Path) -> None:
    assert list(SETTINGS) == list(Settings.__struct_fields__)
    settings = Settings(id=uuid4(), archives=("437001", "437002"), secrecy_ceiling=SecrecyClass.OPEN)
    write_settings(tmp_path, settings)
    written = (tmp_path / FILE).read_text("utf-8")
    unexplained = [
        name for name, row in SETTINGS.items() if not all(f"# {row[language]}\n" in written for language in LANGUAGES)
    ]
    assert (unexplained, read_settings(tmp_path, {})) == ([], settings)


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [("ARCHIVES", "1,2", ("1", "2")), ("SYNC", "false", False), ("WORKPLACE", "一楼", "一楼")],
)
def test_the_environment_overrules_the_file(tmp_path: Path, name: str, value: str, meant: object) -> None:
    write_settings(tmp_path, Settings(id=uuid4(), archives=("437001",)))
    assert getattr(read_settings(tmp_path, {f"JINGUI_{name}": value}), name.lower()) == meant


def test_choices_offered_on_the_command_line_are_words_that_can_be_typed() -> None:
    for choices in (AccessionKind, Role):
        assert all(re.fullmatch(r"[a-z][a-z-]*", choice.value) for choice in choices)
    assert get_args(list[Role]) == (Role,)
