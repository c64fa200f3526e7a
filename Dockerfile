# One image for every service of docker-compose.yml; the command tells which one it is.
FROM node:20-bookworm-slim AS frontend
WORKDIR /app
COPY frontend/package.json frontend/package-lock.json frontend/
RUN npm --prefix frontend install --no-save --no-audit --no-fund
COPY frontend frontend
COPY platform/palmares platform/palmares
RUN npm --prefix frontend run build

FROM python:3.11-slim-bookworm
ENV PYTHONUNBUFFERED=1 PYTHONPATH=/app:/app/platform PATH=/app/.venv/bin:$PATH \
    DJANGO_SETTINGS_MODULE=palmares.settings.production PALMARES_DATA=/data
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --create-home --uid 1000 palmares \
    && install -d -o palmares /data
WORKDIR /app
COPY requirements.lock .
RUN python -m venv .venv \
    && pip install --no-cache-dir --no-deps -r requirements.lock \
    && pip install --no-cache-dir "$(grep '^torch==' requirements.lock)"
COPY . .
COPY --from=frontend /app/platform/palmares/static/dist platform/palmares/static/dist
USER palmares
VOLUME /data
EXPOSE 8000
CMD ["python", "-m", "uvicorn", "palmares.asgi:application", "--host", "0.0.0.0", "--workers", "2", "--no-proxy-headers", "--no-access-log"]
