"""What Apprise's status and what was seen on the wire mean together, and what a URL may not bring in."""

from __future__ import annotations

import pytest
from apprise.plugins.email.base import NotifyEmail
from apprise.result import AppriseResultStatus as Status

from monitor.adapters.transports.apprise_send import build, interpret
from monitor.adapters.transports.job import Job, JobResult, read_job, read_result
from monitor.adapters.transports.posting import ascii_only
from monitor.adapters.transports.witness import Witness
from monitor.model.incident import Outcome, Receipt, reference

UNKNOWN_STATES = [Status.FAILURE, Status.PARTIAL, Status.TIMEOUT]


def answered(protocol: str, code: int, status: Status = Status.FAILURE) -> Receipt:
    return interpret(status, Witness(delivering=True, protocol=protocol, code=code))


@pytest.mark.parametrize("code", [200, 202, 204, 299])
def test_a_2xx_status_is_sent_even_if_the_body_never_ended(code):
    assert answered("HTTP", code, Status.TIMEOUT).outcome is Outcome.SENT


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 413, 422, 451])
def test_another_4xx_status_is_refused(code):
    assert answered("HTTP", code) == Receipt(Outcome.REFUSED, f"HTTP {code}")


@pytest.mark.parametrize("code", [101, 301, 302, 307, 408, 425, 429, 500, 502, 503, 504, 599])
def test_every_other_status_is_tried_again(code):
    assert answered("HTTP", code).outcome is Outcome.TRY_AGAIN


@pytest.mark.parametrize(
    ("code", "outcome"), [(550, Outcome.REFUSED), (554, Outcome.REFUSED), (451, Outcome.TRY_AGAIN)]
)
def test_a_mail_servers_5yz_is_for_good_and_its_4yz_for_now(code, outcome):
    assert answered("SMTP", code).outcome is outcome


def test_a_mail_that_was_taken_is_sent_even_if_the_goodbye_never_ended():
    assert answered("SMTP", 250, Status.TIMEOUT).outcome is Outcome.SENT


@pytest.mark.parametrize("status", UNKNOWN_STATES)
def test_once_the_message_began_to_leave_no_answer_means_that_nobody_knows(status):
    assert interpret(status, Witness(delivering=True)).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("status", UNKNOWN_STATES)
def test_before_the_message_began_to_leave_it_can_be_tried_again(status):
    assert interpret(status, Witness()) == Receipt(Outcome.TRY_AGAIN, "could not be reached")
    assert interpret(status, Witness(login=535)) == Receipt(Outcome.TRY_AGAIN, "login refused: SMTP 535")


def test_a_forbidden_address_is_refused_unless_another_address_of_the_name_took_the_message():
    forbidden = Witness(forbidden="loopback address, port 25: not on the allow-list")
    assert interpret(Status.FAILURE, forbidden).outcome is Outcome.REFUSED
    both = Witness(forbidden=forbidden.forbidden, delivering=True, protocol="SMTP", code=250)
    assert interpret(Status.SUCCESS, both).outcome is Outcome.SENT


def test_no_match_is_refused_and_plain_success_is_sent():
    assert interpret(Status.NOMATCH, Witness()).outcome is Outcome.REFUSED
    assert interpret(Status.SUCCESS, Witness()).outcome is Outcome.SENT


@pytest.mark.parametrize(
    "url",
    [
        "",
        "jsons",
        "json",
        "slack://a/b/c",
        "file:///etc/passwd",
        "windows://",
        "https://example.org",
        "json:///",
        "x://",
    ],
)
def test_a_url_of_no_known_scheme_builds_nothing(url):
    assert build(Job(url, "s", "b", "m")) is None


def test_options_of_a_url_cannot_bring_retries_redirects_copies_or_waits():
    url = "mailto://h.example/a@x.example?retry=9&wait=20&optional=yes&redirect=yes&cc=b@y.example&from=d@z.example"
    service = build(Job(url, "s", "b", "m", timeout=10.0, address="c@x.example"))
    assert isinstance(service, NotifyEmail)
    assert (service.retry, service.optional, service.redirects, service.request_rate_per_sec) == (0, False, False, 0)
    assert (service.cc, [one for _, one in service.targets]) == (set(), ["c@x.example"])
    assert service.socket_connect_timeout < 10.0 and service.socket_read_timeout < 10.0


def test_a_job_and_a_result_survive_the_pipe_and_hide_the_url():
    job = Job("json://u:secret@h/", "Đỏ", "a\nb", "m", address="a@x", headers={"K": "v"}, payload={"n": 1, "m": True})
    assert read_job(job.line()) == job and job.line().count(b"\n") == 1
    assert "secret" not in repr(job) and "a@x" not in repr(job)
    result = JobResult(Receipt(Outcome.TRY_AGAIN, "HTTP 429", 37.0), spent=True)
    assert read_result(result.line()) == result


def test_a_header_value_is_printable_ascii_and_different_for_different_keys():
    assert ascii_only("00010/kpi/2026-11-20T05:00:00+00:00/0/1/0/focal/email").startswith("00010/kpi/2026-11-20T05:00")
    assert ascii_only("đ\r\n %") == "%C4%91%0D%0A%20%25"
    assert reference("a") != reference("b") and len(reference("a")) == 32
