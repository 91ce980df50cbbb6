# docker build --tag bilstm-hmm .
# docker run --read-only --tmpfs /tmp --cap-drop ALL --publish 127.0.0.1:8000:8000 bilstm-hmm
FROM python:3.11-slim AS build
WORKDIR /source
COPY . .
# `web,media` decodes m4a, mp4, webm and others as well, and takes 100 MB more.
ARG EXTRAS=web
RUN sh docker/install.sh /opt/bilstm-hmm "$EXTRAS"

FROM python:3.11-slim
COPY --from=build /opt/bilstm-hmm /opt/bilstm-hmm
COPY docker/healthy.py /opt/healthy.py
RUN useradd --system --no-create-home --shell /usr/sbin/nologin service
USER service
WORKDIR /tmp
ENV PATH=/opt/bilstm-hmm/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PORT=8000
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["python", "/opt/healthy.py"]
# exec: the service itself gets the signal to stop.
ENTRYPOINT ["bilstm-hmm", "serve", "--host", "0.0.0.0"]
