"""An agent in Python, with the standard library alone, that takes runs and shows how it works on them.

It counts the words of each task. Run it: SIGNALBOX_TOKEN=sbx_... python3 runner.py
"""

import json
import os
import signal
import sys
import threading
import urllib.error
import urllib.request
import uuid

URL = os.environ.get("SIGNALBOX_URL", "http://127.0.0.1:4747")
TOKEN = os.environ.get("SIGNALBOX_TOKEN") or sys.exit("Set SIGNALBOX_TOKEN to an agent's token.")
LEASE_SECONDS = 60
WAIT_SECONDS = 5  # how long the relay holds a question for news; a stop takes as long

stopping = threading.Event()


class Refused(Exception):
    """The relay answered with a problem. Repeating the call cannot help."""


class Away(Exception):
    """The relay did not answer, or asked for patience."""


def call(method, path, body=None, run=None):
    """Makes one call and returns its JSON answer. `run`: token of the turn that it belongs to."""
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    if run is not None:
        headers["Signalbox-Run"] = run
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=WAIT_SECONDS + 30) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        text = error.read().decode(errors="replace")
        raise (Away if error.code in (429, 502, 503, 504) else Refused)(text) from error
    except OSError as error:  # URLError, a connection that was cut, a timeout
        raise Away(str(error)) from error


def until_answered(method, path, body=None, run=None):
    """Repeats a call with growing waits until the relay answers. Every call of this program is safe to repeat."""
    delay = 1
    while True:
        try:
            return call(method, path, body, run)
        except Away as error:
            print(f"the relay is away ({error}); next try in {delay} s", file=sys.stderr)
            if stopping.wait(delay):
                raise
            delay = min(delay * 2, 60)


class Turn:
    """A turn of a run that this program holds: it renews the lease, and numbers the events."""

    def __init__(self, run_id):
        taken = until_answered("POST", f"/v1/runs/{run_id}/start", {"leaseSeconds": LEASE_SECONDS})
        self.path, self.token = f"/v1/runs/{run_id}", taken["token"]
        self.task = taken["run"]["task"]
        self.stopped = threading.Event()  # somebody asked the run to stop
        self.done = threading.Event()
        self.source, self.seq = uuid.uuid4().hex, 0
        threading.Thread(target=self.renew, daemon=True).start()

    def renew(self):
        while not self.done.wait(LEASE_SECONDS / 3):
            try:
                if call("POST", f"{self.path}/renew", {}, self.token)["status"] == "stopping":
                    self.stopped.set()
            except Away:
                pass  # the next renewal may get through
            except Refused:
                self.stopped.set()  # the turn is lost
                return

    def tell(self, *events):
        """Appends events. A repeat is known by its source and number, so none is stored twice."""
        numbered = []
        for stream, data in events:
            numbered.append({"source": self.source, "seq": self.seq, "stream": stream, "data": data})
            self.seq += 1
        until_answered("POST", f"{self.path}/events", {"events": numbered}, self.token)

    def finish(self, **end):
        self.done.set()
        return until_answered("POST", f"{self.path}/finish", end, self.token)


def count_words(turn):
    """The work itself. The text goes to whoever asked for the run; everything else is for those who watch it."""
    turn.tell(
        ("status", {"text": "Counting"}),
        ("tool", {"phase": "start", "toolCallId": "1", "name": "split", "args": {"text": turn.task}}),
    )
    words = turn.task.split()
    turn.tell(("tool", {"phase": "result", "toolCallId": "1", "result": {"words": len(words)}}))
    if not words:
        raise ValueError("the task has no words")
    turn.tell(("assistant", {"delta": f"{len(words)} words"}))
    return f"{len(words)} words"


def work_on(run_id):
    try:
        turn = Turn(run_id)
    except Refused as error:
        return print(f"{run_id} was not taken: {error}", file=sys.stderr)
    try:
        end = {"outcome": "ok", "result": count_words(turn)}
    except Refused as error:
        end = {"outcome": "error", "errorCode": "crashed", "error": str(error)}
    except ValueError as error:
        end = {"outcome": "error", "errorCode": "refused", "error": str(error)}
    if turn.stopped.is_set():
        end = {"outcome": "aborted"}
    try:
        print(turn.finish(**end)["outcome"], run_id, flush=True)
    except Refused as error:
        print(f"{run_id}: the end was refused: {error}", file=sys.stderr)


def runs_of(agent, *states):
    """Runs of the agent in these states, oldest first."""
    found = []
    for state in states:
        found += until_answered("GET", f"/v1/runs?agent={agent}&status={state}&limit=100")["items"]
    return [run["id"] for run in reversed(found)]


def main():
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stopping.set())
    agent = until_answered("GET", "/v1/whoami")["agentId"]
    inbox = f"/v1/agents/{agent}/inbox"
    head = until_answered("GET", f"{inbox}?limit=1")["head"]
    # What an earlier run of this program left comes first. It begins such a turn anew.
    waiting = runs_of(agent, "running", "queued")
    while not stopping.is_set():
        for run_id in waiting:
            work_on(run_id)
        # News of a run is a message; the list says what waits. Nothing is acknowledged here.
        page = until_answered("GET", f"{inbox}?after={head}&waitSeconds={WAIT_SECONDS}")
        head = page["next"]
        waiting = runs_of(agent, "queued")


if __name__ == "__main__":
    try:
        main()
    except Refused as error:
        sys.exit(f"The relay refused: {error}")
    except Away as error:
        sys.exit(f"The relay is away: {error}")
