"""The images API called by the official Python client: edits, streams, models, errors.

usage: openai_images.py BASE_URL [API_KEY]

BASE_URL is a server such as http://127.0.0.1:8080, whose first recipe makes several candidates with the embedded editor.
"""

import asyncio
import base64
import io
import json
import sys
import urllib.request
import uuid

import openai
from PIL import Image

WIDTH, HEIGHT = 96, 64
PROMPT = "make it warmer"
# The client wants a key, also for a server that wants none.
NO_KEY = "none"


def photo(width=WIDTH, height=HEIGHT):
    """A picture with soft stripes, so that its edits differ."""
    picture = Image.new("RGB", (width, height))
    picture.putdata([(x * 255 // width, y * 255 // height, (x * 7 + y * 3) % 200) for y in range(height) for x in range(width)])
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def half_mask():
    """A mask whose left half is transparent."""
    picture = Image.new("RGBA", (WIDTH, HEIGHT), (0, 0, 0, 255))
    picture.paste((0, 0, 0, 0), (0, 0, WIDTH // 2, HEIGHT))
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def decoded(data):
    """A file's picture, with all of its pixels read."""
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def shown(entry):
    """The picture of an entry or event with base64."""
    return decoded(base64.b64decode(entry.b64_json, validate=True))


class Checks:
    """The checks, each a method whose name says what it is about."""

    def __init__(self, base, key):
        self.base, self.key = base, key
        self.client = openai.OpenAI(base_url=base + "/v1", api_key=key, max_retries=0, timeout=120)

    def edit(self, **more):
        """An edit with what every edit has."""
        return self.client.images.edit(**{"image": ("photo.png", photo()), "prompt": PROMPT, **more})

    def raises(self, kind, **more):
        """The error that an edit ends with."""
        try:
            self.edit(**more)
        except openai.APIStatusError as error:
            assert type(error) is kind, f"expected {kind.__name__}, found {error!r}"
            assert error.body["message"], error.body
            return error
        raise AssertionError(f"expected {kind.__name__}, and the edit went well")

    def check_one_edit(self):
        answer = self.edit()
        assert len(answer.data) == 1 and shown(answer.data[0]).size == (WIDTH, HEIGHT)
        assert answer.output_format == "png" and answer.size == f"{WIDTH}x{HEIGHT}"
        assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
        assert answer.usage.input_tokens_details.text_tokens == 0
        assert answer.model_extra["editscale"]["state"] == "done"
        assert answer.data[0].model_extra["scores"], "the scores come along"

    def check_a_list_of_one_image(self):
        assert len(self.edit(image=[("photo.png", photo())]).data) == 1

    def check_the_best_of_several(self):
        answer = self.edit(n=3)
        files = {entry.b64_json for entry in answer.data}
        utilities = [entry.model_extra["utility"] for entry in answer.data]
        assert len(files) == 3 and utilities == sorted(utilities, reverse=True), utilities

    def check_sizes(self):
        for size, expected in [("auto", (WIDTH, HEIGHT)), ("48x32", (48, 32)), ("192x128", (192, 128))]:
            assert shown(self.edit(size=size).data[0]).size == expected, size

    def check_formats(self):
        for form in ["png", "jpeg", "webp"]:
            answer = self.edit(output_format=form, output_compression=80)
            picture = shown(answer.data[0])
            assert (picture.format.lower(), answer.output_format) == (form, form), picture.format

    def check_the_mask(self):
        picture = shown(self.edit(mask=("mask.png", half_mask())).data[0]).convert("RGB")
        source = decoded(photo())
        same = [picture.getpixel((x, y)) == source.getpixel((x, y)) for x in (WIDTH - 10, WIDTH - 2) for y in range(HEIGHT)]
        changed = [picture.getpixel((x, y)) != source.getpixel((x, y)) for x in (10, 20) for y in range(HEIGHT)]
        assert all(same) and any(changed)

    def check_addresses(self):
        answer = self.edit(response_format="url", n=2)
        for entry in answer.data:
            assert entry.b64_json is None and entry.url.startswith(self.base)
            with urllib.request.urlopen(entry.url) as response:
                assert decoded(response.read()).size == (WIDTH, HEIGHT)

    def check_what_has_no_effect(self):
        answer = self.edit(quality="high", background="opaque", input_fidelity="high", user="u-1", extra_body={"style": "vivid"})
        assert answer.model_extra["editscale"]["ignored"] == ["style"]

    def check_extension_fields(self):
        extra = {"seed": 7, "budget": {"edits": 5}, "search": {"best_of_n": {"samples": 3}}, "trace": True, "deadline_secs": 60}
        told = self.edit(extra_body=extra).model_extra["editscale"]
        assert told["ledger"]["edits"] == 3 and told["trace"]["seed"] == 7 and len(told["trace"]["candidates"]) == 3
        told = self.edit(extra_body={"search": json.dumps({"best_of_n": {"samples": 2}})}).model_extra["editscale"]
        assert told["ledger"]["edits"] == 2

    def check_equal_seeds(self):
        def edit(seed):
            return self.edit(extra_body={"seed": seed}).data[0].b64_json

        assert edit(3) == edit(3)

    def check_a_stream(self):
        with self.edit(stream=True, partial_images=2, n=2, output_format="jpeg") as stream:
            events = list(stream)
        kinds = [event.type for event in events]
        partial = kinds[:-2]
        assert kinds[-2:] == ["image_edit.completed"] * 2, kinds
        assert 1 <= len(partial) <= 2 and set(partial) == {"image_edit.partial_image"}, kinds
        assert [event.partial_image_index for event in events[:-2]] == list(range(len(partial)))
        for event in events:
            assert shown(event).size == (WIDTH, HEIGHT) and event.output_format == "jpeg" and event.created_at > 0
            assert event.quality and event.background == "opaque" and event.size == f"{WIDTH}x{HEIGHT}"
        assert events[-1].usage.total_tokens >= 0 and events[-1].model_extra["editscale"]["run"]

    def check_an_error_within_a_stream(self):
        try:
            list(self.edit(prompt="add a cat in a hat", stream=True))
        except openai.APIError as error:
            assert error.code == "run_failed" and error.type == "run_error", error
            return
        raise AssertionError("the stream ended without an error")

    def check_typed_errors(self):
        for field, value in [("n", 11), ("size", "big"), ("background", "transparent"), ("partial_images", 4), ("output_format", "svg")]:
            assert self.raises(openai.BadRequestError, **{field: value}).param == field
        two = [("a.png", photo()), ("b.png", photo())]
        assert self.raises(openai.BadRequestError, image=two).param == "image"
        assert self.raises(openai.NotFoundError, model="no-such-recipe").code == "model_not_found"
        assert self.raises(openai.UnprocessableEntityError, prompt="add a cat in a hat").code == "run_failed"

    def check_keys(self):
        if self.key == NO_KEY:
            return
        stranger = self.client.with_options(api_key="es-wrong")
        try:
            stranger.models.list()
        except openai.AuthenticationError as error:
            assert error.code == "invalid_api_key"
            return
        raise AssertionError("a wrong key got in")

    def check_models(self):
        models = list(self.client.models.list())
        assert models and all(model.object == "model" and model.owned_by == "editscale" for model in models)
        assert self.client.models.retrieve(models[0].id).model_extra["editors"]
        assert self.edit(model=models[-1].id).data
        try:
            self.client.models.retrieve("no-such-recipe")
        except openai.NotFoundError:
            return
        raise AssertionError("a model that is not there was found")

    def check_the_same_request_again(self):
        headers = {"idempotency-key": str(uuid.uuid4())}
        runs = {self.edit(extra_headers=headers).model_extra["editscale"]["run"] for _ in range(2)}
        assert len(runs) == 1, runs

    def check_many_at_once(self):
        async def ask():
            client = openai.AsyncOpenAI(base_url=self.base + "/v1", api_key=self.key, timeout=120)
            edits = [client.images.edit(image=("photo.png", photo()), prompt=PROMPT, extra_body={"seed": seed}) for seed in range(8)]
            return await asyncio.gather(*edits)

        assert all(shown(answer.data[0]).size == (WIDTH, HEIGHT) for answer in asyncio.run(ask()))


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    checks = Checks(sys.argv[1].rstrip("/"), sys.argv[2] if len(sys.argv) == 3 else NO_KEY)
    passed = failed = 0
    for name in [name for name in dir(checks) if name.startswith("check_")]:
        try:
            getattr(checks, name)()
            passed += 1
            print(f"ok   {name.removeprefix('check_').replace('_', ' ')}")
        except Exception as error:  # Every check is told, whatever it died of.
            failed += 1
            print(f"FAIL {name.removeprefix('check_').replace('_', ' ')}: {type(error).__name__}: {error}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
