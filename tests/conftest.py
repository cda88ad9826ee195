"""What holds for all tests."""

from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings
from tests.support import process_logs

# How long an example takes, or is made, says something about the machine, and how many of the first ones are
# thrown away is luck; neither says anything about what is promised.
LUCK = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)
settings.register_profile("unhurried", deadline=None, suppress_health_check=LUCK)
settings.load_profile("unhurried")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse tests whose names differ from process to process, as several processes share one run."""
    odd = sorted({item.nodeid.partition("[")[0] for item in items if " at 0x" in item.nodeid})
    if odd:
        raise pytest.UsageError(f"give the parameters of these tests ids: {', '.join(odd)}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Know where each server's log stands when a test begins."""
    process_logs.begin(item.path)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put into the report of a failure what the servers said meanwhile.

    The time limit of a test must not strike while its failure is written down: that would end the whole run,
    and nobody would learn of any failure.
    """
    if call.excinfo is not None:
        item.config.hook.pytest_timeout_cancel_timer(item=item)
    report = yield
    if report.failed:
        report.sections += process_logs.sections()
    return report
