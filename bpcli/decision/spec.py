"""Config section `decision`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bpcli.decision.aim import AimBase, Share
from bpcli.decision.calibration_base import CalibrationBase
from bpcli.spec import BareName, Family, Spec
from bpcli.wording import yaml_scalar

Aim = Annotated[
    AimBase,
    Family(
        {
            "f1": "bpcli.decision.threshold:F1Aim",
            "balanced_accuracy": "bpcli.decision.threshold:BalancedAccuracyAim",
            "cost": "bpcli.decision.threshold:CostAim",
            "recall": "bpcli.decision.threshold:RecallAim",
            "precision": "bpcli.decision.threshold:PrecisionAim",
        }
    ),
    BareName(),
]

Calibration = Annotated[
    CalibrationBase,
    Family(
        {
            "temperature": "bpcli.decision.calibration:Temperature",
            "isotonic": "bpcli.decision.calibration:Isotonic",
        }
    ),
    BareName(),
]


class DecisionSpec(Spec):
    """Calibration and threshold, fitted on the validation rows to the best epoch."""

    threshold: Share | Aim | None = Field(
        default=None,
        description="Probability above which the positive class, or a label, is predicted: a number, or the aim by "
        "which one is chosen on the validation rows. Default: 0.5.",
    )
    calibration: Calibration | None = Field(
        default=None, description="Calibration of probabilities on the validation rows, before the threshold."
    )

    @property
    def aim(self) -> Aim | None:
        """Aim of the threshold; None for a number or the default."""
        return None if isinstance(self.threshold, float | int) else self.threshold

    @property
    def number(self) -> float | None:
        """Threshold that is given as a number."""
        return float(self.threshold) if isinstance(self.threshold, float | int) else None

    @property
    def setting(self) -> str:
        """Argument of `--set` for this section: `decision={threshold: f1}`."""
        document = self.model_dump(mode="json", exclude_none=True)
        return f"decision={{{', '.join(f'{key}: {_flow(value)}' for key, value in document.items())}}}"

    @property
    def needs_rows(self) -> bool:
        """Whether validation rows are needed."""
        return self.aim is not None or self.calibration is not None


def _flow(value: object) -> str:
    """YAML of a number, or of a member of a family: its bare name if it has no options."""
    if not isinstance(value, dict):
        return yaml_scalar(value)
    if value.keys() == {"type"}:
        return yaml_scalar(value["type"])
    options = {"type": value["type"], **value}  # the dump begins with inherited fields
    return f"{{{', '.join(f'{key}: {yaml_scalar(option)}' for key, option in options.items())}}}"
