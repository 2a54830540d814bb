"""ONNX Runtime on a CPU."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from playworld.config import InputError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

MISSING = "{} is not installed, which {} needs: pip install 'playworld[onnx]'"


class Graph:
    """A graph of an exported world: named arrays in, named arrays out.

    A run of the same inputs gives the same bits: it has a batch of one and `threads` threads.
    """

    def __init__(self, model: Path | bytes, threads: int = 1) -> None:
        """Load a file, or the bytes of one.

        Raises:
            InputError: where ONNX Runtime is not installed, or cannot read the graph.
        """
        self._session = _session(model, threads)
        self._inputs = [one.name for one in self._session.get_inputs()]
        self._outputs = [one.name for one in self._session.get_outputs()]

    def __call__(self, **arrays: Any) -> dict[str, Any]:
        """All outputs by name; of the inputs, those that the graph does not use are left out."""
        found = self._session.run(None, {name: arrays[name] for name in self._inputs})
        return dict(zip(self._outputs, found, strict=True))


def _session(model: Path | bytes, threads: int) -> "InferenceSession":
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError(MISSING.format("ONNX Runtime", "playing an ONNX world")) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3  # errors
    source = model if isinstance(model, bytes) else str(model)
    try:
        return onnxruntime.InferenceSession(source, options, ["CPUExecutionProvider"])
    except Exception as error:  # its errors have no common base
        reason = str(error).splitlines()[0]
        raise InputError(f"ONNX Runtime cannot load the graph: {reason}") from error
