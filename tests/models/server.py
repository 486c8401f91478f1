"""A simulated OpenAI endpoint over real HTTP, with latencies and faults that depend on the request.

In a test's own loop: `async with serve(Plan(...)) as endpoint`; as a process of its own:
`with ServerProcess(Plan(...)) as endpoint`, or `python -m tests.models.server '{"mean_s": 0.01}'`.
What a request suffers is drawn from a hash of its body and of how often it came before, so a retry is
drawn anew and a run can be repeated. `GET /stats` counts what was replied in full, and how often again.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import math
import os
import random
import signal
import socket
import ssl
import struct
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.models.acting import act, describe_request

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How the endpoint behaves. Rates are shares of attempts."""

    mean_s: float = 0.0
    """Mean latency; lognormal with `sigma`."""
    sigma: float = 1.0
    slots: int = 100_000
    """Requests served at once; others wait, as in a busy server."""
    faults: dict[str, float] = field(default_factory=dict)
    faulty_attempts: int = 1_000_000
    """Only so many first attempts of a request can be faulty."""
    retry_after_s: float = 0.01
    refuse_above: int | None = None
    """More requests at once than this get a 429."""
    outage: tuple[float, float] | None = None
    """Seconds after the first request between which every reply is a 503."""
    key: str | None = None
    revoke_after: int | None = None
    """After so many full replies the key is wrong."""
    status: int | None = None
    """Every request gets this status …"""
    error: str = ""
    """… with this body."""
    takes_schema: bool = True
    max_tokens_field: str | None = None
    """The only field for the reply's length that the model takes."""
    reply: dict[str, Any] | None = None
    """Instead of the usual body."""
    acts: bool = False
    """Plays expert and judge of a whole run, and keeps a journal of it at `GET /journal`."""


def _wrong_key(headers: dict[str, str]) -> str:
    """As providers do, it repeats the key: a client must not."""
    key = headers.get("authorization", "").removeprefix("Bearer ")
    return json.dumps({"error": {"message": f"Incorrect API key provided: {key}"}})


def latency_of(request: dict[str, Any], *, mean_s: float, sigma: float) -> float:
    """Seconds that a request takes once it has a slot: drawn from its messages and seed alone."""
    if mean_s == 0:
        return 0.0
    said = [message["content"] for message in request["messages"]]
    draw = random.Random(hashlib.sha256(json.dumps([said, request.get("seed")]).encode()).digest())
    return draw.lognormvariate(math.log(mean_s) - sigma * sigma / 2, sigma)


class Endpoint:
    """The endpoint's state: counters for tests to read."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.port = 0
        self.attempts: Counter[bytes] = Counter()
        self.replied: Counter[bytes] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.bodies: list[dict[str, Any]] = []
        self.journal: list[list[Any]] = []
        """Of an acting endpoint: question, seed, turn and latency of every full reply."""
        self.busy = self.peak = 0
        self.busy_s = 0.0
        self._slots = asyncio.Semaphore(plan.slots)
        self._started: float | None = None
        self._changed = 0.0
        self._last = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def stats(self) -> dict[str, Any]:
        return {
            "completed": sum(self.replied.values()),
            "distinct": len(self.replied),
            "duplicates": sum(self.replied.values()) - len(self.replied),
            "attempts": sum(self.attempts.values()),
            "outcomes": dict(self.outcomes),
            "peak": self.peak,
            "busy": self.busy,
            "busy_s": self.busy_s,
            "span_s": self._last - (self._started or 0.0),
        }

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one connection until it ends."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self._exchange(reader, writer):
                pass
        writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        first = await reader.readexactly(1)
        if not first.isalpha():  # somebody speaks TLS to a plain port
            await _send(writer, 400, "this is an HTTP port")
            return False
        head = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, path, _ = head.split(" ", 2)
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head.split("\r\n")[1:])
        }
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        if method == "GET":
            listing = {"object": "list", "data": [{"id": "tiny", "object": "model"}]}
            if path in ("/stats", "/journal"):
                await _send(writer, 200, json.dumps(self.stats if path == "/stats" else self.journal))
                return True
            if not self._authorised(headers):
                await _send(writer, 401, _wrong_key(headers))
                return True
            if path != "/stats" and self.plan.status is not None:
                await _send(writer, self.plan.status, self.plan.error)
                return True
            await _send(writer, 200, json.dumps(listing))
            return True
        self.bodies.append(json.loads(body))
        del self.bodies[:-1000]
        self.attempts[body] += 1
        self._note(1)
        try:
            return await self._serve(body, headers, writer)
        finally:
            self._note(-1)

    def _note(self, change: int) -> None:
        now = time.monotonic()
        self.busy_s += self.busy * (now - self._changed) if self._changed else 0.0
        self._changed = now
        self.busy += change
        self.peak = max(self.peak, self.busy)

    def _authorised(self, headers: dict[str, str]) -> bool:
        revoked = self.plan.revoke_after is not None and sum(self.replied.values()) >= self.plan.revoke_after
        wanted = self.plan.key is None or headers.get("authorization") == f"Bearer {self.plan.key}"
        return wanted and not revoked

    async def _serve(self, body: bytes, headers: dict[str, str], writer: asyncio.StreamWriter) -> bool:
        plan = self.plan
        request = json.loads(body)
        refusal = self._refusal(request, headers)
        if refusal is not None:
            status, text, extra = refusal
            self.outcomes[str(status)] += 1
            await _send(writer, status, text, extra)
            return True
        async with self._slots:
            latency = latency_of(request, mean_s=plan.mean_s, sigma=plan.sigma)
            await asyncio.sleep(latency)
            if not self._authorised(headers):
                self.outcomes["401"] += 1
                await _send(writer, 401, _wrong_key(headers))
                return True
            fault = self._fault(body)
            if fault is not None:
                self.outcomes[fault] += 1
                return await _misbehave(fault, writer, plan)
            text = act(request) if plan.acts else None
            await _send(writer, 200, json.dumps(plan.reply or _completion(body, text=text)))
            self.replied[body] += 1
            if plan.acts:
                self.journal.append([*describe_request(request), latency])
            self.outcomes["ok"] += 1
            self._last = time.monotonic()
            return True

    def _refusal(
        self, request: dict[str, Any], headers: dict[str, str]
    ) -> tuple[int, str, dict[str, str]] | None:
        plan, now = self.plan, time.monotonic()
        if self._started is None:
            self._started = now
        retry = {"Retry-After": f"{plan.retry_after_s:g}"}
        if plan.status is not None:
            return plan.status, plan.error, {}
        if not self._authorised(headers):
            return 401, _wrong_key(headers), {}
        if plan.outage and plan.outage[0] <= now - self._started < plan.outage[1]:
            return 503, "the server is starting", {}
        if plan.refuse_above is not None and self.busy > plan.refuse_above:
            return 429, json.dumps({"error": {"message": "Rate limit reached"}}), retry
        if "response_format" in request and not plan.takes_schema:
            return 400, json.dumps({"error": {"message": "response_format json_schema is not supported"}}), {}
        wrong = {"max_tokens", "max_completion_tokens"} & request.keys() - {plan.max_tokens_field}
        if plan.max_tokens_field is not None and wrong:
            text = f"Unsupported parameter: '{wrong.pop()}'. Use '{plan.max_tokens_field}' instead."
            return 400, json.dumps({"error": {"message": text, "code": "unsupported_parameter"}}), {}
        return None

    def _fault(self, body: bytes) -> str | None:
        attempt = self.attempts[body]
        if attempt > self.plan.faulty_attempts:
            return None
        draw = random.Random(hashlib.sha256(f"fault {attempt} ".encode() + body).digest()).random()
        for name, rate in self.plan.faults.items():
            if draw < rate:
                return name
            draw -= rate
        return None


def _completion(body: bytes, *, text: str | None = None, completion_tokens: int = 5) -> dict[str, Any]:
    request = json.loads(body)
    name = hashlib.sha256(body).hexdigest()[:12]
    if text is None:
        text = '{"ok": true}' if "response_format" in request else f"reply {name}"
    prompt_tokens = len(body) // 4
    return {
        "id": f"chatcmpl-{name}",
        "object": "chat.completion",
        "created": 0,
        "model": "tiny-served",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
    }


async def _send(
    writer: asyncio.StreamWriter, status: int, text: str | bytes, extra: dict[str, str] | None = None
) -> None:
    raw = text.encode() if isinstance(text, str) else text
    headers = {"Content-Type": "application/json", "Content-Length": str(len(raw))} | (extra or {})
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + raw)
    await writer.drain()


async def _misbehave(fault: str, writer: asyncio.StreamWriter, plan: Plan) -> bool:
    whole = json.dumps(_completion(b"{}")).encode()
    bodies = {
        "malformed": b"<html>502 Bad Gateway</html>",
        "empty": b"",
        "empty_text": json.dumps(_completion(b"{}", text="", completion_tokens=0)).encode(),
        "truncated": whole[: len(whole) // 2],
        "wrong_encoding": whole.replace(b"reply", b"r\xe9ponse"),
        "utf16": whole.decode().encode("utf-16"),
        "duplicated": whole + whole,
        "no_choices": b'{"choices": []}',
        "error_in_200": b'{"error": {"message": "upstream overloaded", "code": 502}}',
    }
    statuses = {"500": 500, "502": 502, "503": 503, "529": 529}
    if fault in bodies:
        await _send(writer, 200, bodies[fault])
    elif fault == "huge":
        await _send(writer, 200, b'{"choices": "' + b"x" * (33 * 2**20) + b'"}')
    elif fault in statuses:
        await _send(writer, statuses[fault], "the server is unwell")
    elif fault == "429":
        await _send(writer, 429, "slow down", {"Retry-After": f"{plan.retry_after_s:g}"})
    elif fault == "429_bare":
        await _send(writer, 429, "slow down")
    elif fault == "not_gzip":
        await _send(writer, 200, whole, {"Content-Encoding": "gzip"})
    elif fault == "cut":
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + whole)
        await writer.drain()
        return False
    elif fault == "closed":
        return False
    elif fault == "reset":
        plain: socket.socket = writer.get_extra_info("socket")
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False
    elif fault == "hang":
        await asyncio.sleep(3600)
    elif fault == "trickle":
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        for _ in range(100_000):
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.01)
    else:
        raise ValueError(f"no fault {fault!r}")
    return True


@contextlib.asynccontextmanager
async def serve(plan: Plan, *, port: int = 0, tls: ssl.SSLContext | None = None) -> AsyncIterator[Endpoint]:
    """The endpoint in this loop."""
    endpoint = Endpoint(plan)
    tasks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await endpoint.talk(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            tasks.discard(task)

    server = await asyncio.start_server(talk, "127.0.0.1", port, ssl=tls, backlog=2048)
    endpoint.port = server.sockets[0].getsockname()[1]
    try:
        yield endpoint
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class ServerProcess:
    """The endpoint as a process of its own, which can be killed and started again on its port."""

    def __init__(self, plan: Plan, *, port: int = 0) -> None:
        self.plan = plan
        self.port = port
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> ServerProcess:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def stats(self) -> dict[str, Any]:
        stats: dict[str, Any] = self._get("stats")
        return stats

    @property
    def journal(self) -> list[list[Any]]:
        journal: list[list[Any]] = self._get("journal")
        return journal

    def _get(self, name: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{name}") as response:
            return json.load(response)

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.models.server", json.dumps(asdict(self.plan)), str(self.port)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def kill(self) -> None:
        if self._process is not None:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


async def _main(plan: Plan, port: int) -> None:
    async with serve(plan, port=port) as endpoint:
        print(endpoint.port, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    if given.get("outage"):
        given["outage"] = tuple(given["outage"])
    asyncio.run(_main(Plan(**given), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
