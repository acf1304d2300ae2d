import numpy as np
from commands import ROOT, python

from bpcli.data.files.growing_array import GrowingArray


def test_values_are_kept_in_their_order() -> None:
    growing: GrowingArray[np.int32] = GrowingArray(np.int32)
    assert len(growing) == 0
    for start in range(0, 1000, 10):
        growing.extend(np.arange(start, start + 10, dtype=np.int32))
    assert len(growing) == 1000
    values = growing.finish()
    assert values.dtype == np.int32
    assert values.tolist() == list(range(1000))


def test_without_values_it_is_empty() -> None:
    values: GrowingArray[np.float64] = GrowingArray(np.float64)
    assert values.finish().shape == (0,)


def test_later_changes_of_what_was_added_do_not_show() -> None:
    growing: GrowingArray[np.float64] = GrowingArray(np.float64)
    part = np.ones(3)
    growing.extend(part)
    part[:] = 2
    assert growing.finish().tolist() == [1, 1, 1]


def test_values_are_held_once() -> None:
    """As the system counts memory: tracemalloc takes an array that is moved for two."""
    program = (
        "import numpy as np\n"
        "from pathlib import Path\n"
        "from bpcli.data.files.growing_array import GrowingArray\n"
        "def status(field):\n"
        "    return 1024 * int(Path('/proc/self/status').read_text().split(field + ':')[1].split()[0])\n"
        "part, growing = np.ones(100_000), GrowingArray(np.float64)\n"
        "Path('/proc/self/clear_refs').write_text('5')  # the peak is that from here on\n"
        "before = status('VmRSS')\n"
        "for _ in range(100):\n"
        "    growing.extend(part)\n"
        "print(growing.finish().nbytes, status('VmHWM') - before)"
    )
    size, taken = map(int, python(program, cwd=ROOT).split())
    assert size == 80_000_000
    assert 0.9 * size < taken < 1.2 * size
