"""Unit tests of rule books, written as data beside them: `rules/<book>_test.yaml`.

A test gives readings (or children by colour) and says what must be seen at which instants. It runs through the same
engine as the service, holds included, with the instants of the test as the only clock.
"""

from monitor.ruletest.alarm import Office
from monitor.ruletest.report import Report, Result
from monitor.ruletest.run import run_books, run_tests

__all__ = ["Office", "Report", "Result", "run_books", "run_tests"]
