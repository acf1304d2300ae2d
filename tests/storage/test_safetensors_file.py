from __future__ import annotations

import numpy as np
import pytest
from networks import FLOAT32, FLOAT64

from bpcli.arrays.memory import Array
from bpcli.errors import CheckpointError
from bpcli.storage.safetensors_file import MOST_AXES, seal, unseal


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 1, 3), (5, 5, 3, 8), (1,) * MOST_AXES], ids=str)
@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64], ids=str)
def test_arrays_of_any_number_of_axes_come_back_as_they_were(
    shape: tuple[int, ...], dtype: np.dtype[np.floating]
) -> None:
    array: Array = np.random.default_rng(0).normal(size=shape).astype(dtype)
    about, arrays = unseal(seal({"a": array, "b": np.ones(2, dtype)}, {"name": "x"}))
    assert about["name"] == "x"
    assert (arrays["a"].dtype, arrays["a"].shape) == (dtype, shape)
    assert arrays["a"].tobytes() == array.tobytes()
    assert arrays["b"].tolist() == [1.0, 1.0]


def test_more_axes_than_every_numpy_can_hold_are_refused() -> None:
    content = seal({"a": np.ones((1,) * (MOST_AXES + 1), FLOAT32)}, {})
    with pytest.raises(CheckpointError, match="array 'a' is not a floating-point array"):
        unseal(content)
