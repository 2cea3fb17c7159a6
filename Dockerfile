# syntax=docker/dockerfile:1
# IRIS in a container: docker build -t iris . && docker run --env-file .env iris
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
WORKDIR /src
RUN python -m venv /opt/iris
COPY constraints.txt pyproject.toml README.md LICENSE ./
# Dependencies before sources: a change of code or content does not install them again.
RUN python -c "import tomllib; print('\n'.join(tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies']))" \
        > requirements.txt \
    && /opt/iris/bin/pip install --no-cache-dir -c constraints.txt -r requirements.txt \
    && python -m venv /opt/build \
    && /opt/build/bin/pip install --no-cache-dir -c constraints.txt hatchling
COPY adapters adapters
COPY bot bot
COPY content content
RUN /opt/build/bin/python -m hatchling build -t wheel -d /dist \
    && /opt/iris/bin/pip install --no-cache-dir --no-deps /dist/*.whl \
    # The reading level is checked here and not in the image that runs, so textstat stays behind in this stage.
    && /opt/build/bin/pip install --no-cache-dir -c constraints.txt --target /opt/editor textstat \
    && cd / && PYTHONPATH=/opt/editor /opt/iris/bin/iris check --strict

FROM ${BASE}
COPY --from=build /opt/iris /opt/iris
# A number, so that Kubernetes can see that it is not root. The cache is all that is written, and can be lost.
USER 10001:10001
ENV PATH=/opt/iris/bin:$PATH \
    HOME=/tmp \
    ORT_DISABLE_TELEMETRY=1 \
    PYTHONUNBUFFERED=1 \
    IRIS_CACHE=/tmp/iris-cache \
    IRIS_LOG_FORMAT=json
WORKDIR /tmp
STOPSIGNAL SIGTERM
ENTRYPOINT ["iris"]
CMD ["run"]
