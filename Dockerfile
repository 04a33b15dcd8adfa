# Two stages: the first installs into a virtualenv, the second has only that virtualenv and the interpreter.
# An exact release; PYTHON_DIGEST=sha256:... pins the image itself, too.
ARG PYTHON_VERSION=3.12.12
ARG PYTHON_DIGEST=
FROM python:${PYTHON_VERSION}-slim-bookworm${PYTHON_DIGEST:+@${PYTHON_DIGEST}} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /build

# First what changes rarely. Build tools go into a virtualenv of their own and stay behind.
# EXTRAS="otel appinsights keyvault xlsx" adds what these features need.
ARG EXTRAS=
COPY requirements.lock requirements-build.lock requirements-otel.lock requirements-appinsights.lock requirements-keyvault.lock requirements-xlsx.lock ./
RUN python -m venv /tools && /tools/bin/pip install --no-deps --require-hashes -r requirements-build.lock \
 && python -m venv --without-pip /opt/llmproxy \
 && /tools/bin/pip --python /opt/llmproxy/bin/python install --no-deps --require-hashes -r requirements.lock \
 && for extra in $EXTRAS; do \
      /tools/bin/pip --python /opt/llmproxy/bin/python install --no-deps --require-hashes -r requirements-$extra.lock || exit 1; \
    done

COPY pyproject.toml requirements.in requirements-otel.in requirements-appinsights.in requirements-keyvault.in requirements-xlsx.in README.md LICENSE ./
COPY domain domain
COPY application application
COPY infra infra
COPY llmproxy llmproxy
RUN /tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /tools/bin/pip --python /opt/llmproxy/bin/python install --no-deps --no-index --find-links /wheels llmproxy \
 && python -m compileall -q -j 0 /opt/llmproxy/lib

FROM python:${PYTHON_VERSION}-slim-bookworm${PYTHON_DIGEST:+@${PYTHON_DIGEST}}
RUN pip uninstall --yes --quiet --root-user-action=ignore pip \
 && groupadd --gid 10001 llmproxy \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin llmproxy \
 && install -d -o 10001 -g 10001 -m 0750 /data
COPY --from=build /opt/llmproxy /opt/llmproxy
ENV PATH=/opt/llmproxy/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    ENVIRONMENT=production DATA_DIR=/data PORT=8000
WORKDIR /data
VOLUME /data
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/health', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["llmproxy"]
CMD ["serve", "--host", "0.0.0.0"]
