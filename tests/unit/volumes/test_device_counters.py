"""What a device has done is told from what it did before, and one that is made anew from one that goes on."""

from holdfast.volumes.usage import DeviceCounters


def counters(**changes):
    nothing = dict.fromkeys(DeviceCounters.__dataclass_fields__, 0)
    return DeviceCounters(**nothing | changes)


def test_what_was_done_since_is_the_difference_but_for_what_goes_on_now():
    earlier = counters(reads=5, write_bytes=4096, in_progress=3)
    later = counters(reads=7, write_bytes=8192, in_progress=1)
    assert later.since(earlier) == counters(reads=2, write_bytes=4096, in_progress=1)


def test_counters_that_went_back_are_of_a_device_that_was_made_anew():
    earlier = counters(reads=5, in_progress=3)
    assert counters(reads=5).follows(earlier)
    assert not counters(reads=4, writes=100).follows(earlier)
