# One image for every Airflow process of docker-compose.yaml (target cpu), and one with NVIDIA's libraries (target gpu).
FROM python:3.12-slim-bookworm AS packages

# Chromium draws the charts of the mail; a chart without a font has no words.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends chromium fonts-dejavu-core \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/imdb-study

# Before the code: a change of the code leaves these layers as they are. The list is complete, hence --no-deps: pip with
# hashes takes a package of the list for another one where something asks for it with an extra, as for celery[redis].
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_DEPS=1 PIP_REQUIRE_HASHES=1
COPY requirements.txt ./
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --requirement requirements.txt \
    && /opt/venv/bin/pip check

# Named volumes take the owner of the folder that they are mounted over.
RUN useradd --uid 50000 --user-group --create-home airflow \
    && install --directory --owner airflow --group airflow \
        /opt/airflow /opt/airflow/logs /var/lib/imdb-study/store /var/lib/imdb-study/mail

ENV PATH=/opt/venv/bin:$PATH \
    AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/imdb-study/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/imdb-study/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=false \
    BROWSER_PATH=/usr/bin/chromium \
    PYTHONUNBUFFERED=1

# Owned by root: the processes, which are not, cannot change what they run. They must read it, whatever the umask of the
# checkout was. Done in a stage of its own, for a chmod in the images would keep every file twice.
FROM packages AS code
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

FROM packages AS cpu
COPY --from=code /wheel /tmp/wheel
RUN PIP_REQUIRE_HASHES=0 pip install /tmp/wheel/*.whl
COPY --from=code /code ./
# The image holds no git folder; every result is marked with this instead.
ARG IMDB_CODE_REVISION=unknown
ENV IMDB_CODE_REVISION=${IMDB_CODE_REVISION}
USER airflow
CMD ["airflow", "version"]

FROM packages AS gpu
COPY requirements-gpu.txt ./
RUN pip install --requirement requirements-gpu.txt
COPY --from=code /wheel /tmp/wheel
RUN PIP_REQUIRE_HASHES=0 pip install /tmp/wheel/*.whl
COPY --from=code /code ./
ARG IMDB_CODE_REVISION=unknown
ENV IMDB_CODE_REVISION=${IMDB_CODE_REVISION}
USER airflow
CMD ["airflow", "version"]
