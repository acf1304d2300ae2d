import pytest

from bpcli.data.series.frequency import Frequency, Unit


@pytest.mark.parametrize(
    ("written", "unit", "number", "shown"),
    [
        ("7d", "day", 7, "weekly"),
        ("week", "day", 7, "weekly"),
        ("2 weeks", "day", 14, "every 14 days"),
        ("1d", "day", 1, "daily"),
        ("24h", "day", 1, "daily"),
        ("1h", "second", 3600, "hourly"),
        ("H", "second", 3600, "hourly"),
        ("1.5h", "second", 5400, "every 90 minutes"),
        ("15min", "second", 900, "every 15 minutes"),
        ("30s", "second", 30, "every 30 seconds"),
        ("month", "month", 1, "monthly"),
        ("2 months", "month", 2, "every 2 months"),
        ("quarter", "month", 3, "quarterly"),
        ("year", "month", 12, "yearly"),
        ("2 years", "month", 24, "every 2 years"),
        ("business_day", "business_day", 1, "every business day"),
        ("business days", "business_day", 1, "every business day"),
        (1, "count", 1, "steps of 1"),
        ("0.01", "count", 0.01, "steps of 0.01"),
        (0.01, "count", 0.01, "steps of 0.01"),
    ],
)
def test_frequencies_as_configs_write_them(written: str | float, unit: Unit, number: float, shown: str) -> None:
    frequency = Frequency.parse(written)
    assert frequency == Frequency(unit=unit, number=number)
    assert frequency.shown == shown
    assert Frequency.parse(frequency.written) == frequency


@pytest.mark.parametrize(
    ("written", "what"),
    [
        ("", "not a frequency; write 7d, 15min"),
        ("d7", "not a frequency"),
        ("-1", "not a frequency"),
        ("0d", "above 0"),
        ("m", "m may be minutes or months; write min or month"),
        ("3M", "m may be minutes or months"),
        ("moth", "unknown unit 'moth'; did you mean 'month'?"),
        ("fortnight", "unknown unit 'fortnight'; write 7d"),
        ("1.5 months", "must be whole"),
        ("0.001s", "must be whole"),
    ],
)
def test_other_words_are_refused(written: str, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        Frequency.parse(written)


def test_only_counts_have_fractions() -> None:
    with pytest.raises(ValueError, match="number of business days must be whole"):
        Frequency(unit="business_day", number=0.5)


@pytest.mark.parametrize(
    ("written", "seasons"),
    [
        ("30s", (120, 2880, 20160)),
        ("15min", (96, 672)),
        ("1h", (24, 168)),
        ("5h", ()),
        ("1d", (7, 365)),
        ("7d", (52,)),
        ("business_day", (5, 260)),
        ("month", (12,)),
        ("quarter", (4,)),
        ("5 months", ()),
        ("year", ()),
        (1, ()),
    ],
)
def test_seasons_are_whole_numbers_of_steps(written: str | int, seasons: tuple[int, ...]) -> None:
    assert Frequency.parse(written).seasons == seasons
