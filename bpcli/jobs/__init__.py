"""Training runs: start, resume, reproduce, several seeds, and stop reasons."""
