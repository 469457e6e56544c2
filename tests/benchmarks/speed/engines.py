"""The same series through every engine that a user might take, on one core."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from export.prove import open_bytes
from insar_runtime import Classifier
from insar_runtime._engine import import_onnxruntime
from tests.benchmarks.speed.f_tests import FTests
from tests.benchmarks.speed.timing import Job
from training import layers as _layers  # noqa: F401 - registers the layers that Keras files name
from training import series_layers as _series_layers  # noqa: F401 - the same
from training.baselines import Contestant, GlsBic, MiniRocket
from training.dataset import LabelledSeries, simulated

_ROWS: Final = 1024
"""Of a call of the engines that have no opinion of their own."""
_TAUGHT: Final = 5000
"""Series that MiniRocket learns from and glsbic is tuned on; their speed does not depend on it."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Engine:
    """Something that classifies the first series.

    Attributes
    ----------
    network : str
        What is computed.
    job : Job
        Does it.
    most : int
        Most series of a turn: slow ones get fewer.
    answer : callable or None
        Gives the probabilities of the first so many series, to compare with Keras.
    """

    network: str
    job: Job
    most: int
    answer: Any = None


class _Blocks:
    """Calls a function with blocks of the series, as a user would who has more of them than fit."""

    def __init__(self, call: Any, series: LabelledSeries, rows: int = _ROWS) -> None:
        self._call, self._rows = call, rows
        self._displacement, self._days = series.displacement, np.ascontiguousarray(series.days[:1], dtype=np.float32)

    def __call__(self, count: int) -> Floats:
        starts = range(0, count, self._rows)
        rows = (self._displacement[start : min(start + self._rows, count)] for start in starts)
        return np.concatenate([np.asarray(self._call(part, self._days)) for part in rows])


def make_engines(series: LabelledSeries, artifacts: Path) -> tuple[dict[str, Engine], dict[str, str]]:
    """Build all engines.

    Parameters
    ----------
    series : LabelledSeries
        Of one calendar.
    artifacts : Path
        Folder of the released models.

    Returns
    -------
    engines : dict of name to Engine
        The name says what a user would call it.
    missing : dict of name to str
        Engines that do not run here, and why.
    """
    use_one_thread()
    engines: dict[str, Engine] = {}
    missing: dict[str, str] = {}
    for name in ("trend-net", "paper-cnn"):
        engines |= _ours(name, series)
        engines |= _in_tensorflow(name, series, artifacts)
        for what, build in (("LiteRT", _lite), ("OpenVINO", _openvino)):
            try:
                engines |= build(name, series, artifacts)
            except Exception as error:  # whatever another engine says is what the table is to say
                missing[f"{name} in {what}"] = _first_line(error)
    engines["paper-cnn as Conv1D, exported naively, onnxruntime fp32"] = _naive(series, artifacts)
    engines |= _methods(series)
    return engines, missing


def use_one_thread() -> None:
    """Keep TensorFlow to one thread; it must not have been used before."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1].strip()[:200] if lines else ''}"


def _ours(name: str, series: LabelledSeries) -> dict[str, Engine]:
    days = np.ascontiguousarray(series.days[0], dtype=np.float32)

    def engine(precision: Any) -> Engine:
        classifier = Classifier(name, device="cpu", precision=precision, threads=1)

        def answer(count: int) -> Floats:
            return classifier.classify_matrix(series.displacement[:count], days).probabilities

        return Engine(name, answer, len(series), answer)

    return {f"{name}, Classifier {precision}": engine(precision) for precision in ("int8", "fp32")}


def _keras_model(name: str, artifacts: Path) -> keras.Model:
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
    """LiteRT wants its shapes before the first call: rows and epochs of a block."""
    from ai_edge_litert.interpreter import Interpreter

    model = _keras_model(name, artifacts)
    epochs = series.displacement.shape[1]
    signature = [tf.TensorSpec((_ROWS, epochs), tf.float32), tf.TensorSpec((1, epochs), tf.float32)]
    with _without_asinh():
        whole = tf.function(lambda rows, axis: model([rows, axis], training=False))
        # Variables are frozen: the converter leaves them without a value.
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
    """Write the inverse hyperbolic sine in operations that LiteRT has."""
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


def _naive(series: LabelledSeries, artifacts: Path) -> Engine:
    """Conv1D, the paper's channels, exported and run as tutorials do; without the preparation, which it lacks."""
    trunk = _keras_model("paper-cnn", artifacts).get_layer("trunk")
    taught = {layer.name: layer.get_weights() for layer in trunk.layers if layer.get_weights()}
    filters = {name: weights[0].shape[-1] for name, weights in taught.items()}
    layers = keras.layers
    entry = keras.Input((139, 1))
    x = entry
    for block in (1, 2):
        x = layers.Conv1D(filters[f"conv_{block}"], 5, activation="relu", name=f"conv_{block}")(x)
        x = layers.MaxPooling1D(2)(x)
    x = layers.Conv1D(filters["conv_3"], 5, activation="relu", name="conv_3")(x)
    x = layers.Flatten()(layers.AveragePooling1D(2)(x))
    x = layers.LeakyReLU(negative_slope=0.3)(layers.Dense(filters["dense"], name="dense")(x))
    model = keras.Model(entry, layers.Softmax()(layers.Dense(5, name="scores")(x)))
    for name, weights in taught.items():
        model.get_layer(name).set_weights([w[0] if w.ndim == 4 else w for w in weights])
    import tf2onnx

    signature = [tf.TensorSpec((None, 139, 1), tf.float32, name="series")]
    function = tf.function(lambda rows: model(rows, training=False), input_signature=signature)
    proto, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=18)
    session = open_bytes(proto.SerializeToString())

    def call(rows: Floats, axis: Floats) -> Floats:
        del axis
        (answer,) = session.run(None, {"series": rows[:, :139, None]})
        return np.asarray(answer)

    return Engine("paper-cnn", _Blocks(call, series), len(series))


def _methods(series: LabelledSeries) -> dict[str, Engine]:
    lessons = simulated(_TAUGHT, seed=77)
    engines = {}
    contestants: list[tuple[str, Contestant, int]] = [
        ("MiniRocket", MiniRocket(), 8192),
        ("glsbic", GlsBic(oracle=False), 1024),
    ]
    for name, contestant, most in contestants:
        contestant.fit(lessons, seed=1)
        engines[name] = Engine(name, partial(_contestant, contestant, series), most)
    for name, hinges in (("F tests of line and parabola", 0), ("F tests with 20 breaks and all steps", 20)):
        tests = FTests(np.asarray(series.days[0], dtype=np.float64), hinges=hinges)
        engines[name] = Engine(name, partial(_tests, tests, series), len(series))
    return engines


def _contestant(contestant: Contestant, series: LabelledSeries, count: int) -> Floats:
    return contestant.probabilities(series.take(np.arange(count)))


def _tests(tests: FTests, series: LabelledSeries, count: int) -> NDArray[np.int8]:
    return tests.classify(series.displacement[:count])


def versions() -> dict[str, str]:
    """Give the versions of the engines."""
    found = {"onnxruntime": str(import_onnxruntime().__version__), "tensorflow": tf.__version__}
    found |= {"keras": keras.__version__, "numpy": np.__version__}
    return found
