"""Config section `start_from`, and the record of what a run took over from a model."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bpcli.spec import Sequence, Spec

Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class StartFrom(Spec):
    """Model to start from, instead of random parameters and preprocessing fitted on the training rows."""

    checkpoint: str = Field(
        min_length=1,
        description="Run directory, for its best checkpoint, or checkpoint file; relative to this config.",
    )
    sha256: Digest | None = Field(
        default=None, description="SHA-256 in the checkpoint; another checkpoint is an error. Filled in by training."
    )


class WarmStart(Spec):
    """Parts of a run taken over from another model; stored in its checkpoints and its summary."""

    checkpoint: str = Field(description="Absolute path of the checkpoint at training time.")
    sha256: Digest
    epoch: int = Field(ge=0, lt=2**63, description="Epoch of the checkpoint.")
    layers: Sequence[int] = Field(description="Layers whose parameters and state were taken over.")
    initialized: str | None = Field(
        default=None, description="Reason why the output layer was initialized; None if it was taken over."
    )
    warnings: Sequence[str] = Field(default=(), description="Warnings about data that both models may share.")
    scores: dict[str, float | None] = Field(
        default={}, description="Loss and metrics of the validation rows before the first epoch."
    )
