# Three images. airflow: scheduler, API server, DAG processor, and what looks after them; without TensorFlow. worker: all
# tasks. gpu: the same with NVIDIA's libraries. Each adds to the one before it, so a machine keeps what they share once;
# in this order, for Docker's old builder makes every stage above the one that is asked for.
FROM python:3.12-slim-bookworm AS system

RUN apt-get update \
    && apt-get install --yes --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/*

# Named volumes take the owner of the folder that they are mounted over.
RUN useradd --uid 50000 --user-group --create-home airflow \
    && install --directory --owner airflow --group airflow \
        /opt/airflow /opt/airflow/logs /var/lib/imdb-study/store /var/lib/imdb-study/mail

# tini, as the first process, takes care of orphans. Airflow's Helm chart calls the file by this name in its probes.
RUN printf '#!/bin/sh\nexec tini -s -- "$@"\n' > /entrypoint \
    && chmod 755 /entrypoint
ENTRYPOINT ["/entrypoint"]

WORKDIR /opt/imdb-study

# The lists of packages are complete, hence no deps: pip with hashes takes a package of the list for another one where
# something asks for it with an extra, as for celery[redis].
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_DEPS=1 PIP_REQUIRE_HASHES=1
ENV PATH=/opt/venv/bin:$PATH \
    AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/imdb-study/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/imdb-study/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=false \
    PYTHONUNBUFFERED=1

# Packages before the code: a change of the code leaves these layers as they are.
FROM system AS airflow-packages
COPY requirements-airflow.txt ./
RUN python -m venv /opt/venv \
    && pip install --requirement requirements-airflow.txt \
    && pip check

# Owned by root: the processes, which are not, cannot change what they run. They must read it, whatever the umask of the
# checkout was. Done in a stage of its own, for a chmod in the images would keep every file twice.
FROM airflow-packages AS code
WORKDIR /code
COPY plugins plugins
COPY scripts scripts
COPY dags dags
RUN chmod -R a+rX .
WORKDIR /package
COPY pyproject.toml README.md LICENSE ./
COPY imdb_tasks imdb_tasks
COPY include include
RUN PIP_REQUIRE_HASHES=0 pip wheel --no-build-isolation --wheel-dir /wheel .

FROM airflow-packages AS airflow
COPY --from=code /wheel /tmp/wheel
RUN PIP_REQUIRE_HASHES=0 pip install /tmp/wheel/*.whl
COPY --from=code /code ./
# The image holds no git folder; every result is marked with this instead.
ARG IMDB_CODE_REVISION=unknown
ENV IMDB_CODE_REVISION=${IMDB_CODE_REVISION}
USER airflow
CMD ["airflow", "version"]

FROM airflow-packages AS worker-packages
# Chromium draws the charts of the mail; a chart without a font has no words.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends chromium fonts-dejavu-core \
    && rm -rf /var/lib/apt/lists/*
ENV BROWSER_PATH=/usr/bin/chromium
COPY requirements.txt ./
RUN pip install --requirement requirements.txt \
    && pip check

FROM worker-packages AS worker
COPY --from=code /wheel /tmp/wheel
RUN PIP_REQUIRE_HASHES=0 pip install /tmp/wheel/*.whl
COPY --from=code /code ./
ARG IMDB_CODE_REVISION=unknown
ENV IMDB_CODE_REVISION=${IMDB_CODE_REVISION}
USER airflow
CMD ["airflow", "version"]

FROM worker-packages AS gpu-packages
COPY requirements-gpu.txt ./
RUN pip install --requirement requirements-gpu.txt

FROM gpu-packages AS gpu
COPY --from=code /wheel /tmp/wheel
RUN PIP_REQUIRE_HASHES=0 pip install /tmp/wheel/*.whl
COPY --from=code /code ./
ARG IMDB_CODE_REVISION=unknown
ENV IMDB_CODE_REVISION=${IMDB_CODE_REVISION}
USER airflow
CMD ["airflow", "version"]
