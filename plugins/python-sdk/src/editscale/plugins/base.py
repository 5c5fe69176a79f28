"""What a plugin derives from."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

from .call import Call
from .cards import EditorCard, RewardCard
from .config import Config
from .failures import Failure
from .paused import PausedStates
from .work import EditItem, Judged, RewardItem, Weights, outcomes

I = TypeVar("I", RewardItem, EditItem)  # noqa: E741 - an item
log = logging.getLogger("editscale.plugins")


class Plugin:
    """What rewards and editors have in common."""

    name: ClassVar[str] = ""
    """What it is called, for people; the class's name where there is none."""
    version: ClassVar[str] = ""
    """Its own version, for people."""

    def close(self) -> None:
        """Called once at the end, where there is time for it."""


class Reward(Plugin, ABC):
    """Judges pictures. Either `score` or, simpler, `score_one` is written."""

    @abstractmethod
    def load(self, config: Config) -> RewardCard:
        """Loads what is needed and says what it measures. Heavy imports belong here, so that mistakes are told at once.

        `Unready`, and any other exception, says that it cannot get ready, ever.
        """

    def score(self, items: Sequence[RewardItem], call: Call) -> Sequence[Judged | Failure | float]:
        """One outcome an item, in their order. Asks `score_one` for each where it is not written.

        After an exception, items of a pointwise reward are asked for again one by one, so that only those fail that cannot be done;
        not so after a `Failure` of kind `ambiguous`.
        """
        return each(items, call, self.score_one)

    def score_one(self, item: RewardItem, call: Call) -> Judged | Failure | float:
        """The outcome of one item. An exception fails this item only."""
        raise NotImplementedError("a reward writes `score` or `score_one`")


class Editor(Plugin, ABC):
    """Makes pictures. Either `edit` or, simpler, `edit_one` is written."""

    paused: PausedStates
    """States that edits were left in half way; `release` takes them out."""

    def __new__(cls, *arguments: Any, **options: Any) -> Editor:
        """With a place for states, also where `__init__` of a subclass does not call ours."""
        made = super().__new__(cls)
        made.paused = PausedStates()
        return made

    @abstractmethod
    def load(self, config: Config) -> EditorCard:
        """Loads what is needed and says what it can do. Heavy imports belong here, so that mistakes are told at once.

        `Unready`, and any other exception, says that it cannot get ready, ever.
        """

    def edit(self, items: Sequence[EditItem], call: Call) -> Sequence[Any]:
        """One outcome an item, in their order: `Edited`, `Failure`, or just a picture. Asks `edit_one` for each where it is not written.

        After an exception, items are asked for again one by one, so that only those fail that cannot be done; not so where the
        card's `recovery` is `unknown`, nor after a `Failure` of kind `ambiguous`.
        """
        return each(items, call, self.edit_one)

    def edit_one(self, item: EditItem, call: Call) -> Any:
        """The outcome of one item: `Edited`, `Failure`, or just a picture. An exception fails this item only."""
        raise NotImplementedError("an editor writes `edit` or `edit_one`")

    def release(self, keys: Sequence[tuple[str, int]]) -> None:
        """The states under these runs and candidates are not wanted any more."""
        self.paused.release(keys)

    def adopt(self, weights: Weights) -> str:
        """Takes up other weights, and tells what tells them from all others, such as a digest.

        After an exception the earlier weights must be in force; where that cannot be held, it is a `Failure` of kind `ambiguous`.
        """
        raise Failure(f"this editor takes up no other weights, such as `{weights.version}`", kind="refused")


def isolated(items: Sequence[I], call: Call, ask: Callable[[Sequence[I], Call], Any], method: str) -> list[Any]:
    """Asks for the outcomes of all items; where that raises, for those of each alone."""
    try:
        return outcomes(ask(items, call), len(items), method)
    except Exception as error:
        # What may be done and paid already is not asked for again.
        is_in_doubt = isinstance(error, Failure) and error.kind == "ambiguous"
        if len(items) == 1 or call.cancelled or is_in_doubt:
            raise
        log.warning("`%s` of %d items failed, each is tried alone: %s", method, len(items), Failure.of(error).message)

    def one(item: I, call: Call) -> Any:
        return outcomes(ask([replace(item, index=0)], call.alone(item)), 1, method)[0]

    return each(items, call, one)


def each(items: Sequence[I], call: Call, one: Callable[[I, Call], Any]) -> list[Any]:
    """Asks for the outcome of each item. What goes wrong with one leaves the others alone."""
    made: list[Any] = []
    for item in items:
        try:
            call.check_cancelled()
            made.append(one(item, call))
            call.done(item)
        except Failure as failure:
            made.append(failure)
        except Exception as error:
            log.exception("item %d of call %d failed", item.index, call.number)
            made.append(Failure.of(error))
    return made
