"""Files that start ranks on a cluster: their syntax, and the commands in them."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import yaml
from commands import ROOT, bpcli

CLUSTER = ROOT / "docs" / "cluster"


def options() -> set[str]:
    return set(re.findall(r"--[a-z-]+", bpcli("train", "--help").ok().out))


def test_the_script_for_slurm_is_valid_and_starts_ranks() -> None:
    script = CLUSTER / "slurm.sh"
    subprocess.run(["bash", "-n", script], check=True)
    (line,) = [line for line in script.read_text().splitlines() if line.startswith("exec srun")]
    command = shlex.split(line)
    assert command[-4:] == ["bpcli", "train", "$@", "--mpi"]
    assert "--mpi" in options()


def test_the_job_for_kubernetes_is_valid_and_starts_as_many_ranks_as_workers() -> None:
    job = yaml.safe_load((CLUSTER / "kubernetes.yaml").read_text())
    assert (job["apiVersion"], job["kind"]) == ("kubeflow.org/v2beta1", "MPIJob")
    launcher, worker = job["spec"]["mpiReplicaSpecs"]["Launcher"], job["spec"]["mpiReplicaSpecs"]["Worker"]
    (container,) = launcher["template"]["spec"]["containers"]
    command = container["command"]
    assert command[:2] == ["bpcli", "train"]
    assert {part for part in command if part.startswith("--")} <= options()
    ranks = int(command[command.index("--ranks") + 1])
    assert ranks == worker["replicas"] * job["spec"]["slotsPerWorker"]


def test_the_image_installs_the_extra() -> None:
    assert "pip install --no-cache-dir '/src[mpi]'" in (CLUSTER / "Dockerfile").read_text()
    assert Path(ROOT / "pyproject.toml").read_text().count("\nmpi = [") == 1
