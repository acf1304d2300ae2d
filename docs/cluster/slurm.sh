#!/bin/bash
# Slurm: sbatch docs/cluster/slurm.sh configs/experiment.yaml --run-dir runs/experiment
# The run directory is on a file system that all nodes share. The environment has bpcli, mpi4py and the cluster's MPI.
#SBATCH --job-name=bpcli
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=4
#SBATCH --cpus-per-task=1
#SBATCH --time=01:00:00
#SBATCH --signal=TERM@120
# With TERM@120, Slurm sends SIGTERM two minutes before the time limit. The ranks save a checkpoint and end with code 143.
set -euo pipefail
# If the MPI of the cluster is built with PMIx (Open MPI), use --mpi=pmix; for MPICH and Intel MPI --mpi=pmi2.
exec srun --mpi=pmix --kill-on-bad-exit=1 bpcli train "$@" --mpi
