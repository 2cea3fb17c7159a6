# IRIS in a container: docker build -t iris . && docker run --env-file .env iris
# The same steps on amd64 and arm64: nothing is compiled, every package comes as a wheel whose hash is in deploy/.
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
# For slim.py: several packages bring debugging symbols, ten times the size of their code.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends binutils && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY deploy/image.lock deploy/build.lock deploy/
# Dependencies before sources: a change of code or content does not install them again. pip itself stays behind.
RUN python -m venv --without-pip /opt/iris \
    && pip --python /opt/iris/bin/python install --no-cache-dir --no-compile --no-deps --only-binary :all: \
        --require-hashes -r deploy/image.lock \
    && pip install --no-cache-dir --no-deps --only-binary :all: --target /opt/build \
        --require-hashes -r deploy/build.lock
COPY pyproject.toml README.md LICENSE ./
COPY adapters adapters
COPY bot bot
COPY content content
RUN PYTHONPATH=/opt/build python -m hatchling build -t wheel -d /dist \
    && pip --python /opt/iris/bin/python install --no-cache-dir --no-compile --no-deps /dist/*.whl
COPY deploy/slim.py deploy/
# Less in it, learnt in advance, and then proof that what is left works: every module loads, the content passes the
# strict check. The reading level is checked here and not in the image that runs, so textstat stays in this stage.
WORKDIR /
RUN /opt/iris/bin/python -B /src/deploy/slim.py \
    && PYTHONPATH=/opt/build IRIS_CACHE=/tmp/check /opt/iris/bin/iris check --strict

FROM ${BASE}
LABEL org.opencontainers.image.title="IRIS" \
      org.opencontainers.image.description="Answers questions about insulin resistance and autoimmunity on Discord and Telegram, from reviewed texts with sources" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /opt/iris /opt/iris
# /data is all that is worth keeping: database, secret, and what IRIS computes again when it is lost. Made here, so
# that a new volume on it belongs to the user below.
RUN install -d -o 10001 -g 10001 -m 0700 /data
# A number, so that Kubernetes can see that it is not root.
USER 10001:10001
# XDG_*: an empty IRIS_DATA= or IRIS_CACHE= from a copied .env.example must not move these off the volume.
ENV PATH=/opt/iris/bin:$PATH \
    HOME=/tmp \
    ORT_DISABLE_TELEMETRY=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    XDG_DATA_HOME=/data \
    XDG_CACHE_HOME=/data/cache \
    IRIS_LOG_FORMAT=json \
    IRIS_INTERNAL_HOST=0.0.0.0
WORKDIR /tmp
VOLUME /data
EXPOSE 8080 8443
STOPSIGNAL SIGTERM
# Asks the running bot whether updates flow. The first start on new content learns it, which takes a minute.
HEALTHCHECK --interval=30s --timeout=5s --start-period=180s --retries=3 CMD ["iris", "health"]
ENTRYPOINT ["iris"]
CMD ["run"]
