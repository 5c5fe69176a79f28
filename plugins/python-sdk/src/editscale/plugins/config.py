"""What the recipe sets under `config`, with errors that people can use."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar, overload

D = TypeVar("D")


class _Required:
    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED: Final = _Required()


class ConfigError(ValueError):
    """A setting that is missing, unknown, or not what it should be."""


class Config:
    """The settings of a plugin. Each is asked for by its type; a key that nobody asked for is an error of the recipe.

    >>> model = config.text("model")
    >>> steps = config.whole("steps", default=28, low=1)
    """

    def __init__(self, values: Mapping[str, Any] | None = None, place: str = "config") -> None:
        """For these values; `place` is what messages call them."""
        self._values = dict(values or {})
        self._place = place
        self._asked: dict[str, Config | None] = {}

    def __contains__(self, key: object) -> bool:
        return key in self._values

    @overload
    def text(self, key: str, *, choices: Sequence[str] = ()) -> str: ...
    @overload
    def text(self, key: str, default: D, *, choices: Sequence[str] = ()) -> str | D: ...
    def text(self, key: str, default: Any = REQUIRED, *, choices: Sequence[str] = ()) -> Any:
        """A text, one of `choices` where there are any."""
        expected = f"one of {', '.join(choices)}" if choices else "a text"
        return self._get(key, default, expected, lambda value: isinstance(value, str) and (not choices or value in choices))

    @overload
    def whole(self, key: str, *, low: int | None = None, high: int | None = None) -> int: ...
    @overload
    def whole(self, key: str, default: D, *, low: int | None = None, high: int | None = None) -> int | D: ...
    def whole(self, key: str, default: Any = REQUIRED, *, low: int | None = None, high: int | None = None) -> Any:
        """A whole number within bounds, which are allowed themselves."""
        expected = f"a whole number{_bounds(low, high)}"
        return self._get(key, default, expected, lambda value: isinstance(value, int) and _is_number(value, low, high))

    @overload
    def number(self, key: str, *, low: float | None = None, high: float | None = None) -> float: ...
    @overload
    def number(self, key: str, default: D, *, low: float | None = None, high: float | None = None) -> float | D: ...
    def number(self, key: str, default: Any = REQUIRED, *, low: float | None = None, high: float | None = None) -> Any:
        """A finite number within bounds, which are allowed themselves."""
        value = self._get(key, default, f"a number{_bounds(low, high)}", lambda value: _is_number(value, low, high))
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @overload
    def flag(self, key: str) -> bool: ...
    @overload
    def flag(self, key: str, default: D) -> bool | D: ...
    def flag(self, key: str, default: Any = REQUIRED) -> Any:
        """`true` or `false`."""
        return self._get(key, default, "`true` or `false`", lambda value: isinstance(value, bool))

    @overload
    def texts(self, key: str) -> list[str]: ...
    @overload
    def texts(self, key: str, default: D) -> list[str] | D: ...
    def texts(self, key: str, default: Any = REQUIRED) -> Any:
        """A list of texts."""
        is_texts = lambda value: isinstance(value, list) and all(isinstance(item, str) for item in value)  # noqa: E731
        return self._get(key, default, "a list of texts", is_texts)

    @overload
    def path(self, key: str) -> Path: ...
    @overload
    def path(self, key: str, default: D) -> Path | D: ...
    def path(self, key: str, default: Any = REQUIRED) -> Any:
        """The path of something that is there; `~` is the home folder."""
        value = self._get(key, default, "the path of a file or folder", lambda value: isinstance(value, str) and value != "")
        if key not in self._values:
            return value
        found = Path(value).expanduser()
        if not found.exists():
            raise ConfigError(f"`{self._place}.{key}`: there is no file or folder {found.absolute()}")
        return found

    def section(self, key: str) -> Config:
        """The settings under a key; none where it is not there."""
        value = self._get(key, {}, "a map of settings", lambda value: isinstance(value, dict))
        # Whoever asks again adds to what was asked for.
        section = self._asked[key] or Config(value, f"{self._place}.{key}")
        self._asked[key] = section
        return section

    @overload
    def value(self, key: str) -> Any: ...
    @overload
    def value(self, key: str, default: D) -> Any | D: ...
    def value(self, key: str, default: Any = REQUIRED) -> Any:
        """Whatever is there."""
        return self._get(key, default, "a value", lambda _: True)

    def rest(self) -> dict[str, Any]:
        """Every setting that was not asked for by its name, as it is: to be handed on to a library, say."""
        rest = {key: value for key, value in self._values.items() if key not in self._asked}
        self._asked.update(dict.fromkeys(rest))
        return rest

    def check_unused(self) -> None:
        """Raises where a key was not asked for by anybody. The SDK calls it after `load`."""
        for key in self._values:
            if key not in self._asked:
                known = ", ".join(f"`{name}`" for name in self._asked) or "no keys at all"
                raise ConfigError(f"`{self._place}.{key}` is not a setting of this plugin: expected {known}")
        for section in self._asked.values():
            if section is not None:
                section.check_unused()

    def _get(self, key: str, default: Any, expected: str, is_right: Any) -> Any:
        self._asked.setdefault(key, None)
        if key not in self._values:
            if isinstance(default, _Required):
                raise ConfigError(f"`{self._place}.{key}` is missing: expected {expected}")
            return default
        value = self._values[key]
        if not is_right(value):
            raise ConfigError(f"`{self._place}.{key}`: expected {expected}, found {value!r:.80}")
        return value


def _is_number(value: Any, low: float | None, high: float | None) -> bool:
    is_one = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return is_one and (low is None or value >= low) and (high is None or value <= high)


def _bounds(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f" from {low} to {high}"
    if low is not None:
        return f" of at least {low}"
    return "" if high is None else f" of at most {high}"
