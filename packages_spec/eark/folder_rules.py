"""CSIPSTR4-CSIPSTR16: the folders of a package.

What the standard only permits (CSIPSTR3, 8, 14) cannot be broken. A folder that "should" be there if there is something
to put into it is missed with more weight where the package itself says that there is.
"""

from collections.abc import Iterator

from packages_spec.findings import Finding
from packages_spec.package_files import PackageFiles

METS = "METS.xml"


def judge_folders(files: PackageFiles, *, described: frozenset[str] = frozenset()) -> Iterator[Finding]:
    """Findings on the folders; `described` are the kinds of metadata that METS speaks of, by their folder's name."""
    if METS not in files:
        yield _find("CSIPSTR4", METS, ", ".join(sorted(each for each in files if "/" not in each)[:5]))
    if "metadata" not in files.folders:
        yield _find("CSIPSTR5", "metadata")
    for requirement, kind in (("CSIPSTR6", "preservation"), ("CSIPSTR7", "descriptive")):
        if f"metadata/{kind}" not in files.folders:
            yield _find(requirement if kind in described else f"{requirement}.none", f"metadata/{kind}")
    yield from _representations(files)
    for requirement, name in (("CSIPSTR15", "schemas"), ("CSIPSTR16", "documentation")):
        if not any(_is_place(folder, name) for folder in files.folders):
            yield _find(requirement, name)


def _representations(files: PackageFiles) -> Iterator[Finding]:
    if "representations" not in files.folders:
        yield _find("CSIPSTR9", "representations")
        return
    folders = sorted(each for each in files.folders if each.startswith("representations/") and each.count("/") == 1)
    loose = sorted(each for each in files if each.startswith("representations/") and each.count("/") == 1)
    if not folders or loose:
        yield _find("CSIPSTR10", "representations/*", ", ".join(loose[:5]))
    for folder in folders:
        if f"{folder}/data" not in files.folders:
            yield _find("CSIPSTR11", f"{folder}/data")
        if f"{folder}/{METS}" not in files:
            yield _find("CSIPSTR12", f"{folder}/{METS}")
        if f"{folder}/metadata" not in files.folders:
            yield _find("CSIPSTR13", f"{folder}/metadata")


def _is_place(folder: str, name: str) -> bool:
    parts = folder.split("/")
    return folder == name or (len(parts) == 3 and parts[0] == "representations" and parts[2] == name)


def _find(requirement: str, expected: str, found: str = "") -> Finding:
    return Finding(f"eark.{requirement}", ".", expected, found)
