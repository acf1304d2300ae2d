"""Rules for the number of ranks of a training."""

from __future__ import annotations

from bpcli.errors import UsageError


def require_shards(shards: int | None, ranks: int) -> None:
    """Raise UsageError unless there are as many shards as ranks, or more."""
    if shards is None:
        raise UsageError(
            "training by ranks needs training.shards in the config, a power of two such as 8: the parts of a batch "
            "that ranks compute, which determine the bits of the result"
        )
    if ranks > shards:
        raise UsageError(f"{ranks} ranks are more than training.shards: {shards}; use {shards} or fewer")
