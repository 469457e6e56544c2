"""Conversion of Keras to fp32 ONNX.

tf2onnx may report success although the file cannot be loaded, so ``export.prove`` checks every file. Byte-equal files
need a process with ``PYTHONHASHSEED=0``, because tf2onnx iterates over sets (``export.__main__`` starts one), and
``export.canonical``.
"""

from __future__ import annotations

import json
from typing import Any, Final

import keras
import numpy as np
import onnx
import tensorflow as tf
import tf2onnx

from export.canonical import canonicalize
from export.prove import ProofError
from export.simplify import simplify
from insar_runtime.classes import CLASS_NAMES, SEED_CLASS_NAMES
from training.networks.series_layers import DescribeSeries

OPSET: Final = 18
"""Newest version of the operator set that tf2onnx 1.17 writes."""
_CHANNEL_BLOCK: Final = 16
"""onnxruntime's blocked convolution kernels need a number of channels that is a multiple of the vector width."""


def convert(model: keras.Model, *, name: str, version: str) -> onnx.ModelProto:
    """Return the ONNX form of a complete model, from millimetres to probabilities.

    Parameters
    ----------
    model : keras.Model
        Model with the inputs ``displacement`` [batch, epochs] and ``days`` [batch or 1, epochs].
    name, version : str
        Name and version in the metadata of the file.

    Returns
    -------
    onnx.ModelProto
        Model with the inputs ``displacement`` and ``days`` and the output ``probabilities``, all float32, with variable
        numbers of rows and epochs.

    Raises
    ------
    ProofError
        If the model has neither five nor six outputs.
    """
    of_series = any(isinstance(layer, DescribeSeries) for layer in model.layers)
    widened = in_one_image(model) if of_series else widen_channels(model)
    signature = [tf.TensorSpec((None, None), tf.float32, name=n) for n in ("displacement", "days")]

    @tf.function(input_signature=signature)
    def whole(displacement: tf.Tensor, days: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"probabilities": widened([displacement, days], training=False)}

    proto, _ = tf2onnx.convert.from_function(whole, input_signature=signature, opset=OPSET)
    # The generated names of dimensions differ from run to run.
    inputs = {entry.name: entry for entry in proto.graph.input}
    _name_dimensions(inputs["displacement"], "batch", "epochs")
    _name_dimensions(inputs["days"], "batch_or_1", "epochs")
    _name_dimensions(proto.graph.output[0], "batch", None)
    del proto.graph.value_info[:]
    if of_series:
        simplify(proto)
    canonicalize(proto)
    describe(proto, name=name, version=version, precision="fp32")
    return proto


def describe(proto: onnx.ModelProto, *, name: str, version: str, precision: str) -> None:
    """Write name, version, classes and inputs into the metadata, and remove unused operator sets.

    Raises
    ------
    ProofError
        If the file has neither five nor six outputs.
    """
    # The tools declare operator sets (trees, training, their own) that the graph does not use.
    used = {node.domain for node in proto.graph.node}
    for entry in [entry for entry in proto.opset_import if entry.domain not in used]:
        proto.opset_import.remove(entry)
    proto.producer_name, proto.producer_version = "insar-runtime", version
    proto.graph.name = name
    proto.doc_string = (
        "InSAR displacement time series to trend classes. displacement: mm along the line of sight, NaN = "
        "missing or padding. days: days since the first acquisition, ascending."
    )
    del proto.metadata_props[:]
    onnx.helper.set_model_props(
        proto,
        {
            "name": name,
            "version": version,
            "precision": precision,
            "classes": json.dumps(classes_of(proto)),
            "license": "Apache-2.0",
        },
    )


def classes_of(proto: onnx.ModelProto) -> tuple[str, ...]:
    """Return the class names of the outputs: the six classes, or the first five.

    Raises
    ------
    ProofError
        If the number of outputs is neither five nor six.
    """
    width = proto.graph.output[0].type.tensor_type.shape.dim[-1].dim_value
    if width not in {len(SEED_CLASS_NAMES), len(CLASS_NAMES)}:
        raise ProofError(
            f"the model has {width} outputs; give one of the {len(CLASS_NAMES)} classes, or the first five"
        )
    return CLASS_NAMES[:width]


def widen_channels(model: keras.Model) -> keras.Model:
    """Return the model with zero channels added to convolutions, up to a multiple of 16.

    The outputs do not change; onnxruntime's fast kernels need such multiples (138 channels become 144). Only
    convolutions whose outputs are read by convolutions are changed. A model without a part named ``trunk`` has such
    multiples already and is returned unchanged.
    """
    trunk = next((layer for layer in model.layers if layer.name == "trunk"), None)
    if trunk is None:
        return model
    convolutions = [layer for layer in trunk.layers if isinstance(layer, keras.layers.Conv2D)]
    # The last convolution is read by dense layers, whose weights have another order, so it is not changed.
    wanted = {layer.name: -(-layer.filters // _CHANNEL_BLOCK) * _CHANNEL_BLOCK for layer in convolutions[:-1]}

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        if layer.name in wanted:
            config["filters"] = wanted[layer.name]
        return type(layer).from_config(config)

    wide_trunk = keras.models.clone_model(trunk, clone_function=clone)
    for old, new in zip(trunk.layers, wide_trunk.layers, strict=True):
        shapes = [tuple(weight.shape) for weight in new.weights]
        new.set_weights([_pad(w, shape) for w, shape in zip(old.get_weights(), shapes, strict=True)])

    def clone_outer(layer: Any) -> Any:
        return wide_trunk if layer is trunk else type(layer).from_config(layer.get_config())

    wide = keras.models.clone_model(model, clone_function=clone_outer)
    wide.get_layer("probabilities").set_weights(model.get_layer("probabilities").get_weights())
    return wide


def in_one_image(model: keras.Model) -> keras.Model:
    """Return the model with the rows of a call as lines of one image; the outputs do not change.

    onnxruntime prepares each image of a convolution separately, which takes one tenth of the time of the small
    convolutions of the default network.
    """

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        if isinstance(layer, DescribeSeries):
            config["one_image"] = True
        return type(layer).from_config(config)

    together = keras.models.clone_model(model, clone_function=clone)
    together.set_weights(model.get_weights())
    return together


def _pad(weight: np.ndarray[Any, Any], shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    return np.pad(weight, [(0, wide - narrow) for narrow, wide in zip(weight.shape, shape, strict=True)])


def _name_dimensions(value: onnx.ValueInfoProto, *names: str | None) -> None:
    for dimension, name in zip(value.type.tensor_type.shape.dim, names, strict=True):
        if name is not None:
            dimension.dim_param = name
