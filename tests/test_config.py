from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import pytest

from playworld.config import InputError, check_counts, did_you_mean, from_dict, to_dict


@dataclass(frozen=True)
class Inner:
    width: int
    ratio: float = 4.0

    def __post_init__(self) -> None:
        if self.width < 1:
            raise ValueError(f"width must be positive, got {self.width}")


@dataclass(frozen=True)
class Round:
    radius: int
    colour: str = "red"


@dataclass(frozen=True)
class Outer:
    name: str
    inner: Inner
    stem: Literal["linear", "conv"] = "linear"
    layers: tuple[Inner, ...] = ()
    pair: tuple[int, str] = (1, "a")
    maybe: Inner | None = None
    flag: bool = False
    folder: Path = Path("here")
    shape: Round | Inner = Round(1)


FULL = Outer("w", Inner(8, 0.5), "conv", (Inner(1), Inner(2)), (3, "b"), Inner(4), True, Path("x"))


def read(**changes):
    return from_dict(Outer, {"name": "w", "inner": {"width": 8}, **changes})


@pytest.mark.parametrize("config", [FULL, Outer("w", Inner(8))])
def test_a_config_survives_json(config):
    import json

    assert from_dict(Outer, json.loads(json.dumps(to_dict(config)))) == config


def test_an_integer_may_stand_for_a_number():
    assert read(inner={"width": 8, "ratio": 2}).inner == Inner(8, 2.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inner": {"widht": 8}}, "config.inner.widht: unknown field, did you mean 'width'?"),
        ({"inner": {}}, "config.inner.width: missing"),
        ({"inner": {"width": True}}, "config.inner.width: expected an integer, got True"),
        ({"inner": {"width": 8.0}}, "config.inner.width: expected an integer, got 8.0"),
        ({"inner": {"width": "8"}}, "config.inner.width: expected an integer, got '8'"),
        ({"inner": {"width": 0}}, "config.inner: width must be positive, got 0"),
        ({"inner": {"width": 8, "ratio": float("nan")}}, "config.inner.ratio: expected a finite"),
        ({"inner": {"width": 8, "ratio": float("inf")}}, "config.inner.ratio: expected a finite"),
        ({"inner": {"width": 8, "ratio": 10**400}}, "config.inner.ratio: expected a finite"),
        ({"inner": {"width": 8, "ratio": True}}, "config.inner.ratio: expected a number, got True"),
        ({"inner": [8]}, "config.inner: expected an object, got [8]"),
        ({"inner": None}, "config.inner: expected an object, got None"),
        ({"stem": "cone"}, "config.stem: unknown 'cone', did you mean 'conv'?"),
        ({"stem": 1}, "config.stem: expected one of ['linear', 'conv'], got 1"),
        ({"layers": [{"width": 1}, {"width": -1}]}, "config.layers[1]: width must be positive"),
        ({"layers": {"width": 1}}, "config.layers: expected a list, got {'width': 1}"),
        ({"pair": [1]}, "config.pair: expected 2 values, got 1"),
        ({"maybe": {"width": None}}, "config.maybe.width: expected an integer, got None"),
        ({"shape": {"radius": "1"}}, "config.shape.radius: expected an integer, got '1'"),
        ({"shape": {"width": 0}}, "config.shape: width must be positive, got 0"),
        ({"shape": {"colour": "blue"}}, "config.shape.radius: missing"),
        ({"flag": 1}, "config.flag: expected true or false, got 1"),
        ({"name": 3}, "config.name: expected a string, got 3"),
    ],
)
def test_what_does_not_fit_is_refused_by_field_name(changes, message):
    with pytest.raises(InputError) as refusal:
        read(**changes)
    assert str(refusal.value).startswith(message)


def test_a_huge_value_does_not_fill_the_message():
    with pytest.raises(InputError) as refusal:
        read(name=["x" * 10_000])
    assert len(str(refusal.value)) < 200


def test_a_number_of_10000_digits_is_refused_like_any_other():
    with pytest.raises(InputError, match="config.name: expected a string, got a huge integer"):
        read(name=10**10_000)


def test_a_missing_required_field_is_named():
    with pytest.raises(InputError, match="^config.inner: missing$"):
        from_dict(Outer, {"name": "w"})


def test_the_close_name_is_suggested_and_otherwise_all_are_listed():
    assert did_you_mean("smal", ["tiny", "small"]) == "did you mean 'small'?"
    assert did_you_mean("zzz", ["tiny", "small"]) == "choose one of small, tiny"
    assert did_you_mean("zzz", []) == "there is none to choose from"


@pytest.mark.parametrize("width", [1, 7, None])
def test_a_count_is_one_or_more_or_left_to_a_default(width):
    check_counts(SimpleNamespace(width=width), "width")


def test_a_count_below_one_is_refused_by_its_name():
    with pytest.raises(InputError, match="width must be at least 1, got 0"):
        check_counts(SimpleNamespace(height=1, width=0), "height", "width")
