"""An export that ends with a total: `init` and `check` say so, and nothing is dropped silently."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from commands import bpcli

SAYS = (
    "row 61, the last, looks like a total: 'Total' in 'shop', sums or blanks in the other columns; delete it from the "
    "file, or skip lines that begin so: data.comment: Total"
)


def test_init_and_check_say_the_row_and_how_to_drop_it(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    rows = [(f"Shop {i}", generator.integers(5, 90), generator.integers(100, 900)) for i in range(60)]
    total = ("Total", *(sum(row[place] for row in rows) for place in (1, 2)))
    lines = ["shop,staff,sales", *(",".join(map(str, row)) for row in (*rows, total))]
    (tmp_path / "shops.csv").write_text("\n".join(lines) + "\n")

    drafted = bpcli("init", "shops.csv", "--target", "sales", "-o", "c.yaml", cwd=tmp_path).ok()
    assert f"note: {SAYS}\n" in drafted.err
    checked = bpcli("check", "c.yaml", cwd=tmp_path).ok()
    assert f"warning: {SAYS} [total_row]\n" in checked.err
    assert checked.out.startswith("rows    61 train\n"), "the row is used until it is dropped"
    strict = bpcli("check", "c.yaml", "--strict", cwd=tmp_path)
    assert (strict.code, SAYS in strict.err) == (3, True)
    accepted = bpcli("check", "c.yaml", "--strict", "--set", "data.accept=[total_row]", cwd=tmp_path).ok()
    assert "note: accepted: total_row\n" in accepted.err

    mended = bpcli("check", "c.yaml", "--strict", "--set", "data.comment=Total", cwd=tmp_path).ok()
    assert "total" not in mended.err
    assert mended.out.startswith("rows    60 train\n")
