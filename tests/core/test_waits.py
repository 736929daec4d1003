"""How long a server asks to be left alone."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from attune.core.waits import _asked_for, retry_after


@pytest.mark.parametrize("zone", ["GMT", "+0000", "-0000", "+0200"])
def test_a_date_is_waited_for_in_whatever_zone_it_is_given(zone: str) -> None:
    then = datetime.now(UTC) + timedelta(seconds=100) + timedelta(hours=2) * (zone == "+0200")
    value = format_datetime(then, usegmt=True).replace("GMT", zone)
    assert 90 < retry_after({"Retry-After": value}) <= 100


@pytest.mark.parametrize(("value", "seconds"), [("7", 7), (" 7 ", 7), ("-7", 0), ("soon", 0), ("", 0)])
def test_what_is_no_number_or_date_is_no_wait(value: str, seconds: float) -> None:
    assert retry_after({"Retry-After": value}) == seconds
    past = format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True)
    assert retry_after({"Retry-After": past}) == retry_after({}) == 0


def test_a_count_of_requests_is_waited_for_where_none_is_left() -> None:
    assert _asked_for({"ratelimit": '"api";r=0;t=55'}) == 55
    assert _asked_for({"ratelimit": '"api";r=3;t=55'}) == 0
    assert _asked_for({"ratelimit": '"api";r=0;t=55', "Retry-After": "70"}) == 70
