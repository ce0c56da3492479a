"""Catalogues as producers send them, through the command line: looked at, mapped, given back, taken in."""

import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import img2pdf
import openpyxl
import pytest

from packages_spec.technical import Technical
from repository.characterisation import Asked, Characteriser
from repository.services import stored
from repository.services.search import show_record
from tests.command_line import Said, jingui
from tests.real_archives import LAND_DEEDS, Site, deliver, new_site, take

HEADER = ["档号", "题名", "责任者", "日期", "密级", "保管期限", "页数", "文件"]
ROWS = [
    ["J012-6-0001", "甲卷", "县政府", "19360203", "公开", "永久", "1", "J012-6-0001"],
    ["J012-6-0002", "乙卷", "县政府", "19360204", "公开", "永久", "1", "J012-6-0002"],
]
PAGES = {f"{row[0]}/{row[0]}-001.txt": row[0].encode() for row in ROWS}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return new_site(tmp_path)


def xlsx(place: Path, rows: list[list[str]]) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "案卷"
    for row in rows:
        sheet.append(row)
    place.parent.mkdir(parents=True, exist_ok=True)
    book.save(place)
    return place


def csv(rows: list[list[str]], encoding: str) -> bytes:
    return "".join(",".join(row) + "\r\n" for row in rows).encode(encoding)


def succeed(said: Said, status: int = 0) -> Said:
    assert said.status == status, said.err
    return said


def edited(column: str, value: str) -> list[list[str]]:
    second = list(ROWS[1])
    second[HEADER.index(column)] = value
    return [HEADER, ROWS[0], second]


def position(site: Site) -> int:
    with site.open() as session:
        return session.log.position()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
def test_a_csv_is_taken_in_in_every_encoding(site: Site, tmp_path: Path, encoding: str) -> None:
    source = deliver(tmp_path / "d", PAGES | {"移交目录.csv": csv([HEADER, *ROWS], encoding)})
    taken = succeed(jingui("ingest", source, "--json", site=site)).json()
    assert [one["title"] for one in taken["packages"]] == ["甲卷", "乙卷", "移交材料：d"]


def test_an_xlsx_in_a_zip_is_taken_in(site: Site, tmp_path: Path) -> None:
    xlsx(deliver(tmp_path / "d", PAGES) / "目录.xlsx", [HEADER, *ROWS])
    with zipfile.ZipFile(tmp_path / "移交.zip", "w") as packed:
        for path in sorted((tmp_path / "d").rglob("*")):
            packed.write(path, path.relative_to(tmp_path))
    preview = succeed(jingui("ingest", tmp_path / "移交.zip", "--dry-run", "--json", site=site)).json()
    assert (preview["catalogue"]["file"], len(preview["units"]), preview["findings"]) == ("目录.xlsx", 3, [])
    assert succeed(jingui("ingest", tmp_path / "移交.zip", "--json", site=site)).json()["outcome"] == "completed"


def test_what_lies_above_the_ceiling_is_not_copied_whatever_the_catalogue_is(site: Site, tmp_path: Path) -> None:
    source = deliver(tmp_path / "d", PAGES)
    xlsx(source / "目录.xlsx", edited("密级", "机密"))
    before = position(site)
    said = jingui("ingest", source, "--json", site=site)
    assert (said.json()["code"], position(site)) == ("above-ceiling", before)
    assert "目录.xlsx:案卷:3" in said.json()["message"]
    assert list((site.folder / "quarantine").glob("*-*")) == []


def test_a_dry_run_shows_the_mapping_the_units_and_the_faults(site: Site, tmp_path: Path) -> None:
    source = deliver(tmp_path / "d", PAGES | {"catalogue.csv": csv(edited("日期", "19360231"), "utf-8")})
    before = position(site)
    said = succeed(jingui("ingest", source, "--dry-run", "--lang", "zh", site=site), 22)
    assert position(site) == before
    assert "目录：catalogue.csv，对应表“通用”，表头在第 1 行" in said.out
    assert "D   日期      日期" in said.out
    assert "J012-6-0002" in said.out
    assert "catalogue.csv:3:D(日期)" in said.out
    assert said.out.splitlines()[-1].endswith("错误 1 处。没有作任何改动。")
    english = succeed(jingui("ingest", source, "--dry-run", "--lang", "en", site=site), 22)
    assert "Nothing was changed." in english.out


@pytest.mark.parametrize("dry", [True, False])
def test_the_faults_come_back_beside_the_rows_of_a_csv(site: Site, tmp_path: Path, dry: bool) -> None:
    source = deliver(tmp_path / "d", PAGES | {"catalogue.csv": csv(edited("密级", "保密"), "gbk")})
    out = tmp_path / "faults.xlsx"
    succeed(jingui("ingest", source, "--faults", out, *(["--dry-run"] if dry else []), site=site), 22)
    page = openpyxl.load_workbook(out)["目录"]
    assert [cell.value for cell in page[1]][-2:] == ["检查结果", "说明"]
    assert [page.cell(2, 9).value, page.cell(3, 9).value] == [None, "不合格"]
    assert page.cell(3, 5).fill.fgColor.rgb == "FFFFC7CE"
    assert "保密" in str(page.cell(3, 10).value)
    again = jingui("ingest", source, "--faults", out, "--dry-run", "--json", site=site)
    assert again.json()["code"] == "file-exists"


OWN = '[columns]\ntitle = ["名称"]\nreference_code = ["编号"]\n[defaults]\nretention_period = "永久"\n'


def test_a_sites_own_profile_reads_what_the_built_in_one_cannot_and_is_kept(site: Site, tmp_path: Path) -> None:
    rows = [["编号", "名称"], *([row[0], row[1]] for row in ROWS)]
    source = deliver(tmp_path / "d", PAGES | {"目录.csv": csv(rows, "utf-8"), "own.toml": b""})
    (source / "own.toml").unlink()
    mapping = deliver(tmp_path / "m", {"own.toml": OWN.encode()}) / "own.toml"
    refused = succeed(jingui("ingest", source, "--dry-run", "--json", site=site), 22)
    assert [one["code"] for one in refused.json()["findings"]] == ["delivery.catalogue-header"]
    shown = succeed(jingui("ingest", source, "--dry-run", "--mapping", mapping, "--json", site=site))
    assert shown.json()["catalogue"]["columns"] == [
        {"letters": "A", "header": "编号", "field": "reference_code"},
        {"letters": "B", "header": "名称", "field": "title"},
    ]
    taken = succeed(jingui("ingest", source, "--mapping", mapping, "--json", site=site)).json()
    assert [one["reference_code"] for one in taken["packages"]] == ["J012-6-0001", "J012-6-0002", None]
    broken = deliver(tmp_path / "m", {"broken.toml": b"x = "}) / "broken.toml"
    for bad in (broken, tmp_path / "nowhere.toml"):
        assert jingui("ingest", source, "--mapping", bad, "--json", site=site).json()["code"] == "mapping-invalid"


def test_a_package_after_da_t_93_is_taken_in_with_its_metadata_as_papers(site: Site, tmp_path: Path) -> None:
    fields = "".join(
        f"<文件级><档号>{code}</档号><题名>{title}</题名><形成时间>{date}</形成时间><页数>1</页数></文件级>"
        for code, title, _, date, *_ in ROWS
    )
    papers = {
        "说明文件.txt": "本批电子档案两件".encode(),
        "电子文件目录.xml": f"<?xml version='1.0' encoding='UTF-8'?><目录>{fields}</目录>".encode(),
    } | {f"{row[0]}/元数据.xml": f"<元数据><档号>{row[0]}</档号></元数据>".encode() for row in ROWS}
    taken = succeed(jingui("ingest", deliver(tmp_path / "d", PAGES | papers), "--json", site=site)).json()
    assert [one["files"] for one in taken["packages"]] == [1, 1, 4]
    kept = {path.name for path in (site.folder / "store").rglob("original/data/**/*") if path.is_file()}
    assert {"说明文件.txt", "电子文件目录.xml", "元数据.xml"} <= kept


def test_what_was_declared_and_who_digitised_it_stay_with_the_record(site: Site, tmp_path: Path) -> None:
    tables = {
        "目录.csv": csv([HEADER, *ROWS], "utf-8"),
        "备考表.csv": "档号,页号,情况,说明\nJ012-6-0001,2,缺页,原件即缺\n".encode(),
        "工作单.csv": "档号,页号,加工单位,操作员,设备,班次\nJ012-6-0001,,晨光公司,张三,A3,早班\n".encode(),
    }
    rows = deliver(tmp_path / "d", PAGES | tables)
    taken = succeed(jingui("ingest", rows, "--json", site=site)).json()
    first = next(one["package"] for one in taken["packages"] if one["reference_code"] == "J012-6-0001")
    with site.open() as session:
        session.catch_up()
        package = next(one for one in session.catalogue.packages().entries if str(one.id) == first)
        assert [(one.pages, one.condition, one.reason) for one in package.declared] == [((2,), "缺页", "原件即缺")]
        assert package.contractors == ("晨光公司",)
        version = stored.newest(session, package.id)
        payloads = stored.place_of(
            session, version, f"data/uuid-{first}/metadata/preservation/payloads.ndjson"
        ).read_text()
        assert "原件即缺" in payloads
        assert "张三" in payloads
    premis = b"".join(path.read_bytes() for path in (site.folder / "store").rglob("premis.xml"))
    assert "张三".encode() not in premis
    said = succeed(jingui("statement", "--contractor", "晨光公司", "--json", site=site)).json()
    assert {name: said[name] for name in ("delivered", "returned", "passed_first_time", "payable")} == {
        "delivered": 1,
        "returned": 0,
        "passed_first_time": 1,
        "payable": 1,
    }
    none = succeed(jingui("statement", "--contractor", "晨光公司", "--to", "1999-12-31", "--json", site=site)).json()
    assert (none["payable"], none["lines"]) == (0, [])
    out = tmp_path / "statement.xlsx"
    shown = succeed(
        jingui("statement", "--contractor", "晨光公司", "--xlsx", out, site=site, variables={"JINGUI_LANG": "zh"})
    )
    assert "应付" in shown.out
    assert [cell.value for cell in openpyxl.load_workbook(out)["结算单"][4]][:2] == ["合计", "1"]
    wrong = jingui("statement", "--contractor", "甲", "--from", "昨天", "--json", site=site)
    assert wrong.json()["code"] == "time-invalid"


def test_two_catalogues_are_one_too_many(site: Site, tmp_path: Path) -> None:
    both = {"目录.csv": csv([HEADER], "utf-8"), "案卷目录.csv": csv([HEADER, *ROWS], "utf-8")}
    said = succeed(jingui("ingest", deliver(tmp_path / "d", PAGES | both), "--dry-run", "--json", site=site), 22)
    assert [(one["code"], one["path"]) for one in said.json()["findings"]] == [
        ("delivery.catalogue-several", "目录.csv")
    ]


def test_a_hostile_workbook_is_a_finding_and_no_crash(site: Site, tmp_path: Path) -> None:
    source = deliver(tmp_path / "d", PAGES)
    place = xlsx(source / "目录.xlsx", [HEADER, *ROWS])
    place.write_bytes(place.read_bytes()[:-200] + b"\0" * 200)
    said = succeed(jingui("ingest", source, "--dry-run", "--json", site=site), 22)
    assert {one["code"].partition(".")[0] for one in said.json()["findings"]} == {"table"}


def test_a_file_of_several_pages_is_read_once(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its pages are counted before the verdict, by what is kept of it afterwards."""
    pdf = img2pdf.convert((LAND_DEEDS / "J012-1-0001" / "J012-1-0001-001.jpg").read_bytes())
    source = deliver(
        tmp_path / "in", {"catalogue.csv": "档号,题名,页数,文件\nP-1,清册,1,a.pdf\n".encode(), "a.pdf": pdf}
    )
    asked: list[str] = []
    read = Characteriser.characterise

    def counted(self: Characteriser, files: Iterable[Asked]) -> Iterator[Technical | None]:
        for file in files:
            asked.append(file.path.name)
            yield from read(self, [file])

    monkeypatch.setattr(Characteriser, "characterise", counted)
    with site.open() as session:
        assert take(session, source).outcome == "completed"
        (file,) = show_record(session, "P-1", as_of=None).files
    assert asked.count("a.pdf") == 1
    assert file.technical is not None
    assert file.technical.value("pages") == "1"
