FROM python:3.13-slim AS builder
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY fhir_mpi ./fhir_mpi
COPY profiles ./profiles
COPY capability ./capability
COPY search_params ./search_params
RUN python -m venv /opt/fhir_mpi \
    && /opt/fhir_mpi/bin/python -m pip install --no-cache-dir --no-compile .

FROM python:3.13-slim
RUN groupadd --gid 10001 fhir_mpi \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin fhir_mpi \
    && install --directory --owner 10001 --group 10001 --mode 0700 /data
COPY --from=builder /opt/fhir_mpi /opt/fhir_mpi
ENV PATH=/opt/fhir_mpi/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONFAULTHANDLER=1 \
    PYTHONUNBUFFERED=1 \
    FHIR_MPI_STORE=sqlite:////data/fhir_mpi.db
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/livez', timeout=2)"]
ENTRYPOINT ["fhir-mpi"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8080"]
