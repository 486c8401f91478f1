"""Profiles files in child processes, within time and memory: what a hostile file kills is replaceable.

`profile_in_limits` blocks; `await profile_limited(...)` does not. Both draw on one small pool of warm
workers, so that many small files cost no start-up each. A worker that exceeds the time or the memory is
killed, one that dies is replaced, and either ends in a FileError for that file alone.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import json
import os
import queue
import select
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

from datamind_gen.files.cache import keep_profile, load_profile, profile_key
from datamind_gen.files.errors import FileError
from datamind_gen.files.find import FoundFile
from datamind_gen.files.profile import check_file, keep_tables
from datamind_gen.rows import Profile, Reason, decode, dump_json, encode
from datamind_gen.spec.sources import ReadSettings

WORKERS = max(1, min(4, (os.cpu_count() or 2)))
_FILES_A_WORKER = 500
_LOOK_EVERY = 0.03
_SIZE_OF_THE_LIMIT = 500_000_000
"""Bytes that `max_seconds` is meant for: a larger file takes longer for no fault of its own."""
_PAGE = os.sysconf("SC_PAGESIZE")
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def profile_in_limits(
    found: FoundFile,
    settings: ReadSettings | None = None,
    *,
    cache: Path | None = None,
    all_columns: bool = False,
) -> Profile:
    """What the file holds, read in a child process. Raises FileError.

    `cache` is a folder that keeps profiles by content between runs; `all_columns` describes more of a
    wide table than a prompt can hold.
    """
    settings = settings or ReadSettings()
    check_file(found, settings)
    key = profile_key(found.file, all_columns=all_columns)
    profile = load_profile(key, cache)
    if profile is None:
        try:
            profile = _describe(found, settings, all_columns=all_columns)
        except FileError as error:
            keep_profile(key, cache, error)
            raise
        keep_profile(key, cache, profile)
    return keep_tables(profile, settings)


def _describe(found: FoundFile, settings: ReadSettings, *, all_columns: bool) -> Profile:
    """A reader that dies is asked once more: only one that dies twice was killed by the file."""
    try:
        with _pool.worker(settings.max_memory_mb) as worker:
            return worker.describe(found, settings, all_columns=all_columns)
    except _ReaderDied:
        with _pool.worker(settings.max_memory_mb) as worker:
            return worker.describe(found, settings, all_columns=all_columns)


async def profile_limited(
    found: FoundFile, settings: ReadSettings | None = None, *, cache: Path | None = None
) -> Profile:
    """`profile_in_limits` for an event loop, which it never blocks."""
    return await asyncio.to_thread(profile_in_limits, found, settings, cache=cache)


def close_pool() -> None:
    """Ends the idle workers; the next profile starts new ones."""
    _pool.close()


class _ReaderDied(FileError):
    """The child process went away while it was reading."""


class _Worker:
    """One child process, asked one file at a time."""

    def __init__(self, memory_mb: int) -> None:
        environment = {
            **os.environ,
            **dict.fromkeys(_THREADS, "1"),
            "POLARS_MAX_THREADS": str(os.cpu_count() or 2),
        }
        trace = None if os.environ.get("DATAMIND_FILES_TRACE") else subprocess.DEVNULL
        self.memory_mb = memory_mb
        self.asked = 0
        self.scratch = Path(tempfile.mkdtemp(prefix="reader-"))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "datamind_gen.files.worker", str(memory_mb), str(os.getpid())],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=trace, start_new_session=True,
            env={**environment, "TMPDIR": str(self.scratch)},
        )  # fmt: skip

    def describe(self, found: FoundFile, settings: ReadSettings, *, all_columns: bool) -> Profile:
        name = found.file.name
        paths = [str(path) for path in found.paths]
        request = {"file": encode(found.file), "paths": paths, "all_columns": all_columns}
        self.asked += 1
        size = sum(part.size for part in found.file.parts)
        reply = self._ask(dump_json(request), name, size, settings)
        if "profile" in reply:
            return decode(Profile, reply["profile"])
        if reply.get("uncaught"):
            self.kill()
        raise FileError(Reason(reply["reason"]), reply["detail"])

    def _ask(self, request: str, name: str, size: int, settings: ReadSettings) -> dict[str, str]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(request.encode("utf-8", "surrogatepass") + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self._died(name) from None
        seconds = settings.max_seconds * max(1.0, size / _SIZE_OF_THE_LIMIT)
        deadline = time.monotonic() + seconds
        received = bytearray()
        while True:
            ready, _, _ = select.select([self.process.stdout], [], [], _LOOK_EVERY)
            if ready:
                chunk = os.read(self.process.stdout.fileno(), 1 << 20)
                if not chunk:
                    raise self._died(name)
                received += chunk
                if chunk.endswith(b"\n"):
                    reply: dict[str, str] = json.loads(received)
                    return reply
            elif time.monotonic() > deadline:
                self.kill()
                limit = f"{seconds:g} s (max_seconds)"
                raise FileError(Reason.READER_LIMIT, f"{name} takes longer to read than {limit}")
            elif self.resident_mb() > settings.max_memory_mb:
                self.kill()
                limit = f"{settings.max_memory_mb:,} MB (max_memory_mb)"
                raise FileError(Reason.READER_LIMIT, f"{name} takes more memory to read than {limit}")

    def _died(self, name: str) -> _ReaderDied:
        self.kill()
        code = self.process.returncode
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return _ReaderDied(Reason.CORRUPT, f"{name} crashes its reader ({how})")

    def resident_mb(self) -> float:
        try:
            with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as file:
                return int(file.read().split()[1]) * _PAGE / (1 << 20)
        except (OSError, IndexError):
            return 0.0

    @property
    def fit(self) -> bool:
        """Whether the worker may take another file."""
        alive = self.process.poll() is None
        return alive and self.asked < _FILES_A_WORKER and self.resident_mb() < 0.3 * self.memory_mb

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        shutil.rmtree(self.scratch, ignore_errors=True)  # what it unpacked and could not remove


class _Starter:
    """Starts workers from one thread that lives as long as this process.

    The kernel ends a worker with the *thread* that started it, and threads of callers come and go.
    """

    def __init__(self) -> None:
        self._asked: queue.SimpleQueue[tuple[int, Future[_Worker]]] = queue.SimpleQueue()
        threading.Thread(target=self._serve, name="reader-starter", daemon=True).start()

    def start(self, memory_mb: int) -> _Worker:
        started: Future[_Worker] = Future()
        self._asked.put((memory_mb, started))
        return started.result()

    def _serve(self) -> None:
        while True:
            memory_mb, started = self._asked.get()
            try:
                started.set_result(_Worker(memory_mb))
            except OSError as error:
                started.set_exception(error)


class _Pool:
    """At most WORKERS children; a caller waits for a free place."""

    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(WORKERS)
        self._idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        self._starter: _Starter | None = None
        self._starting = threading.Lock()

    @contextlib.contextmanager
    def worker(self, memory_mb: int) -> Iterator[_Worker]:
        with self._places:
            worker = self._take(memory_mb)
            try:
                yield worker
            except FileError:
                self._give(worker)
                raise
            except BaseException:
                worker.kill()
                raise
            self._give(worker)

    def _take(self, memory_mb: int) -> _Worker:
        while True:
            try:
                worker = self._idle.get_nowait()
            except queue.Empty:
                return self._start(memory_mb)
            if worker.fit and worker.memory_mb == memory_mb:
                return worker
            worker.kill()

    def _start(self, memory_mb: int) -> _Worker:
        with self._starting:
            self._starter = self._starter or _Starter()
        return self._starter.start(memory_mb)

    def _give(self, worker: _Worker) -> None:
        if worker.fit:
            self._idle.put(worker)
        else:
            worker.kill()

    def close(self) -> None:
        while True:
            try:
                self._idle.get_nowait().kill()
            except queue.Empty:
                return


_pool = _Pool()


def _forget_parents_pool() -> None:
    """A forked child must not talk to its parent's workers."""
    global _pool
    _pool = _Pool()


os.register_at_fork(after_in_child=_forget_parents_pool)
atexit.register(close_pool)
