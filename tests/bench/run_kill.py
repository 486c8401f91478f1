"""kill -9 at random moments: does running again always end in the same rows?

    python -m tests.bench.run_kill [KILLS] [SEED]

One pipeline runs undisturbed; then, KILLS times, it is started, some process of it (the whole tree, the
parent, the engine, the graph, or any child) is killed at a random moment, what is left is looked for, and
the same command is given again. Prints a line a kill, and the counts.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from datamind_gen.run.folder import RunFolder
from datamind_gen.run.status import is_running, read_status
from tests.run.pipelines import dataset_bytes, write_small_pipeline
from tests.run.processes import Process, descendants, finish, kill, look_at, start_run, wait_gone

TARGETS = ("tree", "parent", "run.host", "run.dag", "child")


def pick(target: str, run: subprocess.Popen[str], below: list[Process], rng: random.Random) -> list[Process]:
    """The processes to kill."""
    me = look_at(run.pid)
    if target == "tree":
        return [*([me] if me else []), *below]
    if target == "parent":
        return [me] if me else []
    if target == "child":
        return [rng.choice(below)] if below else []
    return [found for found in below if target in found.command][:1]


def disturb(
    pipeline: Path, out: Path, wanted: dict[str, bytes], moment: float, target: str, seed: int
) -> str:
    """One kill and one resume, in words; the last word is `same` or what went wrong."""
    folder = RunFolder(out)
    run = start_run(pipeline, out)
    time.sleep(moment)
    below = descendants(run.pid)
    victims = pick(target, run, below, random.Random(seed))
    for victim in victims:
        kill(victim.pid, signal.SIGKILL)
    ended = wait_gone(below, within=5) == []
    finish(run)
    left = wait_gone(below, within=5)
    locked = folder.ledger.is_dir() and is_running(folder)
    settled = read_status(out).results if folder.ledger.is_dir() else 0
    again = start_run(pipeline, out)
    output = finish(again)
    worked = read_status(out).results
    same = again.returncode == 0 and dataset_bytes(out) == wanted
    notes = [
        f"{target:9} at {moment:4.1f} s ({len(victims)} killed of {len(below) + 1})",
        "gone within 5 s" if ended else "went on without it" if not left else f"{len(left)} LEFT",
        "LOCKED" if locked else "lock free",
        f"{settled} results kept, {worked} in the end",
        "same" if same else f"DIFFERENT (exit {again.returncode}): {output[-300:]}",
    ]
    return ", ".join(notes)


def main(kills: int, seed: int) -> int:
    rng = random.Random(seed)
    same = 0
    with tempfile.TemporaryDirectory() as place:
        pipeline = write_small_pipeline(Path(place) / "small.yaml")
        started = time.monotonic()
        run = start_run(pipeline, Path(place) / "undisturbed")
        output = finish(run)
        if run.returncode != 0:
            sys.exit(output)
        seconds = time.monotonic() - started
        wanted = dataset_bytes(Path(place) / "undisturbed")
        print(f"undisturbed: {seconds:.1f} s, {len(wanted)} files", flush=True)
        for number in range(kills):
            target = TARGETS[number % len(TARGETS)]
            moment = rng.uniform(0.05, 0.95) * seconds
            line = disturb(pipeline, Path(place) / f"run-{number}", wanted, moment, target, seed + number)
            same += line.endswith("same")
            print(f"{number + 1:3} {line}", flush=True)
    print(f"{same} of {kills} resumed to the same dataset, byte for byte")
    return 0 if same == kills else 1


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    sys.exit(main(count, int(sys.argv[2]) if len(sys.argv) > 2 else 0))
