"""`submit.py` against a dashboard of our own: what it sends, and when it submits again."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import submit

COMMAND = ["--", "/shared/data", "--recipe", "r.yaml", "--out", "/shared/out"]


class Fake:
    """Answers as Ray's dashboard does. `ends` lists for each shard how its attempts end: status and exit code."""

    def __init__(self, ends):
        """Listens on any free port."""
        self.ends, self.submitted, self.stopped = ends, [], []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):  # noqa: N802
                """Submits or stops."""
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.path == "/api/jobs/":
                    fake.submitted.append(body)
                    self.answer({"submission_id": body["submission_id"]})
                else:
                    fake.stopped.append(self.path)
                    self.answer({"stopped": True})

            def do_GET(self):  # noqa: N802
                """Says how a job is."""
                sent = next(each for each in fake.submitted if self.path == f"/api/jobs/{each['submission_id']}")
                ends = fake.ends[int(sent["metadata"]["shard"])]
                status, code = ends[min(int(sent["metadata"]["attempt"]), len(ends)) - 1]
                self.answer({"status": status, "driver_exit_code": code})

            def answer(self, value):
                """Sends JSON."""
                data = json.dumps(value).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def dashboard():
    """Makes dashboards and closes them."""
    made = []

    def make(*ends):
        made.append(Fake(ends))
        return made[-1]

    yield make
    for fake in made:
        fake.server.shutdown()
        fake.server.server_close()


def run(fake, *more):
    options = submit.arguments([fake.address, "--name", "run", "--poll-secs", "0.01", *more, *COMMAND])
    return submit.run(options)


def test_each_shard_is_a_job_with_a_card(dashboard):
    fake = dashboard([("SUCCEEDED", 0)], [("SUCCEEDED", 0)])
    assert run(fake, "--shards", "2", "--env", "EDITSCALE_MODELS=/models") == 0
    assert [each["submission_id"] for each in fake.submitted] == ["run-0-1", "run-1-1"]
    first = fake.submitted[0]
    assert first["entrypoint"] == "editscale run /shared/data --recipe r.yaml --out /shared/out --grace-secs 60 --shard 0/2"
    assert (first["entrypoint_num_gpus"], first["entrypoint_num_cpus"]) == (1, 4)
    assert first["runtime_env"] == {"env_vars": {"RAY_JOB_STOP_WAIT_TIME_S": "75", "EDITSCALE_MODELS": "/models"}}


@pytest.mark.parametrize(
    ("ends", "submissions", "code"),
    [
        ([("FAILED", 75), ("FAILED", 75), ("SUCCEEDED", 0)], 3, 0),
        ([("FAILED", None), ("SUCCEEDED", 0)], 2, 0),
        ([("FAILED", 75)], 4, 1),
        ([("FAILED", 1), ("SUCCEEDED", 0)], 1, 1),
        ([("FAILED", 2), ("SUCCEEDED", 0)], 1, 1),
        ([("STOPPED", None)], 1, 1),
    ],
)
def test_what_may_help_is_submitted_again(dashboard, ends, submissions, code):
    fake = dashboard(ends)
    assert run(fake, "--attempts", "4") == code
    assert len(fake.submitted) == len({each["submission_id"] for each in fake.submitted}) == submissions


def test_with_a_queue_there_are_no_shards(dashboard):
    fake = dashboard([("SUCCEEDED", 0)], [("SUCCEEDED", 0)])
    options = submit.arguments([fake.address, "--shards", "2", "--poll-secs", "0.01", *COMMAND, "--queue=nats://host:4222"])
    assert submit.run(options) == 0
    assert not any("--shard " in each["entrypoint"] for each in fake.submitted)


def test_an_interrupt_stops_the_jobs(dashboard, monkeypatch):
    fake = dashboard([("RUNNING", None)])

    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(submit.time, "sleep", interrupt)
    assert run(fake) == 75
    assert fake.stopped == ["/api/jobs/run-0-1/stop"]


@pytest.mark.parametrize(
    "words", [["--shards", "0", *COMMAND], ["--env", "A", *COMMAND], []]
)
def test_wrong_options_are_refused(words):
    with pytest.raises(SystemExit) as refused:
        submit.arguments(["http://127.0.0.1:1", *words])
    assert refused.value.code == 2
