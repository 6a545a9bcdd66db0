"""How much may come in a while."""

import pytest

from remapd.control.osc.limits import TokenBucket


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


def test_so_much_at_once_and_so_much_a_second():
    clock = Clock()
    bucket = TokenBucket(10.0, 5.0, clock)
    assert sum(bucket.take() for _ in range(100)) == 6  # Five that were saved up, and one on credit.
    assert bucket.wait_s() == pytest.approx(0.1)
    taken = 0
    for _ in range(1000):
        clock.now_s += 0.01
        taken += bucket.take()
    assert taken == pytest.approx(100, abs=1)


def test_what_is_taken_at_once_is_paid_later():
    clock = Clock()
    bucket = TokenBucket(10.0, 5.0, clock)
    assert bucket.take(25.0)
    assert bucket.wait_s() == pytest.approx(2.0)
    clock.now_s += 1.9
    assert not bucket.take()
    clock.now_s += 0.2
    assert bucket.take()


def test_a_pause_saves_up_no_more_than_the_burst():
    clock = Clock()
    bucket = TokenBucket(10.0, 5.0, clock)
    clock.now_s += 1000.0
    assert sum(bucket.take() for _ in range(100)) == 6
