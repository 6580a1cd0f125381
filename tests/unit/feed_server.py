"""A server that answers feeds from memory: what it is asked is kept, and each question takes its time."""

from __future__ import annotations

from monitor.adapters.fetch import Failure, Request, Response


class Server:
    """A fetcher that answers from memory, and a clock that each question moves on."""

    def __init__(self, *answers: Response | Failure, takes: float = 0.0) -> None:
        self.answers = list(answers)
        self.asked: list[Request] = []
        self.takes = takes
        self.time = 0.0

    def monotonic(self) -> float:
        return self.time

    async def fetch(self, request: Request) -> Response | Failure:
        self.asked.append(request)
        self.time += self.takes
        return self.answers.pop(0)


def page(body: bytes, status: int = 200, kind: str = "application/json", **headers: str) -> Response:
    """An answer with these headers; `last_modified` stands for last-modified."""
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, {"content-type": kind, **more}, body, 0.1, "127.0.0.1", {})
