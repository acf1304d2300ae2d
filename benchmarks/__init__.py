"""Benchmarks: bpcli beside what people would use in its place, on the same work, in turn, on one machine.

From the checkout, with `pip install --editable '.[bench]'`:

    python -m benchmarks [NAME ...] [--quick] [--write]
"""
