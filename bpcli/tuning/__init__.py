"""Search for better settings: trials of a config, chosen by a sampler, trained by workers."""
