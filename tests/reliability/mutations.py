"""Breaks one thing at a time in the modules that keep runs, and counts how often their tests notice.

It takes a sample with a seed, since each mutant costs a run of its module's tests. Run by hand, on a committed tree, in
an environment that has this package, its tests' needs and cosmic-ray:

    python tests/reliability/mutations.py [--sample 70] [MODULE ...]

Survivors are then shown by `cr-report --show-diff --surviving-only FOLDER/MODULE.sqlite`.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
HOSTILE = "tests/reliability/test_hostile_checkpoints.py tests/storage/test_checkpoint.py"
TESTS = {
    "storage.checkpoint": f"{HOSTILE} tests/models/test_model.py",
    "models.model": "tests/models/test_model.py tests/models/test_prediction.py",
    "storage.run_directory": "tests/storage/test_run_directory.py",
    "jobs.resume": f"tests/jobs/test_resume.py {HOSTILE}",
    "jobs.runner": "tests/jobs/test_resume.py tests/jobs/test_runner.py",
    "storage.safetensors_file": HOSTILE,
    "storage.run_checkpoint": "tests/storage/test_run_checkpoint.py",
    "system.crash_log": "tests/system/test_crash_log.py",
    "system.files": "tests/system/test_files.py",
    "system.locks": "tests/system/test_locks.py",
}
SLOW = ("reading_takes", "more_than_64", "in_every_process", "compiled-")
"""Words in the names of tests that start processes or compile; what they alone would notice counts as a survivor."""

CONFIG = """
[cosmic-ray]
module-path = "{path}"
timeout = 120.0
excluded-modules = []
test-command = "{python} -m pytest -x -q -n 0 -p no:cacheprovider --tb=no -k '{fast}' {tests}"
[cosmic-ray.distributor]
name = "local"
[cosmic-ray.filters.operators-filter]
exclude-operators = ["core/ReplaceBinaryOperator_BitOr_.*"]
"""
"""`|` stands in annotations alone, which nothing evaluates."""


def survey(module: str, sample: int, copy: Path, folder: Path) -> tuple[int, int]:
    """Mutants killed, and mutants tried, of one module of a copy of the project."""
    fast = " and ".join(f"not {word}" for word in SLOW)
    config, session = folder / f"{module}.toml", folder / f"{module}.sqlite"
    path = f"bpcli/{module.replace('.', '/')}.py"
    config.write_text(CONFIG.format(path=path, python=sys.executable, fast=fast, tests=TESTS[module]))

    def cosmic_ray(*command: object) -> None:
        scripts = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(copy)}
        subprocess.run(list(map(str, command)), cwd=copy, env={**os.environ, **scripts}, check=True)

    cosmic_ray("cosmic-ray", "init", config, session)
    cosmic_ray("cr-filter-operators", session, config)
    with sqlite3.connect(session) as database:
        order = "start_pos_row, start_pos_col, operator_name, occurrence, operator_args"
        of = "mutation_specs where job_id not in (select job_id from work_results)"
        mutants = [row[0] for row in database.execute(f"select job_id from {of} order by {order}")]
        dropped = set(mutants) - set(random.Random(0).sample(mutants, min(sample, len(mutants))))
        for table in ("mutation_specs", "work_items"):
            database.executemany(f"delete from {table} where job_id = ?", [(job,) for job in dropped])
    cosmic_ray("cosmic-ray", "exec", config, session)
    with sqlite3.connect(session) as database:
        outcomes = "select count(*) from work_results where test_outcome"
        killed = database.execute(f"{outcomes} = 'KILLED'").fetchone()[0]
        return killed, killed + database.execute(f"{outcomes} = 'SURVIVED'").fetchone()[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=", ".join(TESTS))
    parser.add_argument("--sample", type=int, default=70, help="mutants of each module, at most")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="mutations-"))
    copy = folder / "copy"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", ".venv", "__pycache__"))
    print(f"sessions: {folder}", flush=True)
    totals = [0, 0]
    for module in arguments.modules or TESTS:
        killed, tried = survey(module, arguments.sample, copy, folder)
        print(f"{module}: {killed} of {tried} killed", flush=True)
        totals = [totals[0] + killed, totals[1] + tried]
    print(f"{totals[0]} of {totals[1]} killed, {totals[0] / totals[1]:.1%}")


if __name__ == "__main__":
    main()
