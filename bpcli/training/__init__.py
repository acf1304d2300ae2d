"""Training: its spec, its plan and its state. `loop` trains."""
