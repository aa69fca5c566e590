# One image for web, worker and migrate; docker-compose.yml says which is which.
FROM python:3.13-slim AS packages
RUN python -m venv /opt/venv
COPY requirements.txt .
RUN /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check -r requirements.txt

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin opsportal
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=opsportal.settings.prod
WORKDIR /srv/opsportal
COPY --from=packages /opt/venv /opt/venv
COPY manage.py ./
COPY opsportal opsportal
COPY apps apps
COPY templates templates
COPY static static
# Settings want these to be set; the values end with this step and unlock nothing.
RUN DATABASE_URL=postgres://none@localhost/none SECRET_KEY=only-to-collect-static-files \
    ALLOWED_HOSTS=localhost python manage.py collectstatic --noinput --verbosity 0 \
    && python -m compileall -q apps opsportal
USER 10001
EXPOSE 8000
CMD ["uvicorn", "opsportal.asgi:application", "--host", "0.0.0.0", "--port", "8000", \
     "--no-access-log", "--no-server-header", "--no-proxy-headers", \
     "--timeout-graceful-shutdown", "10", "--log-level", "warning"]
