"""Pushed metrics: written for the wire as the specification says, kept on disk, sent oldest first, nothing lost."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from cramjam import snappy
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from monitor.adapters.pushing.buffer import Buffer
from monitor.adapters.pushing.wire import AT_ONCE, HEADERS, remote_write, requests, text
from monitor.config.spec import PushSpec
from monitor.ports import Page
from monitor.service.forwarding import Forwarder
from tests.unit.web_site import ManualClock

PAGE = '# HELP a A.\n# TYPE a gauge\na{unit="02100",name="Xã \\"1\\"\\n"} 1.5\na{unit="02101"} -2\n'
MIB = 1024 * 1024


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and content of each field of a protobuf message, read by the format's own rules."""
    place = 0

    def varint() -> int:
        nonlocal place
        number = shift = 0
        while True:
            byte = message[place]
            place += 1
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number

    while place < len(message):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        else:
            length = 8 if key & 7 == 1 else varint()
            yield key >> 3, message[place : place + length]
            place += length


def decoded(body: bytes) -> list[tuple[dict[str, str], float, int]]:
    """Labels, value and milliseconds of every sample of a request."""
    found = []
    for number, series in fields(bytes(snappy.decompress_raw(body))):
        assert number == 1 and isinstance(series, bytes)
        parts = list(fields(series))
        labels = [dict(fields(part)) for number, part in parts if number == 1 and isinstance(part, bytes)]
        names = [label[1] for label in labels]
        assert names == sorted(names)
        [sample] = [dict(fields(part)) for number, part in parts if number == 2 and isinstance(part, bytes)]
        value, at = sample[1], sample[2]
        assert isinstance(value, bytes) and isinstance(at, int)
        told = {bytes(label[1]).decode(): bytes(label[2]).decode() for label in labels}
        found.append((told, struct.unpack("<d", value)[0], at))
    return found


def test_a_page_becomes_a_request_of_remote_write_with_sorted_labels_and_milliseconds():
    [body] = requests(PAGE, "remote_write", {"site": "thai-nguyen", "unit": "overruled"}, 1754443800.25)
    assert decoded(body) == [
        ({"__name__": "a", "unit": "02100", "name": 'Xã "1"\n', "site": "thai-nguyen"}, 1.5, 1754443800250),
        ({"__name__": "a", "unit": "02101", "site": "thai-nguyen"}, -2.0, 1754443800250),
    ]


def test_a_page_becomes_text_with_a_timestamp_on_every_line():
    [body] = requests(PAGE, "text", {"site": "x"}, 1754443800.25)
    lines = gzip.decompress(body).decode().splitlines()
    assert [line.rpartition(" ")[2] for line in lines] == ["1754443800250"] * 2
    samples = [one for family in text_string_to_metric_families("\n".join(lines)) for one in family.samples]
    assert [(one.labels, one.value) for one in samples] == [
        ({"site": "x", "unit": "02100", "name": 'Xã "1"\n'}, 1.5),
        ({"site": "x", "unit": "02101"}, -2.0),
    ]


@given(st.dictionaries(st.from_regex("[a-z]{1,9}", fullmatch=True), st.text(st.characters(codec="utf-8"))), st.floats())
def test_whatever_the_labels_and_the_value_they_arrive_as_they_were(labels, value):
    [(told, arrived, at)] = decoded(remote_write([({**labels, "__name__": "a"}, value)], 2**40))
    assert told == {**labels, "__name__": "a"} and at == 2**40
    assert struct.pack("<d", arrived) == struct.pack("<d", value)
    assert gzip.decompress(text([({**labels, "__name__": "a"}, value)], 7)).endswith(b" 7\n")


def test_a_page_of_many_series_is_many_requests():
    page = "".join(f'a{{unit="{number}"}} 1\n' for number in range(2 * AT_ONCE + 1))
    assert [len(decoded(body)) for body in requests(page, "remote_write", {}, 1.0)] == [AT_ONCE, AT_ONCE, 1]


# -- the buffer ---------------------------------------------------------------------------------------------------


def test_the_oldest_goes_first_and_a_new_life_finds_what_the_last_one_kept(tmp_path: Path):
    buffer = Buffer(tmp_path / "push", MIB)
    for at, part, body in ((20.0, 0, b"c"), (10.0, 1, b"b"), (10.0, 0, b"a")):
        assert buffer.add(body, at, part) == 0
    (tmp_path / "push" / "000-0000.part").write_bytes(b"cut off by a power cut")
    buffer, gone = Buffer(tmp_path / "push", MIB), list[bytes]()
    assert buffer.waiting() == (3, 10.0)
    while (waiting := buffer.oldest()) is not None:
        gone.append(waiting[1])
        buffer.remove(waiting[0])
    assert gone == [b"a", b"b", b"c"] and buffer.waiting() == (0, None)
    assert list((tmp_path / "push").iterdir()) == []


def test_what_does_not_fit_drives_out_the_oldest_and_never_itself(tmp_path: Path):
    buffer = Buffer(tmp_path, 25)
    assert [buffer.add(b"x" * 10, float(at)) for at in range(4)] == [0, 0, 1, 1]
    assert buffer.waiting() == (20, 2.0)
    assert buffer.add(b"y" * 100, 9.0) == 2
    assert buffer.waiting() == (100, 9.0)


# -- the loop -----------------------------------------------------------------------------------------------------


class Receiver:
    """Answers as told; what it took is decoded."""

    def __init__(self) -> None:
        self.status = 204
        self.instants: list[float] = []

    async def post(self, body: bytes, headers: tuple[tuple[str, str], ...]) -> tuple[int, str]:
        assert headers == HEADERS["remote_write"]
        if 200 <= self.status < 300:
            self.instants += [at / 1000 for _, _, at in decoded(body)]
        return self.status, f"HTTP {self.status}"


class Scene:
    """A forwarder in virtual time."""

    def __init__(self, folder: Path, limit: int = MIB) -> None:
        self.clock, self.receiver = ManualClock(), Receiver()
        spec = PushSpec("https://tsdb.example/api/v1/write", "remote_write", 60.0, limit)
        self.forwarder = Forwarder(spec, Buffer(folder, limit), self.page, self.receiver.post, self.clock)
        self.made: list[float] = []

    async def page(self) -> Page:
        self.made.append(self.clock.now().timestamp())
        return Page(b'a{unit="1"} 1\n', "text/plain")

    async def minute(self) -> None:
        self.clock.move(60.0)
        await self.forwarder.once()

    def told(self) -> dict[str, float]:
        return {
            "/".join((sample.name, *sample.labels.values())): sample.value
            for family in self.forwarder.collect()
            for sample in family.samples
        }


async def test_an_hours_cut_loses_nothing_and_all_arrives_in_order(tmp_path: Path, caplog):
    scene = Scene(tmp_path)
    await scene.minute()
    scene.receiver.status = 0
    for _ in range(60):
        await scene.minute()
    assert scene.forwarder.sentences() == ("push: the receiver takes nothing, what it misses is kept: HTTP 0",)
    assert scene.told()["denbao_push_oldest_age_seconds"] == 59 * 60
    assert scene.told()["denbao_push_waiting_bytes"] > 0
    scene.receiver.status = 200
    await scene.minute()
    assert scene.receiver.instants == scene.made and len(scene.made) == 62
    assert scene.forwarder.sentences() == ()
    assert scene.told() == {
        "denbao_push_requests_total/sent": 62,
        "denbao_push_requests_total/refused": 0,
        "denbao_push_requests_total/dropped": 0,
        "denbao_push_waiting_bytes": 0,
        "denbao_push_oldest_age_seconds": 0,
    }
    assert len(caplog.records) == 2  # when it began and when it was over


@pytest.mark.parametrize("status", [0, 301, 429, 500, 503])
async def test_what_may_pass_is_tried_again(status, tmp_path: Path):
    scene = Scene(tmp_path)
    scene.receiver.status = status
    await scene.minute()
    scene.receiver.status = 200
    await scene.minute()
    assert scene.receiver.instants == scene.made


async def test_what_the_receiver_will_never_take_is_given_up_counted_and_does_not_stop_the_rest(tmp_path: Path):
    scene = Scene(tmp_path)
    scene.receiver.status = 400
    await scene.minute()
    scene.receiver.status = 200
    await scene.minute()
    assert scene.receiver.instants == scene.made[1:]
    assert scene.told()["denbao_push_requests_total/refused"] == 1


async def test_a_full_buffer_loses_the_oldest_and_counts_them(tmp_path: Path):
    scene = Scene(tmp_path, limit=150)
    scene.receiver.status = 0
    for _ in range(10):
        await scene.minute()
    lost = int(scene.told()["denbao_push_requests_total/dropped"])
    scene.receiver.status = 200
    await scene.minute()
    assert lost > 0
    assert scene.receiver.instants == scene.made[int(scene.told()["denbao_push_requests_total/dropped"]) :]


async def test_a_disk_that_fails_is_told_and_the_loop_goes_on(tmp_path: Path):
    scene = Scene(tmp_path / "push")
    (tmp_path / "push").rmdir()
    await scene.minute()
    [sentence] = scene.forwarder.sentences()
    assert sentence.startswith("push: the buffer cannot be used: ")
    (tmp_path / "push").mkdir()
    await scene.minute()
    assert scene.forwarder.sentences() == ()
