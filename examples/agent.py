#!/usr/bin/env python3
"""An agent in ten lines: it counts the words of each turn (docs/write-a-provider.md)."""
import json
import sys

for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "turn":
        count = len(message["text"].split())
        print(json.dumps({"type": "done", "text": f"{count} words"}), flush=True)
