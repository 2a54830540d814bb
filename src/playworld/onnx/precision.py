"""How the weights of an exported graph are stored: fp32, fp16 or int8."""

from typing import TYPE_CHECKING

import numpy as np

from playworld.onnx.layout import Precision

if TYPE_CHECKING:
    from onnx import ModelProto

SMALLEST = 1024
"""Numbers of a tensor below which it stays as it is."""
TINY = 1e-30
"""In place of the scale of a column of zeros."""


def stored(model: "ModelProto", precision: Precision) -> "ModelProto":
    """The graph with its weights in this precision; it computes in fp32 in any case.

    fp16: weights are rounded, and made fp32 again when the graph is loaded. int8: the same, but
    the matrices have one byte a number and a scale for each column.
    """
    if precision == "fp32":
        return model
    from onnx import ModelProto, TensorProto, helper, numpy_helper

    exact, model = model, ModelProto()
    model.CopyFrom(exact)
    graph, before = model.graph, []
    products = {node.input[1] for node in graph.node if node.op_type == "MatMul"}
    for tensor in list(graph.initializer):
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < SMALLEST:
            continue
        name, values = tensor.name, numpy_helper.to_array(tensor)
        graph.initializer.remove(tensor)
        if precision == "int8" and name in products and values.ndim == 2:
            scale = np.maximum(np.abs(values).max(axis=0), TINY) / np.float32(127)
            parts = {f"{name}.int8": np.round(values / scale).astype(np.int8)}
            parts[f"{name}.scale"] = scale.astype(np.float32)
            before += [
                helper.make_node("Cast", [f"{name}.int8"], [f"{name}.steps"], to=TensorProto.FLOAT),
                helper.make_node("Mul", [f"{name}.steps", f"{name}.scale"], [name]),
            ]
        else:
            parts = {f"{name}.fp16": values.astype(np.float16)}
            cast = helper.make_node("Cast", list(parts), [name], to=TensorProto.FLOAT)
            before.append(cast)
        graph.initializer.extend(numpy_helper.from_array(v, k) for k, v in parts.items())
    nodes = [*before, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return model
