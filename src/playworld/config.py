"""Frozen dataclasses to JSON and back, strictly: a config may come from a stranger."""

import dataclasses
import difflib
import functools
import math
import types
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, TypeVar, Union

T = TypeVar("T")


class InputError(ValueError):
    """Bad input from outside: a file, a folder, an option, a config.

    The message is one line that names what was required, what was given, and what to do next; the
    command line prints it as it is and exits with code 2.
    """


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """The second half of "unknown preset 'smal', did you mean 'small'?".

    Names every choice where none is close.
    """
    known = sorted(choices)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"choose one of {', '.join(known)}" if known else "there is none to choose from"


def check_ranges(config: Any, **ranges: tuple[float, float]) -> None:
    """Raise InputError by the name of the first field outside its range; both ends are inside."""
    for name, (least, most) in ranges.items():
        value = getattr(config, name)
        if not least <= value <= most:
            raise InputError(f"{name} must be in [{least}, {most}], got {_shown(value)}")


def check_counts(config: Any, *names: str) -> None:
    """Raise InputError by the name of the first field below 1; None stands for a default."""
    for name in names:
        value = getattr(config, name)
        if value is not None and value < 1:
            raise InputError(f"{name} must be at least 1, got {value}")


def to_dict(config: Any) -> dict[str, Any]:
    """A dataclass as plain JSON values: tuples become lists, paths strings."""
    return {f.name: _plain(getattr(config, f.name)) for f in dataclasses.fields(config)}


def from_dict(cls: type[T], data: Any, where: str = "config") -> T:
    """Build the dataclass `cls` from JSON values; `where` is the prefix of field names in errors.

    Fields that have a default may be left out. Nothing is converted but an integer to a float.

    Raises:
        InputError: for an unknown or missing field, a wrong type, NaN or infinity, or a value that
            the dataclass itself refuses. The message starts with the dotted name of the field.
    """
    if not isinstance(data, dict):
        raise InputError(f"{where}: expected an object, got {_shown(data)}")
    fields = {f.name: f for f in dataclasses.fields(cls) if f.init}  # type: ignore[arg-type]
    for key in data:
        if key not in fields:
            raise InputError(f"{where}.{key}: unknown field, {did_you_mean(str(key), fields)}")
    hints = _hints(cls)  # type: ignore[arg-type]
    values = {}
    for name, field in fields.items():
        if name in data:
            values[name] = _read(hints[name], data[name], f"{where}.{name}")
        elif _is_required(field):
            raise InputError(f"{where}.{name}: missing")
    try:
        return cls(**values)
    except ValueError as error:
        raise InputError(f"{where}: {error}") from error


_hints = functools.cache(typing.get_type_hints)  # half of the time that a message of a player takes


def _is_required(field: dataclasses.Field) -> bool:
    missing = dataclasses.MISSING
    return field.default is missing and field.default_factory is missing


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return to_dict(value)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a config holds plain values, got {type(value).__name__}")


def _read(hint: Any, value: Any, where: str) -> Any:
    """One value as the type that its field declares."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint):
        return from_dict(hint, value, where)  # type: ignore[arg-type]
    if origin is Literal:
        return _read_literal(args, value, where)
    if origin in (Union, types.UnionType):
        return _read_union(args, value, where)
    if origin is tuple:
        return _read_tuple(args, value, where)
    return _read_scalar(hint, value, where)


def _read_literal(choices: tuple, value: Any, where: str) -> Any:
    for choice in choices:
        if type(value) is type(choice) and value == choice:
            return choice
    if isinstance(value, str):
        raise InputError(f"{where}: unknown {value!r}, {did_you_mean(value, map(str, choices))}")
    raise InputError(f"{where}: expected one of {list(choices)}, got {_shown(value)}")


def _read_union(options: tuple, value: Any, where: str) -> Any:
    if value is None and type(None) in options:
        return None
    present = [option for option in options if option is not type(None)]
    if len(present) == 1:
        return _read(present[0], value, where)
    problem = ""
    for option in sorted(present, key=lambda option: _known(option, value)):
        try:
            return _read(option, value, where)
        except InputError as error:
            problem = str(error)  # in the end of the kind that was most likely meant
    raise InputError(problem)


def _known(option: Any, value: Any) -> int:
    """How many keys of a value are fields of this kind of it."""
    if not (dataclasses.is_dataclass(option) and isinstance(value, dict)):
        return 0
    return len(value.keys() & {field.name for field in dataclasses.fields(option)})


def _read_tuple(args: tuple, value: Any, where: str) -> tuple:
    if not isinstance(value, list | tuple):
        raise InputError(f"{where}: expected a list, got {_shown(value)}")
    if len(args) == 2 and args[1] is Ellipsis:
        args = (args[0],) * len(value)
    if len(args) != len(value):
        raise InputError(f"{where}: expected {len(args)} values, got {len(value)}")
    pairs = zip(args, value, strict=True)
    return tuple(_read(arg, item, f"{where}[{i}]") for i, (arg, item) in enumerate(pairs))


def _read_scalar(hint: Any, value: Any, where: str) -> Any:
    if hint is Path and isinstance(value, str):
        return Path(value)
    # bool is a subclass of int: `true` for a count is a mistake, not 1.
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return _read_float(value, where)
    if type(value) is hint:
        return value
    expected = {int: "an integer", float: "a number", bool: "true or false", str: "a string"}
    raise InputError(f"{where}: expected {expected.get(hint, hint)}, got {_shown(value)}")


def _read_float(value: int | float, where: str) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InputError(f"{where}: expected a finite number, got {_shown(value)}")
    return number


def _shown(value: Any) -> str:
    """A stranger's value in one short line of an error message."""
    try:
        text = repr(value)
    except ValueError:  # an integer of more than 4,300 digits
        text = "a huge integer"
    return text if len(text) <= 60 else text[:57] + "..."
