"""What is looked for again and again is, whatever went wrong once; and it is told once, without its text."""

from threading import Event

from holdfast.noded.regular_thread import RegularThread

WAIT_SECONDS = 60


def test_the_thread_looks_again_and_again_and_survives_what_goes_wrong(caplog):
    looked = Event()
    times = []

    def look(over):
        times.append(over.is_set())
        if len(times) >= 3:
            looked.set()
        raise ValueError("canary")

    thread = RegularThread(look, name="test", work="what is due", seconds=0.01)
    thread.start()
    assert looked.wait(WAIT_SECONDS)
    thread.stop()
    assert not any(times[:3])
    told = [text for text in caplog.messages if text.startswith("what is due cannot be looked for: ")]
    assert len(told) == 1
    assert "canary" not in told[0]
