"""Commands that describe records and put descriptions right: what they print, and what they refuse."""

import pytest

from tests.cli.test_commands import DEED, DESCRIBING, succeed
from tests.command_line import jingui
from tests.real_archives import LAND_DEEDS, Site, new_site, take


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    made = new_site(tmp_path_factory.mktemp("describing"))
    with made.open() as session:
        take(session, LAND_DEEDS)
    return made


@pytest.mark.parametrize("language", ["zh", "en"])
def test_descriptions_are_made_and_put_right_in_both_languages(site: Site, language: str) -> None:
    one, other, third, part = (f"X-{language}-{number}" for number in (1, 2, 3, 4))
    calls = {
        "describe": ("volume", "--reference-code", one, "--title", "卷"),
        "revise": (one, "--set", "title=卷一", "--reason", "改正"),
        "move": (one, "--reference-code", other, "--reason", "改正"),
        "divide": (other, "--part", f"{third}||甲", "--part", f"{part}||乙", "--reason", "原是两卷"),
        "merge": (third, "--into", part, "--reason", "实是一卷"),
        "close": (part, "--reason", "立毕"),
    }
    assert calls.keys() == DESCRIBING
    for command, arguments in calls.items():
        said = succeed(jingui(command, *arguments, "--lang", language, site=site))
        assert said.out.strip()
    same = succeed(jingui("close", part, "--reason", "立毕", "--json", site=site)).json()
    assert (same["schema"], same["changed"]) == ("jingui.description/1", False)


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (("describe", "item", "--title", "题名", "--set", "没有的=1"), 2, "field-unknown"),
        (("describe", "item", "--title", "题名", "--set", "页数=三"), 2, "field-unfit"),
        (("describe", "item", "--title", "题名", "--set", "摄影者=王"), 2, "section-unfit"),
        (("describe", "item", "--title", "题名", "--set", "密级=机密"), 4, "secrecy-ceiling"),
        (("describe", "item", "--title", "题名", "--parent", "没有的"), 3, "record-unknown"),
        (("describe", "item"), 2, "title-missing"),
        (("revise", DEED, "--set", "题名=", "--reason", "改"), 2, "field-unfit"),
        (("revise", DEED, "--set", "题名=新", "--reason", " "), 2, "reason-missing"),
        (("divide", DEED, "--part", "a|9|甲", "--part", "b|1|乙", "--reason", "两件"), 2, "pages-unfit"),
        (("divide", DEED, "--part", "a", "--reason", "两件"), 2, "usage"),
        (("merge", DEED, "--into", DEED, "--reason", "同"), 4, "merge-unfit"),
    ],
)
def test_what_cannot_be_described_so_is_refused(site: Site, arguments: tuple[str, ...], status: int, code: str) -> None:
    said = jingui(*arguments, "--json", site=site)
    assert (said.status, said.json()["code"]) == (status, code)
