"""Messages of the host as what user code is given, and what it gives as messages. Keys that are not known are left aside."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from ._spool import Room, Spool
from .cards import Knob
from .failures import Failure
from .pictures import Picture, encoded
from .work import Edited, EditItem, Proposal, RewardItem, Weights, whole_of

MESSAGE_SHARE = 2
"""Pictures that are in a message itself take at most this part of the longest frame."""


@dataclass(frozen=True)
class Welcome:
    """What the host wants of the plugin."""

    version: Any
    kind: str
    name: str
    session: str
    spool: str
    config: Mapping[str, Any]
    frame_bytes: int
    inline_bytes: int

    @classmethod
    def of(cls, value: Any) -> Welcome:
        """From the message."""
        keys = _Keys(value, "welcome")
        return cls(
            version=keys.get("version", str),
            kind=keys.get("kind", str),
            name=keys.get("name", str),
            session=keys.get("session", str, ""),
            spool=keys.get("spool", str),
            config=keys.get("config", Mapping, {}),
            frame_bytes=keys.get("frame_bytes", int),
            inline_bytes=keys.get("inline_bytes", int),
        )


def reward_items(value: Any, spool: Spool) -> list[RewardItem]:
    """The items of a call of `score`."""
    keys = _Keys(value, "score")
    pictures = _pictures(keys, spool)
    return [_reward_item(_Keys(item, f"score.items[{index}]"), pictures, index) for index, item in enumerate(_items(keys))]


def _reward_item(keys: _Keys, pictures: Sequence[Picture], index: int) -> RewardItem:
    return RewardItem(
        source=keys.picture("source", pictures),
        candidate=keys.picture("candidate", pictures),
        instruction=keys.get("instruction", str),
        mask=keys.picture_or_none("mask", pictures),
        index=index,
    )


def edit_items(value: Any, spool: Spool, knobs: Sequence[Knob]) -> list[EditItem]:
    """The items of a call of `edit`."""
    keys = _Keys(value, "edit")
    pictures = _pictures(keys, spool)
    defaults = {knob.name: float(knob.default) for knob in knobs}
    return [_edit_item(_Keys(item, f"edit.items[{index}]"), pictures, defaults, index) for index, item in enumerate(_items(keys))]


def _edit_item(keys: _Keys, pictures: Sequence[Picture], defaults: Mapping[str, float], index: int) -> EditItem:
    proposal = _proposal(_Keys(keys.get("proposal", Mapping), f"{keys.place}.proposal"))
    size = keys.get("output_size", Mapping, None)
    path = [_proposal(_Keys(step, f"{keys.place}.path[{number}]")) for number, step in enumerate(keys.get("path", list, []))]
    return EditItem(
        source=keys.picture("source", pictures),
        start_picture=keys.picture("start_picture", pictures),
        proposal=proposal,
        path=tuple(path),
        run=keys.get("run", str),
        mask=keys.picture_or_none("mask", pictures),
        request_instruction=keys.get("request_instruction", str, ""),
        output_size=None if size is None else _size(_Keys(size, f"{keys.place}.output_size")),
        knobs={**defaults, **proposal.knobs},
        index=index,
    )


def _size(keys: _Keys) -> tuple[int, int]:
    return keys.get("width", int), keys.get("height", int)


def _proposal(keys: _Keys) -> Proposal:
    knobs = keys.get("knobs", Mapping, {})
    for name, turned in knobs.items():
        if isinstance(turned, bool) or not isinstance(turned, (int, float)) or not math.isfinite(turned):
            keys.wrong(f"knobs.{name}", "a finite number", turned)
    start, parent = keys.tagged("start", ("source",), ("candidate", "paused"))
    if parent is not None and (isinstance(parent, bool) or not isinstance(parent, int)):
        keys.wrong(f"start.{start}", "a candidate's number", parent)
    return Proposal(
        candidate=keys.get("candidate", int),
        seed=keys.get("seed", int),
        instruction=keys.get("instruction", str),
        knobs={str(name): float(turned) for name, turned in knobs.items()},
        start=start,
        parent=parent,
        until_step=keys.get("until_step", int, None),
    )


def weights(value: Any) -> Weights:
    """What a call of `adopt` names."""
    keys = _Keys(value, "adopt")
    kind, path = keys.tagged("kind", ("base",), ("adapter", "checkpoint"))
    if path is not None and not isinstance(path, str):
        keys.wrong(f"kind.{kind}", "a path", path)
    return Weights(
        version=keys.get("version", str),
        kind=kind,
        path=None if path is None else Path(path),
        scale=float(keys.get("scale", (int, float), 1.0)),
    )


def paused_keys(value: Any) -> list[tuple[str, int]]:
    """Run and candidate of each state that `release` names."""
    if not isinstance(value, list):
        raise Failure(f"`release`: expected a list, found {value!r:.80}", kind="invalid")
    places = [_Keys(place, f"release[{number}]") for number, place in enumerate(value)]
    return [(place.get("run", str), place.get("candidate", int)) for place in places]


def edited(made: Edited, spool: Spool, room: Room) -> dict[str, Any]:
    """What was made, as a message has it."""
    trajectory = None
    if made.trajectory is not None:
        shape, latents = made.trajectory.packed()
        trajectory = {
            "shape": shape,
            "latents": spool.pack(latents, "f32", room),
            "timesteps": [float(time) for time in made.trajectory.timesteps],
            "sigmas": [float(sigma) for sigma in made.trajectory.sigmas],
            "log_probabilities": [None if value is None else float(value) for value in made.trajectory.log_probabilities],
        }
    counters = ("text_encodes", "image_encodes", "denoiser_passes", "image_decodes")
    return {
        "image": spool.pack_picture(encoded(made.image), room),
        "cost": made.cost.to_wire(),
        "effective_seed": None if made.effective_seed is None else whole_of(made.effective_seed),
        "notes": [str(note) for note in made.notes],
        "counters": {name: whole_of(getattr(made, name)) for name in counters},
        "trajectory": trajectory,
    }


def _pictures(keys: _Keys, spool: Spool) -> list[Picture]:
    return [spool.picture(picture) for picture in keys.get("images", list)]


def _items(keys: _Keys) -> list[Any]:
    items: list[Any] = keys.get("items", list)
    if not items:
        keys.wrong("items", "at least one item", items)
    return items


_MISSING: Any = object()
_WORDS = {str: "a text", int: "a whole number", list: "a list", Mapping: "a map"}


class _Keys:
    """A map of a message, whose keys are asked for by their type."""

    def __init__(self, value: Any, place: str) -> None:
        self.place = place
        if not isinstance(value, Mapping):
            raise Failure(f"`{place}`: expected a map, found {value!r:.80}", kind="invalid")
        self._values = value

    def wrong(self, key: str, expected: str, found: Any) -> NoReturn:
        """Says that a key is not what it should be."""
        raise Failure(f"`{self.place}.{key}`: expected {expected}, found {found!r:.80}", kind="invalid")

    def get(self, key: str, kind: Any, default: Any = _MISSING) -> Any:
        """The value of a key; nil is as good as not there."""
        value = self._values.get(key)
        if value is None:
            if default is _MISSING:
                raise Failure(f"`{self.place}.{key}` is missing: expected {_WORDS.get(kind, 'a value')}", kind="invalid")
            return default
        if not isinstance(value, kind) or isinstance(value, bool):
            self.wrong(key, _WORDS.get(kind, "a number"), value)
        return value

    def tagged(self, key: str, plain: Sequence[str], holding: Sequence[str]) -> tuple[Any, Any]:
        """An alternative: a word by itself, or a map with one word that holds something."""
        value = self._values.get(key)
        if isinstance(value, str) and value in plain:
            return value, None
        if isinstance(value, Mapping) and len(value) == 1:
            [(word, held)] = value.items()
            if word in holding and held is not None:
                return word, held
        self.wrong(key, f"one of {', '.join([*plain, *holding])}", value)

    def picture(self, key: str, pictures: Sequence[Picture]) -> Picture:
        """The picture whose place a key names."""
        place = self.get(key, int)
        if not 0 <= place < len(pictures):
            self.wrong(key, f"the place of one of {len(pictures)} pictures", place)
        return pictures[place]

    def picture_or_none(self, key: str, pictures: Sequence[Picture]) -> Picture | None:
        """Likewise, where there may be none."""
        return None if self._values.get(key) is None else self.picture(key, pictures)
