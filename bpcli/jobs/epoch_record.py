"""Records of epochs, from the reports of training."""

from __future__ import annotations

from bpcli.documents.json_value import Json
from bpcli.storage.records import MEMBER_LOSSES, EpochRecord
from bpcli.training.plan import EpochReport


def epoch_record(report: EpochReport) -> EpochRecord:
    """Record of an epoch for metrics.jsonl."""
    values: dict[str, Json] = {
        "train_loss": report.train_loss,
        "validation_loss": report.validation_loss,
        **report.metrics,
        **({MEMBER_LOSSES: list(report.member_losses)} if report.member_losses else {}),
        "learning_rate": report.learning_rate,
        "seconds": round(report.seconds, 6),
    }
    final = report.final_epochs is not None
    return EpochRecord(report.epoch, values, report.best_epoch, report.health, final)
