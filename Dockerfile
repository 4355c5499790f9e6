# Presa runs from its source tree: templates, pages, catalogues, migrations and desks lie beside the code.
FROM python:3.11-slim
WORKDIR /srv/presa
COPY requirements.txt ./
RUN pip install --no-cache-dir --require-hashes -r requirements.txt
COPY pyproject.toml README.md ./
COPY parsers ./parsers
COPY identity ./identity
COPY routing ./routing
COPY ivr ./ivr
COPY gateway ./gateway
COPY desks ./desks
RUN pip install --no-cache-dir --no-deps --no-build-isolation --config-settings editable_mode=compat -e . \
    && useradd --system --uid 10001 --no-create-home presa
USER 10001:10001
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
EXPOSE 2525 8000
ENTRYPOINT ["presa"]
CMD ["up", "--config", "/etc/presa", "--smtp", "0.0.0.0:2525", "--web", "0.0.0.0:8000"]
