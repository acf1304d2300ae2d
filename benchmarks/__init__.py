"""Benchmarks: bpcli beside what people would use in its place, on the same work, in turn, on one machine.

From the checkout, with `pip install --editable '.[bench]'`:

    python -m benchmarks [NAME ...] [--quick] [--write]

`tables`, of answers on real tables, has options of its own, such as recipes to compare (--help).
"""
