"""Passes through a model without Python in between, where that changes no bit of the result.

A pass of a small model is hundreds of operations of some microseconds. Threads that compute such
passes at once wait for each other's turn at Python's lock before most of them, which costs more
than the operations; a trace (TorchScript) takes the lock once.
"""

import logging
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from dataclasses import fields, is_dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from playworld.models.base import DynamicsModel, Tokenizer

TRACE_AFTER = 32
"""Calls with the same shapes before they are traced, which takes as long as some frames."""

Run = Callable[[Callable[[], None]], object]
"""Runs the work of tracing, at once or beside the passes."""

_ONE_AT_A_TIME = threading.Lock()
"""TorchScript traces for all threads at once."""

logger = logging.getLogger(__name__)


class TracedFunction:
    """A function of tensors, and of dataclasses of tensors, that replays a trace of itself.

    There is one for each set of shapes that has come often enough. A function whose course depends
    on the values in its tensors is never traced, nor one whose trace gives other bits.
    """

    def __init__(self, owner: nn.Module, function: Callable[..., Any], run: Run | None) -> None:
        """Args: `owner` has the weights; `run` makes the traces, None makes none."""
        self._owner, self._function, self._run = owner, function, run
        self._calls: Counter[Hashable] = Counter()
        self._ready: dict[Hashable, Callable[..., Any]] = {}

    def __call__(self, *arguments: Any) -> Any:
        """What the function gives."""
        key = tuple(None if t is None else (t.shape, t.dtype) for t in _flat(arguments))
        if (ready := self._ready.get(key)) is not None:
            return ready(*arguments)
        count = self._calls[key] = self._calls[key] + 1
        if self._run is not None and count == TRACE_AFTER:
            self._run(partial(self._trace, key, _clone(arguments)))
        return self._function(*arguments)

    @torch.no_grad()
    def _trace(self, key: Hashable, arguments: tuple[Any, ...]) -> None:
        if not _ONE_AT_A_TIME.acquire(timeout=10):  # forked while another thread had it
            return
        try:
            with _Course():
                wanted = self._function(*_clone(arguments))
            replay = _traced(self._owner, self._function, arguments, _form(wanted))
            for _ in range(3):  # TorchScript rewrites what it traced in the first two
                given = replay(*_clone(arguments))
                if not all(map(torch.equal, _given(given), _given(wanted))):
                    return
        except Exception as error:  # also whatever TorchScript does not know
            logger.debug("passes are computed without a trace: %s", error)
            return
        finally:
            _ONE_AT_A_TIME.release()
        self._ready[key] = replay


class Passes:
    """The passes through the models that a frame takes."""

    def __init__(self, dynamics: DynamicsModel, tokenizer: Tokenizer, run: Run | None) -> None:
        """Args: for `run` see `TracedFunction`; on a GPU there is nothing to be gained."""
        if next(dynamics.parameters()).device.type != "cpu":
            run = None
        self.step: Callable[..., Any] = TracedFunction(dynamics, dynamics.step, run)
        """`step` of the dynamics."""
        decode = partial(tokenizer.decode_step, in_place=True)
        self.decode: Callable[..., Any] = TracedFunction(tokenizer, decode, run)
        """`decode_step` of the tokenizer, in place."""


def _traced(
    owner: nn.Module, function: Callable[..., Any], arguments: tuple[Any, ...], result: "_Form"
) -> Callable[..., Any]:
    form = _form(arguments)
    there = [t is not None for t in _flat(arguments)]

    class Flat(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.owner = owner  # so that its weights are shared, not copied

        def forward(self, *tensors: Tensor) -> tuple[Tensor | None, ...]:
            rest = iter(tensors)
            every = [next(rest) if one else None for one in there]
            return tuple(_flat(function(*_filled(form, iter(every)))))

    with warnings.catch_warnings():
        # Of branches that depend on shapes, which are those of this trace; and that TorchScript
        # is deprecated: what is to replace it needs a C++ compiler on the player's machine.
        warnings.simplefilter("ignore")
        graph = torch.jit.trace(Flat(), _given(_clone(arguments)), check_trace=False)
    return lambda *arguments: _filled(result, iter(graph(*_given(arguments))))


class _Course(TorchDispatchMode):
    """Raises RuntimeError where the course of a computation depends on a value."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        by_shape = torch.Tag.dynamic_output_shape in func.tags
        if func is torch.ops.aten.index.Tensor:  # only by a mask
            by_shape = any(i is not None and i.dtype == torch.bool for i in args[1])
        if by_shape or torch.Tag.data_dependent_output in func.tags:
            raise RuntimeError(f"{func} reads a value")
        return func(*args, **(kwargs or {}))


_Form = tuple[Callable[..., Any], list[Any]] | None
"""What a value is built of, without its tensors; None is one tensor, or None instead of one."""


def _parts(value: Any) -> tuple[Any, ...]:
    if is_dataclass(value):
        return tuple(getattr(value, field.name) for field in fields(value))
    return tuple(value)


def _form(value: Any) -> _Form:
    if value is None or isinstance(value, Tensor):
        return None
    build = type(value) if is_dataclass(value) else lambda *parts: parts
    return build, [_form(part) for part in _parts(value)]


def _flat(value: Any) -> list[Tensor | None]:
    if value is None or isinstance(value, Tensor):
        return [value]
    return [t for part in _parts(value) for t in _flat(part)]


def _given(value: Any) -> tuple[Tensor, ...]:
    return tuple(t for t in _flat(value) if t is not None)


def _filled(form: _Form, tensors: Iterator[Tensor | None]) -> Any:
    if form is None:
        return next(tensors)
    build, parts = form
    return build(*(_filled(part, tensors) for part in parts))


def _clone(value: Any) -> Any:
    return _filled(_form(value), iter([None if t is None else t.clone() for t in _flat(value)]))
