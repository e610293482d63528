# One image for every Airflow process of docker-compose.yaml.
FROM python:3.12-slim-bookworm

# Chromium draws the charts of the mail; a chart without a font has no words.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends chromium fonts-dejavu-core \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/imdb-study

# Before the code: a change of the code leaves this layer as it is.
COPY requirements.txt ./
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes --requirement requirements.txt

# Named volumes take the owner of the folder that they are mounted over.
RUN useradd --uid 50000 --user-group --create-home airflow \
    && install --directory --owner airflow --group airflow \
        /opt/airflow /opt/airflow/logs /var/lib/imdb-study/store /var/lib/imdb-study/mail

COPY imdb_tasks imdb_tasks
COPY include include
COPY plugins plugins
COPY dags dags

# Airflow puts its own folders on the path, not the project's root.
ENV AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/imdb-study/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/imdb-study/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=false \
    BROWSER_PATH=/usr/bin/chromium \
    IMDB_STORE=/var/lib/imdb-study/store \
    PYTHONPATH=/opt/imdb-study \
    PYTHONUNBUFFERED=1

# The image holds no git folder; every result is marked with this instead.
ARG IMDB_CODE_REVISION=unknown
ENV IMDB_CODE_REVISION=${IMDB_CODE_REVISION}

USER airflow
CMD ["airflow", "version"]
