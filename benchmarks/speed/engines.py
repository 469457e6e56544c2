"""Speed of other inference engines on the same series, on one core."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import onnx
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from benchmarks.speed import peers
from benchmarks.speed.engine import Engine
from benchmarks.speed.f_tests import FTests
from evaluation.baselines import Contestant, GlsBic, MiniRocket
from export.prove import open_bytes
from insar_runtime import Classifier
from insar_runtime._engine.onnx_runtime import import_onnxruntime
from training.dataset import LabelledSeries, simulated
from training.networks import layers as _layers  # noqa: F401 - registers the layers that Keras files name
from training.networks import series_layers as _series_layers  # noqa: F401 - the same

_ROWS: Final = 1024
"""Number of rows of a call, for engines without a default."""
_TRAINING_SERIES: Final = 5000
"""Number of training series of MiniRocket and glsbic, which does not affect their speed."""

Floats = NDArray[np.float32]


class _Blocks:
    """Call of a function with blocks of the series."""

    def __init__(self, call: Any, series: LabelledSeries, rows: int = _ROWS) -> None:
        self._call, self._rows = call, rows
        self._displacement, self._days = series.displacement, np.ascontiguousarray(series.days[:1], dtype=np.float32)

    def __call__(self, count: int) -> Floats:
        starts = range(0, count, self._rows)
        rows = (self._displacement[start : min(start + self._rows, count)] for start in starts)
        return np.concatenate([np.asarray(self._call(part, self._days)) for part in rows])


GROUPS: Final = (
    *(f"{engine} trend-net" for engine in ("ours", "tensorflow", "lite", "openvino")),
    *(f"{engine} paper-cnn" for engine in ("ours", "tensorflow", "lite", "openvino", "naive")),
    "methods -",
    *(f"{peer} -" for peer in ("egmspy", "pstime", "ruptures", "mintpy")),
)
"""Groups of engines that share a process. Some engines keep spinning threads after a call, which affects others."""


def make_group(group: str, series: LabelledSeries, artifacts: Path) -> dict[str, Engine]:
    """Return the engines of a group by name.

    Parameters
    ----------
    group : str
        One of ``GROUPS``.
    series : LabelledSeries
        Series with the same dates.
    artifacts : Path
        Folder of the released models.
    """
    builders = {
        "ours": _ours,
        "tensorflow": _in_tensorflow,
        "lite": _lite,
        "openvino": _openvino,
        "naive": _naive,
        "methods": _methods,
    }
    of_others = {
        "egmspy": peers.make_egmspy,
        "pstime": peers.make_pstime,
        "ruptures": peers.make_ruptures,
        "mintpy": peers.make_mintpy,
    }
    kind, network = group.split()
    return of_others[kind](series) if kind in of_others else builders[kind](network, series, artifacts)


def _ours(name: str, series: LabelledSeries, artifacts: Path) -> dict[str, Engine]:
    del artifacts
    days = np.ascontiguousarray(series.days[0], dtype=np.float32)

    def engine(precision: Any) -> Engine:
        classifier = Classifier(name, device="cpu", precision=precision, threads=1)

        def answer(count: int) -> Floats:
            return classifier.classify_matrix(series.displacement[:count], days).probabilities

        return Engine(name, answer, len(series), answer)

    return {f"{name}, Classifier {precision}": engine(precision) for precision in ("int8", "fp32")}


def _keras_model(name: str, artifacts: Path) -> keras.Model:
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    return keras.saving.load_model(artifacts / name / f"{name}.keras")


def _in_tensorflow(name: str, series: LabelledSeries, artifacts: Path) -> dict[str, Engine]:
    model = _keras_model(name, artifacts)
    days = np.asarray(series.days)

    def predict(count: int, batch_size: int | None = None) -> Floats:
        inputs = {"displacement": series.displacement[:count], "days": days[:count]}
        return np.asarray(model.predict(inputs, batch_size=batch_size, verbose=0))

    compiled = tf.function(lambda rows, axis: model([rows, axis], training=False), reduce_retracing=True)
    in_blocks = _Blocks(compiled, series)
    return {
        f"{name}, Keras predict": Engine(name, predict, len(series), predict),
        f"{name}, Keras predict in batches of {_ROWS}": Engine(
            name, lambda count: predict(count, _ROWS), len(series), predict
        ),
        f"{name}, tf.function": Engine(name, in_blocks, len(series), in_blocks),
    }


def _lite(name: str, series: LabelledSeries, artifacts: Path) -> dict[str, Engine]:
    """Return LiteRT engines, which need the numbers of rows and epochs before the first call."""
    from ai_edge_litert.interpreter import Interpreter

    model = _keras_model(name, artifacts)
    epochs = series.displacement.shape[1]
    signature = [tf.TensorSpec((_ROWS, epochs), tf.float32), tf.TensorSpec((1, epochs), tf.float32)]
    with _without_asinh():
        whole = tf.function(lambda rows, axis: model([rows, axis], training=False))
        # Variables are frozen, because the converter does not keep their values.
        concrete = convert_variables_to_constants_v2(whole.get_concrete_function(*signature))
    converted = tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert()
    interpreter = Interpreter(model_content=converted, num_threads=1)
    interpreter.allocate_tensors()
    inputs = {tuple(entry["shape"]): entry["index"] for entry in interpreter.get_input_details()}
    output = interpreter.get_output_details()[0]["index"]

    def call(rows: Floats, axis: Floats) -> Floats:
        padded = rows if len(rows) == _ROWS else np.resize(rows, (_ROWS, epochs))
        interpreter.set_tensor(inputs[_ROWS, epochs], padded)
        interpreter.set_tensor(inputs[1, epochs], axis)
        interpreter.invoke()
        return np.array(interpreter.get_tensor(output)[: len(rows)])

    job = _Blocks(call, series)
    return {f"{name}, LiteRT fp32": Engine(name, job, len(series), job)}


@contextmanager
def _without_asinh() -> Iterator[None]:
    """Replace the inverse hyperbolic sine by operations that LiteRT has."""
    kept = tf.asinh

    def asinh(x: tf.Tensor) -> tf.Tensor:
        size = tf.abs(x)
        return tf.sign(x) * tf.math.log(size + tf.sqrt(size * size + 1.0))

    tf.asinh = asinh
    try:
        yield
    finally:
        tf.asinh = kept


def _openvino(name: str, series: LabelledSeries, artifacts: Path) -> dict[str, Engine]:
    import openvino

    core = openvino.Core()
    # Otherwise it computes in bf16 where the processor can, which is another network.
    options = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}

    def engine(precision: str) -> Engine:
        compiled = core.compile_model(artifacts / name / f"{name}.{precision}.onnx", "CPU", options)
        request = compiled.create_infer_request()

        def call(rows: Floats, axis: Floats) -> Floats:
            return np.array(request.infer({"displacement": rows, "days": axis})["probabilities"])

        job = _Blocks(call, series)
        job(_ROWS)
        return Engine(name, job, len(series), job)

    return {f"{name}, OpenVINO {precision}": engine(precision) for precision in ("fp32", "int8")}


def _naive(name: str, series: LabelledSeries, artifacts: Path) -> dict[str, Engine]:
    """Return the same network with Conv1D and the channels of the paper, exported and run with default settings."""
    whole = _keras_model(name, artifacts)
    trunk = whole.get_layer("trunk")
    trained = {layer.name: layer.get_weights() for layer in trunk.layers if layer.get_weights()}
    filters = {layer: weights[0].shape[-1] for layer, weights in trained.items()}
    layers = keras.layers
    x = trunk.get_layer("centre_and_compress")(whole.get_layer("resample_in_time")(*whole.inputs))
    x = layers.Reshape((139, 1))(x)
    for block in (1, 2):
        x = layers.Conv1D(filters[f"conv_{block}"], 5, activation="relu", name=f"conv_{block}")(x)
        x = layers.MaxPooling1D(2)(x)
    x = layers.Conv1D(filters["conv_3"], 5, activation="relu", name="conv_3")(x)
    x = layers.Flatten()(layers.AveragePooling1D(2)(x))
    x = layers.LeakyReLU(negative_slope=0.3)(layers.Dense(filters["dense"], name="dense")(x))
    scores = layers.Dense(5, name="scores")(x)
    model = keras.Model(whole.inputs, whole.get_layer("probabilities")(scores))
    for layer, weights in trained.items():
        model.get_layer(layer).set_weights([w[0] if w.ndim == 4 else w for w in weights])
    import tf2onnx

    signature = [tf.TensorSpec((None, None), tf.float32, name=n) for n in ("displacement", "days")]
    function = tf.function(lambda displacement, days: model([displacement, days], training=False))
    proto, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=18)
    session = open_bytes(proto.SerializeToString())

    def call(rows: Floats, axis: Floats) -> Floats:
        (answer,) = session.run(None, {"displacement": rows, "days": axis})
        return np.asarray(answer)

    job = _Blocks(call, series)
    engines = {f"{name} as Conv1D, exported naively, onnxruntime fp32": Engine(name, job, len(series), job)}
    # Both networks also without the preparation, whose speed does not depend on convolutions and precision.
    image = tf.function(trunk.get_layer("centre_and_compress"))(
        whole.get_layer("resample_in_time")(
            series.displacement[:_ROWS], np.ascontiguousarray(series.days[:1], dtype=np.float32)
        )
    ).numpy()
    inner = keras.Model(model.get_layer("reshape").output, model.output)
    signature = [tf.TensorSpec((None, 139, 1), tf.float32, name="image")]
    proto, _ = tf2onnx.convert.from_function(
        tf.function(lambda rows: inner(rows, training=False)), input_signature=signature, opset=18
    )
    naive = open_bytes(proto.SerializeToString())
    ours, entry = _without_preparation(artifacts / name / f"{name}.int8.onnx")
    for what, bare, feed in (
        (f"{name} without preparation, as Conv1D, fp32", naive, {"image": image.reshape(-1, 139, 1)}),
        (f"{name} without preparation, ours, int8", ours, {entry: image.reshape(-1, 1, 1, 139)}),
    ):
        engines[what] = Engine(name, partial(_again, bare, feed), len(series))
    return engines


def _again(session: Any, feed: dict[str, Any], count: int) -> None:
    """Call a session repeatedly with the same block."""
    for start in range(0, count, _ROWS):
        session.run(None, {name: rows[: min(_ROWS, count - start)] for name, rows in feed.items()})


def _without_preparation(path: Path) -> tuple[Any, str]:
    """Return a session of a quantized file from its first convolution on, and the name of its input."""
    proto = onnx.shape_inference.infer_shapes(onnx.load(path))
    maker = {name: node for node in proto.graph.node for name in node.output}
    first = next(node for node in proto.graph.node if node.op_type == "Conv")
    entry = maker[maker[first.input[0]].input[0]].input[0]
    cut = onnx.utils.Extractor(proto).extract_model([entry], ["probabilities"])
    return open_bytes(cut.SerializeToString()), entry


def _methods(name: str, series: LabelledSeries, artifacts: Path) -> dict[str, Engine]:
    del name, artifacts
    training_series = simulated(_TRAINING_SERIES, seed=77)
    engines = {}
    contestants: list[tuple[str, Contestant, int]] = [
        ("MiniRocket", MiniRocket(), 8192),
        ("glsbic", GlsBic(oracle=False), 1024),
    ]
    for method, contestant, most in contestants:
        contestant.fit(training_series, seed=1)
        engines[method] = Engine(method, partial(_contestant, contestant, series), most)
    for method, hinges in (("F tests of line and parabola", 0), ("F tests with 20 breaks and all steps", 20)):
        tests = FTests(np.asarray(series.days[0], dtype=np.float64), hinges=hinges)
        engines[method] = Engine(method, partial(_tests, tests, series), len(series))
    return engines


def _contestant(contestant: Contestant, series: LabelledSeries, count: int) -> Floats:
    return contestant.probabilities(series.take(np.arange(count)))


def _tests(tests: FTests, series: LabelledSeries, count: int) -> NDArray[np.int8]:
    return tests.classify(series.displacement[:count])


def versions() -> dict[str, str]:
    """Return the versions of the engines."""
    found = {"onnxruntime": str(import_onnxruntime().__version__), "tensorflow": tf.__version__}
    found |= {"keras": keras.__version__, "numpy": np.__version__}
    for name in ("ruptures", "mintpy"):
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
