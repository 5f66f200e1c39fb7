"""A worker in Python, with the standard library alone. It counts the words of each message that it claims.

Run it: SIGNALBOX_TOKEN=sbx_... python3 worker.py
"""

import json
import os
import signal
import sys
import threading
import urllib.error
import urllib.request

URL = os.environ.get("SIGNALBOX_URL", "http://127.0.0.1:4747")
TOKEN = os.environ.get("SIGNALBOX_TOKEN") or sys.exit("Set SIGNALBOX_TOKEN to an agent's token.")
LEASE_SECONDS = 60
WAIT_SECONDS = 5  # how long the relay holds a question for work; a stop takes as long

stopping = threading.Event()


class Refused(Exception):
    """The relay answered with a problem. Repeating the call cannot help."""


class Away(Exception):
    """The relay did not answer, or asked for patience."""


def call(method, path, body=None):
    """Makes one call and returns its JSON answer."""
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
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


def until_answered(method, path, body=None):
    """Repeats a call with growing waits until the relay answers. Every call of this worker is safe to repeat."""
    delay = 1
    while True:
        try:
            return call(method, path, body)
        except Away as error:
            print(f"the relay is away ({error}); next try in {delay} s", file=sys.stderr)
            if stopping.wait(delay):
                raise
            delay = min(delay * 2, 60)


def keep_lease(path, token, done):
    """Renews the lease at a third of its time, until the work is done."""
    while not done.wait(LEASE_SECONDS / 3):
        try:
            call("POST", f"{path}/renew", {"token": token, "leaseSeconds": LEASE_SECONDS})
        except Away:
            pass  # the next renewal may get through
        except Refused:
            return  # the lease is lost; the relay will refuse the outcome too


def count_words(text):
    """The work itself. Its text goes to the sender; an error fails the attempt."""
    words = text.split()
    if not words:
        raise ValueError("the message has no words")
    return f"{len(words)} words"


def work_on(item):
    message, token = item["message"], item["claim"]["token"]
    path = f"/v1/messages/{message['id']}"
    done = threading.Event()
    threading.Thread(target=keep_lease, args=(path, token, done), daemon=True).start()
    try:
        verb, outcome = "complete", {"result": count_words(message["body"])}
    except Exception as error:
        # The relay opens the work again after this time, until its attempts are used up.
        delay = min(2 ** item["claim"]["attempt"], 300)
        verb, outcome = "fail", {"error": str(error), "retryAfterSeconds": delay}
    finally:
        done.set()
    try:
        until_answered("POST", f"{path}/{verb}", {"token": token, **outcome})
        print(verb, message["id"], flush=True)
    except Refused as error:
        print(f"message {message['id']}: the outcome was refused: {error}", file=sys.stderr)


def main():
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stopping.set())
    agent = until_answered("GET", "/v1/whoami")["agentId"]
    claims = f"/v1/agents/{agent}/claims"
    # Work that an earlier run of this worker still holds comes first.
    items = until_answered("GET", claims)["items"]
    while not stopping.is_set():
        for item in items:
            work_on(item)
        items = until_answered("POST", claims, {"waitSeconds": WAIT_SECONDS, "leaseSeconds": LEASE_SECONDS})["items"]
    for item in items:
        work_on(item)


if __name__ == "__main__":
    try:
        main()
    except Refused as error:
        sys.exit(f"The relay refused: {error}")
    except Away as error:
        sys.exit(f"The relay is away: {error}")
