"""ONNX file of a matrix product, by which the diagnosis multiplies series (``_diagnosis.row_products``)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import onnx
from onnx import TensorProto, helper

IN_PACKAGE: Final = (
    Path(__file__).resolve().parent.parent / "runtime" / "insar_runtime" / "_diagnosis" / "row_product.onnx"
)


def row_product() -> onnx.ModelProto:
    """Return the product of rows [n, T] and a matrix [T, m], both float32, as a model."""
    shapes = {"rows": ["n", "t"], "matrix": ["t", "m"], "product": ["n", "m"]}
    rows, matrix, product = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()
    )
    node = helper.make_node("MatMul", ["rows", "matrix"], ["product"])
    graph = helper.make_graph([node], "row_product", [rows, matrix], [product])
    # The oldest versions that have this operator: any onnxruntime reads them.
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    return model
