"""Baselines of a run: scores of a constant, of a linear model and of the network on the same rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from bpcli.documents.json_value import Json, measured, members, whole
from bpcli.documents.scores import Scores
from bpcli.documents.table import Table
from bpcli.frozen import dataclass
from bpcli.wording import counted, number

MODELS = ("constant", "linear", "network")


@dataclass(frozen=True)
class Baselines:
    """Scores on the validation rows by model of MODELS: the loss, and the metrics of an epoch.

    rows: number of these rows. fitted_rows: number of training rows to which the linear model was fitted, of
    `training_rows`.
    """

    scores: Mapping[str, Scores]
    rows: int
    fitted_rows: int
    training_rows: int = field(default=0)
    out_of_fold: bool = False
    """Whether the rows are training rows, predicted out of fold: those of the network by single members."""

    @property
    def share(self) -> float | None:
        """Share of the network's gain in loss over the constant that a linear model does not have; 0 if it has more.

        None if the network is no better than the constant.
        """
        losses = self._losses()
        if losses is None or losses["network"] >= losses["constant"]:
            return None
        simple = min(losses["constant"], losses["linear"])
        return max(0.0, (simple - losses["network"]) / (losses["constant"] - losses["network"]))

    @property
    def verdict(self) -> str:
        """What the network adds, in words."""
        losses, share = self._losses(), self.share
        if losses is None:
            return "undefined for some of these models"
        if share is None:
            return "the network is no better than a constant"
        if losses["linear"] <= losses["network"]:
            return "a linear model is as good as the network, or better"
        return f"{share:.0%} of the gain over the constant is the network's"

    @property
    def fitted(self) -> str:
        """Remark on the sample of training rows; empty if all were used."""
        if self.fitted_rows == self.training_rows:
            return ""
        return f"linear model fitted to {self.fitted_rows:,} of {counted(self.training_rows, 'training row')}"

    @property
    def scored(self) -> str:
        """The rows of the scores, in words."""
        if self.out_of_fold:
            return (
                f"all three on {counted(self.rows, 'training row')}, out of fold; the network's scores are those of "
                "single members, which their ensemble usually surpasses"
            )
        return f"all three on {counted(self.rows, 'validation row')}"

    @property
    def line(self) -> str:
        """One line for the terminal: loss, and the first metric in parentheses, by model."""
        names = list(self.scores["network"])
        headline = names[1] if len(names) > 1 else None
        figures = ", ".join(f"{model} {_figure(scores, headline)}" for model, scores in self.scores.items())
        metric = f" ({headline})" if headline else ""
        remark = f"; {self.fitted}" if self.fitted else ""
        loss = "loss out of fold" if self.out_of_fold else "validation loss"
        return f"baselines, {loss}{metric}: {figures}; {self.verdict}{remark}"

    @property
    def table(self) -> Table:
        """Scores of the models, a row each."""
        names = list(self.scores["network"])
        rows = [[model, *(number(scores.get(name)) for name in names)] for model, scores in self.scores.items()]
        return Table("Baselines", ["model", *(name.replace("_", " ") for name in names)], rows)

    def to_json(self) -> dict[str, Json]:
        """Baselines as a JSON object."""
        return {
            "rows": self.rows,
            "fitted_rows": self.fitted_rows,
            "training_rows": self.training_rows,
            **{model: dict(self.scores[model]) for model in MODELS},
            "network_share": self.share,
            "out_of_fold": self.out_of_fold,
        }

    @classmethod
    def from_json(cls, document: Json) -> Baselines | None:
        """Parse baselines. Returns None unless all models have scores."""
        of = members(document)
        scores = {model: {name: measured(value) for name, value in members(of.get(model)).items()} for model in MODELS}
        counts = [whole(of.get(name)) for name in ("rows", "fitted_rows", "training_rows")]
        if not all(scores.values()) or None in counts:
            return None
        rows, fitted, training = (count or 0 for count in counts)
        return cls(scores, rows, fitted, training, of.get("out_of_fold") is True)

    def _losses(self) -> dict[str, float] | None:
        losses = {model: scores.get("loss") for model, scores in self.scores.items()}
        found = {model: loss for model, loss in losses.items() if loss is not None}
        return found if len(found) == len(MODELS) else None


def _figure(scores: Scores, headline: str | None) -> str:
    shown = number(scores.get("loss"))
    return shown if headline is None else f"{shown} ({number(scores.get(headline))})"
