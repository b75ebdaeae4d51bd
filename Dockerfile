# One image for all of the service: `python -m streams worker`, `python -m streams topics`, `python -m web`.

FROM python:3.11-slim AS packages
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
COPY requirements.txt .
RUN pip install --no-cache-dir --require-hashes -r requirements.txt

FROM python:3.11-slim
# The folder of data belongs to the user who runs, and a volume mounted there takes that over.
RUN useradd --system --uid 10001 --no-create-home mooring && install -d -o mooring /data
COPY --from=packages /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    MOORING_DATA_DIR=/data
# The checkout is the working directory, so that `streams`, `agents` and `web` are found first.
WORKDIR /mooring
COPY pyproject.toml README.md CHANGELOG.md ./
COPY schemas schemas
COPY mooring mooring
COPY streams streams
COPY agents agents
COPY web web
RUN pip install --no-cache-dir --no-deps --no-build-isolation -e . && python -m compileall -q .
USER mooring
VOLUME /data
CMD ["python", "-m", "streams", "--help"]
