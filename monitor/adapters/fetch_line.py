"""An open connection, as it is used by one question after the other.

With TLS it is the event loop's transport below the client library's protocol, also while it is idle. Without TLS it is
a socket of our own: while a question is under way it is read for the same protocol, and while it is idle it has no
protocol, less than half of the memory. What comes then was not asked for, or is the end: the socket is closed at once
and nothing of it is read.

All of these sockets are heard by one `Ear`, which the event loop watches as if it were one socket: what the loop keeps
for each that it watches itself is a third of what an idle connection takes, and its making costs more than a question.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from selectors import EVENT_READ, DefaultSelector
from typing import Any

from aiohttp.client_proto import ResponseHandler

ROOM = 65536  # bytes that are read at once


class Line:
    """A connection with TLS."""

    __slots__ = ("_wire", "first", "peer", "since", "uses")

    def __init__(self, wire: ResponseHandler | None, peer: str) -> None:
        self._wire = wire
        self.peer = peer  # IP literal; asked of the system once
        self.uses = 0  # answers that came over it; 0: it has not been idle yet
        self.since = 0.0  # when it became idle, by the clock of the event loop
        self.first = 0.0  # when it became idle for the first time

    @property
    def wire(self) -> ResponseHandler:
        """The client library's protocol, of a connection in use."""
        assert self._wire is not None
        return self._wire

    def wake(self) -> ResponseHandler:
        """Make it ready for a question."""
        self.wire._buffer = deque()
        return self.wire

    def rest(self) -> None:
        """Let it be idle. Each question gets a parser, a body and a queue of its own; it would hold the last, 4 KiB."""
        wire = self.wire
        wire._parser = wire._payload = None
        wire._buffer = ()  # type: ignore[assignment]  # shared by all that are idle: nothing can be put into it

    def is_fit(self) -> bool:
        """Whether it can be asked again: it is open, and nothing was said that nobody asked for."""
        return self.wire.is_connected() and not self.wire.should_close

    def close(self) -> None:
        """Close it at once. The polite end of TLS waits half a minute for a machine that has fallen silent."""
        self.wire.abort()
        self.wire._buffer = ()  # type: ignore[assignment]  # an answer that nobody read holds the connection in turn

    @property
    def closed(self) -> asyncio.Future[None] | None:
        """Done when it is closed; None where that takes no time."""
        return self.wire.closed


class Ear:
    """Hears on which of many sockets something has come; one for all plain lines of an event loop.

    It is open while it has a socket to listen to. `room` is how many bytes are read at once.
    """

    def __init__(self, room: int = ROOM) -> None:
        self.room = memoryview(bytearray(room))  # where what comes is put first
        self._selector: DefaultSelector | None = None
        self._loop: asyncio.AbstractEventLoop  # that watches the selector, as long as there is one

    def listen(self, sock: socket.socket, transport: SocketTransport) -> None:
        """Tell the transport when something has come."""
        if self._selector is None:
            self._selector, self._loop = DefaultSelector(), asyncio.get_running_loop()
            self._loop.add_reader(self._selector.fileno(), self._heard)
        self._selector.register(sock.fileno(), EVENT_READ, transport)

    def leave(self, sock: socket.socket) -> None:
        """Listen to this socket no more."""
        assert self._selector is not None
        self._selector.unregister(sock.fileno())
        if not self._selector.get_map():
            self._loop.remove_reader(self._selector.fileno())
            self._selector.close()
            self._selector = None

    def _heard(self) -> None:
        for key, _ in self._selector.select(0) if self._selector else ():
            key.data.readable()


class PlainLine(Line):
    """A connection without TLS."""

    __slots__ = ("_way",)

    def __init__(self, sock: socket.socket, peer: str, ear: Ear) -> None:
        super().__init__(None, peer)
        self._way = SocketTransport(asyncio.get_running_loop(), sock, ear)

    def wake(self) -> ResponseHandler:
        """See Line."""
        self._wire = wire = ResponseHandler(asyncio.get_running_loop())
        self._way.serve(wire)
        return wire

    def rest(self) -> None:
        """See Line."""
        wire, self._wire = self.wire, None
        self._way.leave()
        wire.transport = wire._parser = wire._payload = None

    def is_fit(self) -> bool:
        """See Line."""
        return self._way.is_silent() if self._wire is None else super().is_fit()

    def close(self) -> None:
        """See Line."""
        if self._wire is not None:
            super().close()
        self._way.close()

    @property
    def closed(self) -> asyncio.Future[None] | None:
        """See Line."""
        return None


class SocketTransport(asyncio.Transport):
    """What the client library's protocol needs of a transport, over a connected socket.

    It serves one protocol after the other. Without one nothing may come; what does ends the connection.
    """

    __slots__ = ("_ear", "_loop", "_open", "_paused", "_protocol", "_sock", "_unsent")

    def __init__(self, loop: asyncio.AbstractEventLoop, sock: socket.socket, ear: Ear) -> None:
        self._loop = loop
        self._sock = sock
        self._ear = ear
        self._protocol: asyncio.Protocol | None = None
        self._unsent = b""
        self._open = True
        self._paused = True
        self.resume_reading()

    def serve(self, protocol: asyncio.Protocol) -> None:
        """Hand what comes from now on to this protocol."""
        self._protocol = protocol
        protocol.connection_made(self)

    def leave(self) -> None:
        """Let go of the protocol; it is told nothing more."""
        self._protocol = None
        self.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Nothing is known: who asks would tune a socket on which one write is one question."""
        return default

    def is_closing(self) -> bool:
        """Whether it was closed, here or by the other side."""
        return not self._open

    def is_silent(self) -> bool:
        """Whether it is open and nothing waits to be read, also nothing that the event loop has had no turn to see."""
        try:
            self._sock.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:  # also of a socket that is closed here
            return False
        return False

    def pause_reading(self) -> None:
        """Until `resume_reading`; what comes waits in the system."""
        if self._open and not self._paused:
            self._paused = True
            self._ear.leave(self._sock)

    def resume_reading(self) -> None:
        """Hand over what comes from now on."""
        if self._open and self._paused:
            self._paused = False
            self._ear.listen(self._sock, self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send now what the system takes, and the rest as it takes it."""
        if not self._open:
            return
        waits = bool(self._unsent)
        self._unsent += data
        if not waits:
            self._send()
            if self._unsent and self._open:
                self._loop.add_writer(self._sock.fileno(), self._writable)

    def close(self) -> None:
        """Close it, and tell the protocol soon. Nothing is sent any more."""
        self._end(None)

    abort = close

    def _end(self, error: OSError | None) -> None:
        if not self._open:
            return
        self._open = False
        if not self._paused:
            self._ear.leave(self._sock)
        if self._unsent:
            self._loop.remove_writer(self._sock.fileno())
        self._sock.close()
        if self._protocol is not None:
            self._loop.call_soon(self._protocol.connection_lost, error)
            self._protocol = None

    def readable(self) -> None:
        """Something has come, or the end."""
        if not self._open or self._paused:  # what was heard together with this may have ended it
            return
        if self._protocol is None:
            self._end(None)
            return
        try:
            count = self._sock.recv_into(self._ear.room)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._end(error)
            return
        if count:
            self._protocol.data_received(self._ear.room[:count].tobytes())
        else:
            self._protocol.eof_received()
            self._end(None)

    def _writable(self) -> None:
        self._send()
        if self._open and not self._unsent:
            self._loop.remove_writer(self._sock.fileno())

    def _send(self) -> None:
        try:
            self._unsent = self._unsent[self._sock.send(self._unsent) :]
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._end(error)
