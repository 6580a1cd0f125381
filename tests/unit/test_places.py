"""How many polls a site may have under way, and on which hosts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from monitor.config.build import load_site
from monitor.config.probespec import (
    DnsCheck,
    HttpCheck,
    IcmpCheck,
    JourneyCheck,
    ProbeSpec,
    Step,
    TcpCheck,
    TlsCheck,
)
from monitor.config.template import Gap, Template
from monitor.service.places import LEAST, MOST, hosts_of, places_of
from tests.unit.sites import NOW, make_site


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder: Path = tmp_path_factory.mktemp("site")
    return replace(load_site(make_site(folder), environ={}, now=NOW), feeds=())


def probes(number: int, period: float = 15.0, timeout: float = 5.0, retries: int = 0) -> tuple[ProbeSpec, ...]:
    check = HttpCheck("http://127.0.0.1/")
    return tuple(ProbeSpec(f"p/{n}", f"{n}", "up", period, timeout, check, retries) for n in range(number))


def test_there_are_places_enough_for_every_target_to_time_out(site):
    assert places_of(replace(site, probes=probes(900)), files=20_000).together == 300
    assert places_of(replace(site, probes=probes(900, retries=1)), files=20_000).together == 600


def test_a_small_site_has_the_least_number_and_a_huge_one_the_most(site):
    assert places_of(replace(site, probes=probes(3)), files=20_000).together == LEAST
    assert places_of(replace(site, probes=probes(20_000)), files=60_000).together == MOST


def test_there_are_never_more_places_than_the_open_files_allow(site):
    assert places_of(replace(site, probes=probes(900)), files=1024).together == 256
    assert places_of(replace(site, probes=probes(3)), files=80).together == 20


def test_feeds_count_as_well(site):
    feed = replace(load_site(site.root, environ={}, now=NOW).feeds[0], timeout=60.0, period=60.0)
    assert places_of(replace(site, probes=(), feeds=(feed,) * 200), files=20_000).together == 200


@pytest.mark.parametrize(
    ("asks", "host"),
    [
        (HttpCheck("https://a.example/x?y"), "a.example:443"),
        (HttpCheck("http://a.example:81/x"), "a.example:81"),
        (HttpCheck("http://A.example"), "a.example:80"),
        (HttpCheck("http://[::1/"), ""),
        (TcpCheck("b.example", 25), "b.example:25"),
        (TlsCheck("A.example"), "a.example:443"),
        (IcmpCheck("a.example"), "a.example"),
        (DnsCheck("192.0.2.1", "c.example"), "192.0.2.1:53"),
    ],
)
def test_a_probe_dials_one_host_and_port(site, asks, host):
    made = ProbeSpec("p/1", "1", "up", 15.0, 5.0, asks)
    assert hosts_of(replace(site, probes=(made,))) == {"p/1": host}


def test_a_feed_dials_the_host_of_its_page_and_one_without_a_page_dials_none(site):
    feed = load_site(site.root, environ={}, now=NOW).feeds[0]
    assert hosts_of(replace(site, probes=(), feeds=(feed, replace(feed, id="drop", url="")))) == {
        feed.id: "127.0.0.1:8867",
        "drop": "",
    }


def test_a_journey_that_stays_at_one_host_is_bounded_there_and_one_that_wanders_is_not(site):
    def journey(*urls: str) -> ProbeSpec:
        steps = tuple(Step(f"s{n}", Template((url, Gap("token"))), 5.0) for n, url in enumerate(urls))
        return ProbeSpec("p/1", "1", "up", 15.0, 5.0, JourneyCheck(steps, "1"))

    staying, wandering = (
        journey("https://a.example/in?", "https://a.example/out?"),
        journey("https://a.example/", "https://b.example/"),
    )
    assert hosts_of(replace(site, probes=(staying,))) == {"p/1": "a.example:443"}
    assert hosts_of(replace(site, probes=(wandering,))) == {"p/1": ""}
