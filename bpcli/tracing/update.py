"""Arithmetic of the optimizer's step, starting from the gradient of the data loss."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bpcli.nn.optimizers import RateFactors
from bpcli.tracing.arithmetic import Arithmetic, filled
from bpcli.tracing.phrases import Place
from bpcli.tracing.trace import TracedParameter, TracedUpdate


class WorkedUpdate:
    """Update and its arithmetic, for single components of a parameter array."""

    def __init__(self, update: TracedUpdate, shows: Arithmetic) -> None:
        self.update, self.shows = update, shows

    def rule(self) -> list[str]:
        """Penalties and clipping, then the optimizer's equations."""
        update, shows = self.update, self.shows
        penalty, clip = update.penalty, update.clip
        lines = []
        if penalty.l1 or penalty.l2:
            factors = [("l2", penalty.l2, "w"), ("l1", penalty.l1, "sign of w")]
            terms = " + ".join(f"{name} · {of}" for name, factor, of in factors if factor)
            numbers = ", ".join(f"{name} = {shows.constant(factor)}" for name, factor, _ in factors if factor)
            lines.append(f"weights: g = dL/dw + {terms}, {numbers}; other parameters: g = gradient")
        if clip.value is not None:
            lines.append(
                f"each g is clipped to the range from -{shows.constant(clip.value)} to {shows.constant(clip.value)}"
            )
        if clip.norm is not None:
            norm, factor = shows.short(update.gradient_norm), update.clip_factor
            if factor == 1.0:
                lines.append(f"norm of the whole gradient {norm}, within the bound {shows.constant(clip.norm)}")
            else:
                lines.append(
                    "g ← g · clip factor, clip factor = bound / norm of the whole gradient = "
                    f"{shows.constant(clip.norm)} / {norm} = {shows.fixed(factor)}"
                )
        lines += [f"{name} ← {right}" for name, right in update.equations]
        if update.decayed is not None:
            name, right = update.decayed
            lines[-1:] = [f"{name} ← {right} for weights", f"{lines[-1]} for other parameters"]
        others = {name: value for name, value in update.constants.items() if name != "lr"}
        if others:
            lines.append(", ".join(f"{name} = {shows.constant(value)}" for name, value in others.items()))
        if update.optimizer.rate_factors is not None:
            own = [
                f", {shows.constant(factor)} for parameters of {kind} encoders"
                for kind, factor in update.own_factors.items()
            ]
            lines.append(f"learning-rate factor c: {self._factors(update.optimizer.rate_factors)}{''.join(own)}")
        return lines

    def _factors(self, factors: RateFactors) -> str:
        """Learning-rate factor of each kind of parameter."""
        return ", ".join(
            f"{'1 / √inputs' if isinstance(factor, str) else self.shows.constant(factor)} for {kind}"
            for kind, factor in factors.model_dump().items()
        )

    def lines(self, parameter: TracedParameter, place: Place, letter: str) -> Iterator[str]:
        """Yield lines for one component: its gradient after penalties and clipping, then each equation."""
        yield from self._applied(parameter, place, letter)
        yield from self._equations(parameter, place, letter)

    def _applied(self, parameter: TracedParameter, place: Place, letter: str) -> Iterator[str]:
        arrays = parameter.gradient, parameter.applied, parameter.before
        gradient, applied, w = (float(array[place]) for array in arrays)
        update, shows = self.update, self.shows
        penalty, clip = update.penalty, update.clip
        g = gradient
        if parameter.is_weight and (penalty.l1 or penalty.l2):
            right, numbers = f"dL/d{letter}", shows.short(gradient)
            sign = float((w > 0) - (w < 0))
            for name, by, of, said in (("l2", penalty.l2, w, letter), ("l1", penalty.l1, sign, f"sign of {letter}")):
                if by:
                    right += f" + {name} · {said}"
                    numbers += f" + {shows.constant(by)} · {shows.factor(of)}"
                    g += by * of
            yield f"g = {right} = {numbers} = {shows.fixed(g)}"
        if clip.value is not None and abs(g) > clip.value:
            bounded = clip.value if g > 0 else -clip.value
            yield f"g ← {shows.fixed(bounded)}, clipped from {shows.short(g)}"
            g = bounded
        if update.clip_factor != 1.0:
            by_factor = shows.short(update.clip_factor)
            yield f"g ← g · clip factor = {shows.short(g)} · {by_factor} = {shows.fixed(applied)}"

    def _equations(self, parameter: TracedParameter, place: Place, letter: str) -> Iterator[str]:
        update, shows = self.update, self.shows
        moments = parameter.optimizer
        values = {name: shows.constant(value) for name, value in update.constants.items()}
        values["c"] = shows.constant(parameter.rate_factor)
        values |= {name: shows.short(moment.before[place]) for name, moment in moments.items()}
        values |= {"g": shows.short(parameter.applied[place]), "p": shows.short(parameter.before[place])}
        results = {**parameter.terms, **{name: of.after for name, of in moments.items()}, "p": parameter.after}
        for name, right in update.equations:
            value = results[name][place]
            if name == "p" and update.decayed is not None and parameter.is_weight:
                right = update.decayed.right
            said = re.sub(r"(?<!\w)p(?!\w)", letter, right)
            shown = letter if name == "p" else name
            if " where " in right:
                yield f"{shown} ← {said}: {shows.fixed(value)}, previously {values[name]}"
            elif name == "sign":
                yield f"{shown} ← {said}: {shows.fixed(value)}"
            else:
                yield f"{shown} ← {said} = {filled(right, values)} = {shows.fixed(value)}"
            values[name] = shows.short(value)
