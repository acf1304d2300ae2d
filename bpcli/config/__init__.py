"""Config files: YAML text and `--set` overrides to validated specs, with the position of every error."""
