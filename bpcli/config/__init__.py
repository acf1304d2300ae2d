"""From YAML text and `--set` overrides to validated specs; every error says where it stands."""

from bpcli.config.experiment import ExperimentConfig
from bpcli.config.loading import LoadedConfig, load_config

__all__ = ["ExperimentConfig", "LoadedConfig", "load_config"]
