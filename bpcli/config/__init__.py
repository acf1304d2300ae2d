"""Config files: YAML text and `--set` overrides to validated specs, with the position of every error."""

from bpcli.config.experiment import ExperimentConfig
from bpcli.config.loading import LoadedConfig, load_config

__all__ = ["ExperimentConfig", "LoadedConfig", "load_config"]
