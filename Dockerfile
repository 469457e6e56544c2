# docker build -t insar-rt .        (in a checkout)
# docker run --rm --read-only --network none --user "$(id -u):$(id -g)" -v "$PWD/egms:/data" insar-rt classify burst.zip
#
# The model is in the wheel: no network is needed to run, and nothing is written but the output. Alpine cannot be the
# base, because onnxruntime has no wheel for musl.
FROM python:3.13-slim AS build
COPY pyproject.toml README.md LICENSE CHANGELOG.md /src/
COPY runtime /src/runtime
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheel /src

FROM python:3.13-slim
# constraints.txt has the versions with which the tests ran.
RUN --mount=type=bind,from=build,source=/wheel,target=/wheel \
    --mount=type=bind,source=constraints.txt,target=/constraints.txt \
    pip install --no-cache-dir -c /constraints.txt /wheel/*.whl
# An account without rights and without a home; --user names the one that the outputs shall belong to.
USER 65534:65534
WORKDIR /data
ENTRYPOINT ["insar-rt"]
CMD ["--help"]
