"""The table that ends `make test-faults`: each fault that was injected, how often, and what the project did.

A test names what it does and what it then holds the project to: `@pytest.mark.fault("SIGKILL of a stage", "the next run
ends with the same dvc.lock")`. In a parametrised test `{name}` stands for an argument, and `{}` for the first part of
the case's id, so that each case is a fault.
"""

from collections.abc import Iterable, Iterator

import pytest

_PROPERTY = "fault"
_HELD, _FAILED, _SKIPPED = ("passed",), ("failed", "error"), ("skipped",)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "fault(what, outcome): what the test does to the project, and what then holds; `make test-faults`"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Reports carry the faults of their test, also those that come from the workers of a parallel run."""
    for item in items:
        for mark in item.iter_markers(_PROPERTY):
            what, outcome = mark.args
            case = getattr(item, "callspec", None)  # of a parametrised test
            text = what.format(case.id.partition("-")[0], **case.params) if case else what
            item.user_properties.append((_PROPERTY, (text, outcome)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if _PROPERTY in config.option.markexpr and not config.option.collectonly:
        terminalreporter.section("faults")
        for line in lines(terminalreporter.stats):
            terminalreporter.write_line(line)


def lines(reports: dict[str, list[pytest.TestReport]]) -> Iterator[str]:
    """The table, with a last line that counts, of pytest's reports by outcome."""
    tried: dict[str, int] = {}
    outcomes: dict[str, str] = {}
    for status in (*_HELD, *_SKIPPED, *_FAILED):  # one failure is what counts
        for report in reports.get(status, ()):
            for what, outcome in faults(report):
                tried[what] = tried.get(what, 0) + (status not in _SKIPPED)
                if status in _FAILED:
                    outcomes[what] = f"FAILED: not so that {outcome}"
                elif status in _HELD or what not in outcomes:
                    outcomes[what] = outcome if status in _HELD else f"not tried: {reason(report)}"
    width = max(map(len, ("fault", *tried)))
    yield f"{'fault':{width}}  tried  outcome"
    for what in sorted(tried):
        yield f"{what:{width}}  {tried[what]:5}  {outcomes[what]}"
    failed = sum(outcome.startswith("FAILED") for outcome in outcomes.values())
    yield f"{len(tried)} faults, tried {sum(tried.values())} times: {f'{failed} FAILED' if failed else 'all hold'}"


def faults(report: pytest.TestReport) -> Iterable[tuple[str, str]]:
    return [value for name, value in getattr(report, "user_properties", ()) if name == _PROPERTY]


def reason(report: pytest.TestReport) -> str:
    """Why a test was skipped."""
    return report.longrepr[2].removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else "skipped"
