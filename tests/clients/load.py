"""A server under load: many clients at once, each with a connection of its own, over the pictures of a folder.

usage: load.py ADDRESS:PORT score|edits FOLDER [--requests N] [--clients N] [--name REWARD|RECIPE]
FOLDER holds sources `NAME.png` and for each some edited copies `NAME-*.png`. Prints how long it took, and a digest of all scores or
pictures in the order of the requests: two servers that answer alike have the same. Needs nothing but Python.
"""

import argparse
import base64
import hashlib
import http.client
import json
import pathlib
import random
import statistics
import threading
import time

WORDS = ["make it warmer, with a little more contrast", "brighter", "make the photo black and white"]
BOUNDARY = "----editscale-load"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("kind", choices=["score", "edits"])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--requests", type=int, default=96)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--name", help="the reward or recipe; the server's first where it is not given")
    return parser.parse_args()


def scoring(source, candidate, words, name):
    """A pair as JSON with data URLs."""
    url = lambda path: "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()
    body = {"items": [{"instruction": words, "source": url(source), "candidate": url(candidate)}]}
    body |= {"reward": name} if name else {}
    return "/v1/score", "application/json", json.dumps(body).encode()


def editing(source, _, words, name):
    """An edit as a form."""
    fields = {"prompt": words, "n": "1"} | ({"model": name} if name else {})
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="'
    parts = [f'{head}{key}"\r\n\r\n{value}\r\n'.encode() for key, value in fields.items()]
    file = f'{head}image"; filename="{source.name}"\r\nContent-Type: image/png\r\n\r\n'.encode()
    body = b"".join(parts) + file + source.read_bytes() + f"\r\n--{BOUNDARY}--\r\n".encode()
    return "/v1/images/edits", f"multipart/form-data; boundary={BOUNDARY}", body


def requests(asked):
    """The same requests in the same order, whoever asks."""
    make = scoring if asked.kind == "score" else editing
    pictures = sorted(asked.folder.glob("*.png"))
    pairs = [(one, two) for one in pictures for two in pictures if two.stem.startswith(one.stem + "-")]
    made = [make(one, two, WORDS[place % len(WORDS)], asked.name) for place, (one, two) in enumerate(pairs)]
    assert made, f"{asked.folder}: expected NAME.png and NAME-*.png"
    random.Random(3).shuffle(made)
    return [made[place % len(made)] for place in range(asked.requests)]


def send(connection, request):
    path, media, body = request
    connection.request("POST", path, body, {"Content-Type": media})
    reply = connection.getresponse()
    said = reply.read()
    assert reply.status == 200, said[:300]
    found = json.loads(said)
    return found["scores"] if "scores" in found else [picture["b64_json"] for picture in found["data"]]


def client(address, waiting, answers):
    """Takes the next request until there is none."""
    connection = http.client.HTTPConnection(address, timeout=600)
    while (next_one := next(waiting, None)) is not None:
        place, request = next_one
        begun = time.monotonic()
        found = send(connection, request)
        answers[place] = (time.monotonic() - begun, json.dumps(found))


def main():
    asked = arguments()
    waiting, answers = iter(list(enumerate(requests(asked)))), {}
    clients = [threading.Thread(target=client, args=(asked.address, waiting, answers)) for _ in range(asked.clients)]
    begun = time.monotonic()
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    took, latency = time.monotonic() - begun, statistics.median(secs for secs, _ in answers.values())
    digest = hashlib.sha256("".join(answers[place][1] for place in sorted(answers)).encode()).hexdigest()
    assert len(answers) == asked.requests, f"{asked.requests - len(answers)} requests failed"
    print(f"{len(answers)} answers in {took:.1f} s, median {latency * 1000:.0f} ms, digest {digest[:16]}")


main()
