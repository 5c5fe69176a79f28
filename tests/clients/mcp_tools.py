"""The server's tools for agents, with the official MCP client of Python, over stdio and over HTTP.

usage: mcp_tools.py stdio COMMAND...
       mcp_tools.py http URL [KEY]

Both kinds of the protocol are spoken: the one with sessions, and the one of 2026-07-28 without. The budget of a conversation
is spent to its end where the server sets one in edits; files are written where it lets agents name any.
"""

import base64
import contextlib
import json
import struct
import sys
import tempfile
import traceback
import zlib
from pathlib import Path

import anyio
import httpx2
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

MODES = {"legacy": "2025-11-25", "auto": "2026-07-28"}
INSTRUCTION = "make it warmer"


def photograph(width, height):
    """A little landscape as a PNG."""

    def pixel(x, y):
        if y < height // 2:
            return bytes((80 + 60 * x // width, 120, 200 - 60 * y // height))
        return bytes((120 * x // width, 100 - 40 * y // height, 40))

    rows = b"".join(b"\0" + b"".join(pixel(x, y) for x in range(width)) for y in range(height))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def data_url(picture):
    return "data:image/png;base64," + base64.b64encode(picture).decode()


class Refused(Exception):
    """A tool that did not do what it was asked to."""

    def __init__(self, told):
        super().__init__(json.dumps(told))
        self.told = told


class Agent:
    """A client in one conversation, which it names once it knows its name."""

    def __init__(self, client):
        self.client = client
        self.conversation = None
        self.last = None

    async def call(self, tool, progress=None, **arguments):
        if self.conversation and "conversation" not in arguments:
            arguments["conversation"] = self.conversation
        result = await self.client.call_tool(tool, arguments, progress_callback=progress)
        self.last = result
        told = json.loads(result.content[0].text)
        if result.is_error:
            raise Refused(told)
        assert told == result.structured_content, "the text says the same as the object"
        self.conversation = told.get("conversation", self.conversation)
        return told

    async def refused(self, tool, **arguments):
        try:
            told = await self.call(tool, **arguments)
        except Refused as refused:
            return refused.told["error"]
        raise AssertionError(f"{tool} {arguments} was done: {told}")

    def kinds(self):
        return [block.type for block in self.last.content]


class Place:
    """Where the server is, and how it is spoken to."""

    def __init__(self, arguments):
        self.kind, *self.rest = arguments

    @contextlib.asynccontextmanager
    async def agent(self, mode):
        async with contextlib.AsyncExitStack() as stack:
            if self.kind == "stdio":
                server = StdioServerParameters(command=self.rest[0], args=self.rest[1:])
            else:
                headers = {"Authorization": f"Bearer {self.rest[1]}"} if len(self.rest) > 1 else {}
                timeout = httpx2.Timeout(30, read=300)
                web = await stack.enter_async_context(httpx2.AsyncClient(headers=headers, timeout=timeout))
                server = streamable_http_client(self.rest[0], http_client=web)
            client = await stack.enter_async_context(Client(server, mode=mode))
            assert client.protocol_version == MODES[mode], client.protocol_version
            # The client looks at every answer by the schema that the tool was listed with.
            await client.list_tools()
            yield Agent(client)


async def image_of(agent):
    """A name for the photograph: a file where the server lets agents name any, else the bytes."""
    folders = (await agent.call("list_recipes"))["folders"]
    if not folders:
        return data_url(photograph(64, 48)), None
    folder = Path(tempfile.mkdtemp(dir=folders[0]))
    (folder / "sea.png").write_bytes(photograph(64, 48))
    return str(folder / "sea.png"), folder


async def tools_are_described(agent):
    tools = {tool.name: tool for tool in (await agent.client.list_tools()).tools}
    given = {"list_recipes", "edit_image", "refine_edit", "score_edit", "compare_edits"}
    given |= {"list_edits", "undo_edit", "go_to_edit", "save_edit"}
    assert given <= tools.keys(), tools.keys()
    for tool in tools.values():
        assert tool.title and tool.description and tool.output_schema and tool.annotations.destructive_hint is False
        assert all("description" in property for property in tool.input_schema["properties"].values()), tool.name
    assert "data from outside" in agent.client.instructions
    recipes = (await agent.call("list_recipes"))["recipes"]
    assert recipes[0]["is_usual"] and recipes[0]["rewards"] and recipes[0]["editors"]


async def edits_are_made_scored_and_compared(agent):
    image, _ = await image_of(agent)
    first = await agent.call("edit_image", image=image, instruction=INSTRUCTION, budget={"edits": 3}, seed=1)
    assert first["edit"] == first["current"] == "e1" and first["parent"] is None
    assert agent.kinds() == ["text", "resource_link"], agent.kinds()
    link = agent.last.content[1]
    told = first["image"]
    assert (str(link.uri), link.mime_type, link.size) == (told["uri"], "image/png", told["bytes"])
    second = await agent.call("refine_edit", instruction="a little brighter", budget={"edits": 1}, inline=True)
    assert second["parent"] == "e1" and agent.kinds() == ["text", "resource_link", "image"], agent.kinds()
    score = await agent.call("score_edit", source=image, edited="e1", instruction=INSTRUCTION)
    assert score["utility"] == first["utility"] and score["spent"]["reward_calls"] >= 1
    candidates = ["e1", "e2", image, "e1"]
    compared = await agent.call("compare_edits", source=image, candidates=candidates, instruction=INSTRUCTION)
    ranking = {ranked["index"]: ranked for ranked in compared["ranking"]}
    assert len(ranking) == 4 and ranking[0]["rank"] == ranking[3]["rank"] and ranking[0]["is_tied"]
    assert compared["ranking"][0]["rank"] == 1


async def one_goes_back_and_branches(agent):
    image, _ = await image_of(agent)
    await agent.call("edit_image", image=image, instruction=INSTRUCTION, budget={"edits": 2})
    await agent.call("refine_edit", instruction="more contrast", budget={"edits": 1})
    undone = await agent.call("undo_edit")
    assert undone["undone"] == "e2" and undone["current"]["edit"] == "e1"
    branch = await agent.call("refine_edit", instruction="less contrast", budget={"edits": 1})
    assert (branch["edit"], branch["parent"]) == ("e3", "e1")
    moved = await agent.call("go_to_edit", edit="e2", inline=True)
    assert moved["current"]["edit"] == "e2" and "image" in agent.kinds()
    edits = await agent.call("list_edits")
    assert [edit["parent"] for edit in edits["edits"]] == [None, "e1", "e1"] and edits["current"] == "e2"
    assert edits["spent"]["edits"] == 4
    for _ in range(2):
        await agent.call("undo_edit")
    assert await agent.refused("undo_edit") == "nothing_to_undo"
    assert await agent.refused("refine_edit", instruction="warmer") == "no_current_edit"


async def resources_are_listed_and_read(agent):
    image, _ = await image_of(agent)
    made = await agent.call("edit_image", image=image, instruction=INSTRUCTION, budget={"edits": 1})
    listed = await agent.client.list_resources()
    uris = [str(resource.uri) for resource in listed.resources]
    assert made["image"]["uri"] in uris and made["trace"] in uris
    templates = (await agent.client.list_resource_templates()).resource_templates
    assert {template.uri_template.rsplit("/", 1)[1] for template in templates} == {"source", "{candidate}", "trace"}
    picture = (await agent.client.read_resource(made["image"]["uri"])).contents[0]
    assert picture.mime_type == "image/png" and len(base64.b64decode(picture.blob)) == made["image"]["bytes"]
    trace = json.loads((await agent.client.read_resource(made["trace"])).contents[0].text)
    assert trace["run"] == made["run"] and trace["winner"] == made["candidate"]
    for uri in ["editscale://runs/r0/trace", f"editscale://runs/{made['run']}/journal.jsonl", "file:///etc/passwd"]:
        try:
            await agent.client.read_resource(uri)
        except MCPError:
            continue
        raise AssertionError(f"{uri} was read")


async def files_outside_of_the_folders_are_refused(agent):
    image, folder = await image_of(agent)
    refusals = {"outside_of_roots", "invalid_argument", "not_found"}
    elsewhere = ["../../etc/passwd", "/etc/passwd", "/proc/self/environ", "/dev/zero"]
    for path in [*elsewhere, "file:///etc/passwd", "https://example.org/a.png"]:
        assert await agent.refused("edit_image", image=path, instruction=INSTRUCTION) in refusals, path
        assert await agent.refused("score_edit", source=image, edited=path, instruction=INSTRUCTION) in refusals, path
    for path in ["../x.png", "/tmp/x.png", "/etc/x.png"]:
        assert await agent.refused("edit_image", image=image, instruction=INSTRUCTION, save_to=path) in refusals, path
    if folder is None:
        return
    (folder / "link.png").symlink_to("/etc/hostname")
    link = str(folder / "link.png")
    assert await agent.refused("edit_image", image=link, instruction=INSTRUCTION) == "outside_of_roots"
    target = str(folder / "warm.jpg")
    made = await agent.call("edit_image", image=image, instruction=INSTRUCTION, budget={"edits": 1}, save_to=target)
    assert made["saved_to"] == target and Path(target).read_bytes()[:3] == b"\xff\xd8\xff"
    assert await agent.refused("save_edit", save_to=target) == "file_exists"
    await agent.call("save_edit", save_to=str(folder / "warm.webp"))
    assert sorted(path.name for path in folder.iterdir()) == ["link.png", "sea.png", "warm.jpg", "warm.webp"]


async def wrong_arguments_are_told(agent):
    image, _ = await image_of(agent)
    for arguments in [
        {"image": image},
        {"image": image, "instruction": ""},
        {"image": image, "instruction": INSTRUCTION, "sed": 1},
        {"image": image, "instruction": INSTRUCTION, "search": {"dice": {}}},
        {"image": image, "instruction": INSTRUCTION, "budget": {"edits": 0}},
        {"image": image, "instruction": INSTRUCTION, "size": "large"},
        {"image": "data:image/png;base64,AAAA", "instruction": INSTRUCTION},
    ]:
        assert await agent.refused("edit_image", **arguments) == "invalid_argument", arguments
    assert await agent.refused("edit_image", image=image, instruction=INSTRUCTION, recipe="none") == "not_found"
    assert await agent.refused("list_edits", conversation="c0") == "not_found"
    try:
        await agent.client.call_tool("delete_everything", {})
    except MCPError:
        return
    raise AssertionError("there is no such tool")


async def slow(agent):
    """What makes an edit take its time."""
    recipes = [recipe["name"] for recipe in (await agent.call("list_recipes"))["recipes"]]
    if "slow" in recipes:
        return {"image": data_url(photograph(64, 48)), "recipe": "slow"}
    search = {"best_of_n": {"samples": 64}}
    return {"image": data_url(photograph(1200, 900)), "search": search}


async def progress_is_told(agent):
    heard = []

    async def progress(done, total, message):
        heard.append((done, total, message))

    how = await slow(agent)
    await agent.call("edit_image", progress=progress, instruction=INSTRUCTION, budget={"edits": 4}, **how)
    steps = [done for done, _, _ in heard]
    assert len(steps) >= 3 and steps == sorted(set(steps)), heard
    assert "candidates tried" in heard[-1][2] and heard[-1][0] <= heard[-1][1], heard


async def a_call_that_is_given_up_is_cancelled(agent):
    how = await slow(agent)
    # The conversation is known before anything is given up.
    await agent.call("edit_image", **{**how, "instruction": INSTRUCTION, "budget": {"edits": 1}})
    begun = anyio.Event()

    async def progress(done, total, message):
        if done >= 1:
            begun.set()

    async with anyio.create_task_group() as tasks:

        async def edit():
            await agent.call("edit_image", progress=progress, instruction=INSTRUCTION, **how)
            raise AssertionError("it was to be given up")

        tasks.start_soon(edit)
        with anyio.fail_after(60):
            await begun.wait()
        tasks.cancel_scope.cancel()
    # The next one that spends waits until the one that was given up has settled.
    with anyio.fail_after(60):
        await agent.call("score_edit", source=how["image"], edited="e1", instruction=INSTRUCTION)
    edits = await agent.call("list_edits")
    assert [edit["edit"] for edit in edits["edits"]] == ["e1"], "what was given up is no edit"
    assert 2 <= edits["spent"]["edits"] < 40, edits["spent"]


async def the_budget_spans_the_calls(agent):
    image, _ = await image_of(agent)
    await agent.call("edit_image", image=image, instruction=INSTRUCTION, budget={"edits": 1})
    budget = (await agent.call("list_edits"))["budget"].get("edits")
    if budget is None:
        return "the server sets no budget in edits"
    spent, told = 1, None
    while told is None and spent <= budget:
        try:
            made = await agent.call("refine_edit", instruction="a little brighter")
            spent += made["spent"]["edits"]
            assert made["budget_left"]["edits"] == budget - spent
        except Refused as refused:
            told = refused.told
    told = told or await agent.refused("refine_edit", instruction="brighter")
    edits = await agent.call("list_edits")
    assert edits["spent"]["edits"] == spent == budget and edits["budget_left"]["edits"] == 0, edits["spent"]
    assert await agent.refused("edit_image", image=image, instruction=INSTRUCTION) == "budget_exhausted"


CHECKS = [
    tools_are_described,
    edits_are_made_scored_and_compared,
    one_goes_back_and_branches,
    resources_are_listed_and_read,
    files_outside_of_the_folders_are_refused,
    wrong_arguments_are_told,
    progress_is_told,
    a_call_that_is_given_up_is_cancelled,
    the_budget_spans_the_calls,
]


async def main(place):
    passed, failed = 0, 0
    for mode, version in MODES.items():
        for check in CHECKS:
            name = f"{place.kind} {version} {check.__name__}"
            try:
                with anyio.fail_after(120):
                    async with place.agent(mode) as agent:
                        left_out = await check(agent)
                passed += 1
                print("ok  ", name, f"({left_out})" if left_out else "")
            except Exception:
                failed += 1
                print("FAIL", name)
                traceback.print_exc()
    print(f"{passed} passed, {failed} failed")
    return failed


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in ("stdio", "http"):
        sys.exit(__doc__)
    sys.exit(1 if anyio.run(main, Place(sys.argv[1:])) else 0)
