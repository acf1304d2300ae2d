"""The documents are true: commands end as shown and print what is shown, numbers aside; links lead somewhere."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from commands import CONFIGS, DATASETS, ROOT, bpcli

BLOCKS = "▁▂▃▄▅▆▇█" + "".join(map(chr, range(0x2801, 0x2900)))  # the last are Braille
DOCUMENTS = [path.relative_to(ROOT) for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), DATASETS / "ABOUT.md")]
NUMBER = re.compile(r"[-+]?\d[\d,]*(\.\d+)?(e[-+]?\d+)?")


class Step(NamedTuple):
    """A command in a document, the lines below it, and the exit code that `echo $?` shows after it."""

    command: str
    shown: list[str]
    code: int


def steps(document: str) -> Iterator[Step]:
    """Every command of bpcli in the document's console blocks."""
    for block in re.findall(r"```console\n(.*?)```", (ROOT / "docs" / document).read_text(), re.DOTALL):
        shell = [step.rstrip().split("\n") for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
        for (command, *shown), (following, *status) in zip(shell, [*shell[1:], ["", ""]], strict=True):
            if command.startswith("bpcli "):
                yield Step(command, shown, int(status[0]) if following == "echo $?" else 0)


def words(lines: list[str]) -> list[str]:
    """What does not depend on the machine: no digits and widths, no curves, no lines that come once a second."""
    kept = (line for line in lines if not any(block in line for block in BLOCKS) and not line.startswith("epoch "))
    masked = (re.sub(r"[ *^]+", " ", NUMBER.sub("#", line)).strip() for line in kept)
    return sorted(line for line in masked if line)  # on a screen, standard output and error are in one order


@pytest.mark.parametrize(
    ("document", "least"), [("tour.md", 10), ("session.md", 5), ("reference.md", 2), ("images.md", 1), ("series.md", 6)]
)
def test_every_command_prints_what_the_document_shows(
    document: str, least: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in (CONFIGS, DATASETS):
        shutil.copytree(folder, tmp_path / folder.name)
    monkeypatch.setenv("COLUMNS", "100")
    taken = 0
    for command, shown, code in steps(document):
        result = bpcli(*shlex.split(command)[1:], cwd=tmp_path)
        assert result.code == code, result.err
        assert words((result.out + result.err).splitlines()) == words(shown), command
        taken += 1
    assert taken >= least


def anchors(path: Path) -> set[str]:
    """Anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_link_leads_to_a_file_and_a_heading(document: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", (ROOT / document).read_text()):
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = ROOT / document.parent / name if name else ROOT / document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_readme_links_to_every_document() -> None:
    text = (ROOT / "README.md").read_text()
    assert [name for name in map(str, DOCUMENTS) if name.startswith("docs/") and f"]({name})" not in text] == []


def test_the_readme_is_short_and_its_picture_light() -> None:
    assert len((ROOT / "README.md").read_text().split()) <= 900
    assert (ROOT / "docs" / "step.png").stat().st_size < 100_000


@pytest.mark.parametrize(("marker", "last"), [("train", "bpcli train configs/penguins.yaml"), ("test", "pytest")])
def test_a_set_up_command_is_one_line_after_its_marker(marker: str, last: str) -> None:
    block = (ROOT / "README.md").read_text().split(f"<!-- {marker} -->\n```sh\n")[1].split("\n```\n")[0]
    assert block.startswith("python3 -m venv .venv && ")
    assert block.endswith(f" && .venv/bin/{last}")
    assert "\n" not in block
