"""How the numbers of a traced step are shown, and the sums and products that they came from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Document = dict[str, Any]

MOST_TERMS = 4
"""Terms up to which a sum is written out."""


def is_arithmetic(made: str) -> bool:
    """Whether what an input or a target is made of is an expression, and not words."""
    return "/" in made and made.lstrip("-(")[:1].isdecimal()


class Arithmetic:
    """Numbers with as many decimals as the type of a step's numbers holds well, of a step on so many rows."""

    def __init__(self, document: Document, brief: bool = False) -> None:
        """`brief` is for numbers in a drawing: four digits."""
        self._brief = brief
        self._decimals = 4 if brief else 9 if document["dtype"] == "float64" else 6
        self._rows = range(len(document["rows"]))

    def fixed(self, value: float) -> str:
        """A number of a column."""
        if value == 0:
            return "0"
        size, tiny = abs(value), 10.0 ** (3 - self._decimals)
        return f"{value:.{self._decimals}f}" if tiny <= size < 1e6 else f"{value:.{self._decimals - 3}e}"

    def short(self, value: float) -> str:
        """A number in a line: with the decimals of a column, but for zeros at their end."""
        if self._brief:
            return f"{value + 0.0:.{self._decimals}g}"  # -0.0 + 0.0 is 0.0
        digits, e, exponent = self.fixed(value).partition("e")
        return (digits.rstrip("0").rstrip(".") if "." in digits else digits) + e + exponent

    def constant(self, value: float) -> str:
        """A number that the config says, or that follows from what it says."""
        return f"{value:.{self._decimals}g}"

    def factor(self, value: float) -> str:
        """A number after a sign."""
        return f"({self.short(value)})" if value < 0 else self.short(value)

    @staticmethod
    def at(array: Any, place: tuple[int, ...]) -> float:
        """A number of nested lists."""
        for index in place:
            array = array[index]
        return float(array)

    def weighted_sum(self, layer: Document, x: Sequence[float], j: int) -> str:
        """A neuron's weighted sum, written out where it has few terms."""
        weight, bias = layer["parameters"]["weight"]["before"], layer["parameters"]["bias"]["before"]
        if len(x) > MOST_TERMS:
            return f"the sum of {len(x)} products + {self.factor(bias[j])}"
        return f"{self.products(x, [row[j] for row in weight])} + {self.factor(bias[j])}"

    def terms(self, layer: Document, x: Sequence[float], neuron: int) -> list[list[str]]:
        """All products of one neuron, as a table."""
        weight = [row[neuron] for row in layer["parameters"]["weight"]["before"]]
        table = [["place", "input", "x", "w", "x · w"]]
        for i, name in enumerate(layer["inputs"]):
            table.append([str(i), name, *(self.fixed(value) for value in (x[i], weight[i], x[i] * weight[i]))])
        return table

    def chain_terms(self, behind: Document, row: int, neuron: int) -> list[list[str]]:
        """All products that dL/dy of one neuron is the sum of, as a table."""
        table = [["place", "neuron behind", "dL/dz", "w", "dL/dz · w"]]
        weight = behind["parameters"]["weight"]["before"][neuron]
        for k, (name, dz, w) in enumerate(zip(behind["outputs"], behind["backward"]["dz"][row], weight, strict=True)):
            table.append([str(k), name, *(self.fixed(value) for value in (dz, w, dz * w))])
        return table

    def chain(self, behind: Document | None, row: int, j: int) -> str:
        """Where dL/dy of a neuron comes from: the errors behind it, each times the weight that leads there.

        Nothing is written out for a layer without neurons, which works out its dL/dx itself.
        """
        if behind is None or "weight" not in behind["parameters"]:
            return ""
        dz, weight = behind["backward"]["dz"][row], behind["parameters"]["weight"]["before"][j]
        if len(dz) > MOST_TERMS:
            return f"the sum of {len(dz)} products"
        return self.products(dz, weight)

    def gradient(self, layer: Document, name: str, place: tuple[int, ...]) -> str:
        """What gives the gradient of a parameter, over the rows: input times error, or of a norm what it scales."""
        kind, j = ("dz", place[-1]) if name in ("weight", "bias") else ("dy", place[-1])
        error = [layer["backward"][kind][row][j] for row in self._rows]
        sigma = "Σ " if len(error) > 1 else ""
        if name in ("bias", "shift"):
            formula = f"{sigma}dL/{kind}"
            said = " + ".join([self.short(error[0]), *map(self.factor, error[1:])])
        else:
            factor, source, i = ("x", "x", place[0]) if name == "weight" else ("x̂", "normalized", j)
            formula = f"{sigma}{factor} · dL/{kind}"
            said = self.products([layer["forward"][source][row][i] for row in self._rows], error)
        return f"= {formula} = {said}" if len(error) <= MOST_TERMS else f"= {formula} over the rows"

    def filled(self, right: str, values: Mapping[str, str]) -> str:
        """The right side of an equation with numbers, as they are written, in place of names."""
        names = "|".join(re.escape(name) for name in sorted(values, key=len, reverse=True))

        def number(found: re.Match[str]) -> str:
            value = values[found[0]]
            leads = found.start() == 0 and right[found.end() : found.end() + 1] != "²"
            return f"({value})" if value.startswith("-") and not leads else value

        return re.sub(rf"(?<![A-Za-z_])(?:{names})(?![A-Za-z_])", number, right)

    def update(self, update: Document, one: Document, place: tuple[int, ...], letter: str) -> Iterator[str]:
        """What the optimizer makes of the gradient of one parameter, equation by equation."""
        moments = one["optimizer"]
        values = {name: self.constant(value) for name, value in update["constants"].items()}
        values |= {name: self.short(self.at(of["before"], place)) for name, of in moments.items()}
        values |= {"g": self.short(self.at(one["applied"], place)), "p": self.short(self.at(one["before"], place))}
        for name, right in update["equations"]:
            array = one["after"] if name == "p" else moments[name]["after"] if name in moments else one["terms"][name]
            value = self.at(array, place)
            if name == "p" and update["decayed"] is not None and one["is_weight"]:
                right = update["decayed"][1]
            said = re.sub(r"(?<!\w)p(?!\w)", letter, right)
            shown = letter if name == "p" else name
            if " where " in right:
                yield f"{shown} ← {said}: {self.fixed(value)}, before it was {values[name]}"
            elif name == "sign":
                yield f"{shown} ← {said}: {self.fixed(value)}"
            else:
                yield f"{shown} ← {said} = {self.filled(right, values)} = {self.fixed(value)}"
            values[name] = self.short(value)

    def applied(self, update: Document, one: Document, place: tuple[int, ...], letter: str) -> Iterator[str]:
        """What penalties and bounds make of the gradient of the data's loss, where there are any."""
        gradient, applied, w = (self.at(one[key], place) for key in ("gradient", "applied", "before"))
        penalty, clip = update["penalty"], update["clip"]
        g = gradient
        if one["is_weight"] and (penalty["l1"] or penalty["l2"]):
            right, numbers = f"dL/d{letter}", self.short(gradient)
            for name, factor, said in (("l2", w, letter), ("l1", (w > 0) - (w < 0), f"sign of {letter}")):
                if penalty[name]:
                    right += f" + {name} · {said}"
                    numbers += f" + {self.constant(penalty[name])} · {self.factor(factor)}"
                    g += penalty[name] * factor
            yield f"g = {right} = {numbers} = {self.fixed(g)}"
        if clip["value"] is not None and abs(g) > clip["value"]:
            bounded = clip["value"] if g > 0 else -clip["value"]
            yield f"g ← {self.fixed(bounded)}, the bound that {self.short(g)} is beyond"
            g = bounded
        if update["clip_factor"] != 1.0:
            by = self.short(update["clip_factor"])
            yield f"g ← g · clip factor = {self.short(g)} · {by} = {self.fixed(applied)}"

    def products(self, a: Sequence[float], b: Sequence[float]) -> str:
        """Σ a · b, written out; only what follows a sign needs brackets around its own."""
        first = f"{self.short(a[0])} · {self.factor(b[0])}"
        others = (f"{self.factor(left)} · {self.factor(right)}" for left, right in zip(a[1:], b[1:], strict=True))
        return " + ".join([first, *others])
