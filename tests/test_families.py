"""Families whose members are named by import path: each path leads to the member of that name."""

from __future__ import annotations

from typing import Annotated, Any, get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from bpcli.data.columns import ColumnSpec, FittedInput
from bpcli.data.columns.categorical_encoders import CategoricalEncoder
from bpcli.data.columns.numeric_encoders import Encoding, NumericEncoder
from bpcli.data.series.time_axis import Stamps
from bpcli.data.targets import FittedTarget
from bpcli.decision.fitted import FittedCalibration
from bpcli.decision.spec import Aim, Calibration
from bpcli.nn.activations import Activation
from bpcli.nn.activations.bounded import Tanh
from bpcli.nn.initializers import Initializer
from bpcli.nn.layers import LayerSpec
from bpcli.nn.layers.plain import PlainLayerSpec
from bpcli.nn.losses import Loss
from bpcli.nn.optimizers import OptimizerSpec
from bpcli.nn.schedules import Schedule, TimedSchedule
from bpcli.spec import BareName, Family, Spec, members_of

FAMILIES = [
    *(Activation, Initializer, LayerSpec, PlainLayerSpec, Loss, OptimizerSpec, Schedule, TimedSchedule),
    *(ColumnSpec, CategoricalEncoder, NumericEncoder, Encoding, FittedInput, FittedTarget, Stamps),
    *(Aim, Calibration, FittedCalibration),
]


class Holder(Spec):
    family: Annotated[
        Spec, Family({"tanh": "bpcli.nn.activations.bounded:Tanh", "absent": "bpcli.absent:Absent"}), BareName()
    ]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_path_leads_to_the_member_of_that_name(family: Any) -> None:
    schema: Any = TypeAdapter(family).core_schema
    names = list(schema["choices"] if "choices" in schema else schema["schema"]["choices"])
    assert [member.model_fields["type"].default for member in members_of(family)] == names
    assert all(issubclass(member, get_args(family)[0]) for member in members_of(family))


def test_a_member_is_imported_when_a_value_names_it() -> None:
    assert Holder.model_validate({"family": "tanh"}).family == Tanh()
    assert Holder(family=Tanh()).model_dump() == {"family": {"type": "tanh"}}
    with pytest.raises(ValidationError, match="does not match any of the expected tags: 'tanh', 'absent'"):
        Holder.model_validate({"family": "sine"})
    with pytest.raises(ModuleNotFoundError, match=r"bpcli\.absent"):
        Holder.model_validate({"family": "absent"})
