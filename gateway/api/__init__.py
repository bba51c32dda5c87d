"""The systems' API under ``/v2``, and its documentation at ``/docs``."""

from __future__ import annotations

from flask import Flask
from flask_smorest import Api

from gateway.api import broadcasts, docs, levers, notifications, schemas, transactions
from gateway.runtime import Runtime


class _Api(Api):  # type: ignore[misc]  # flask-smorest ships no types
    def handle_http_exception(self, error: Exception) -> None:
        """Nothing: the application's own handlers answer in one shape."""
        raise error

    def _register_error_handlers(self) -> None:
        """None of flask-smorest's own."""


def register(app: Flask, runtime: Runtime) -> None:
    """Mount the API and its documentation."""
    app.config.update(
        API_TITLE="回音 Huiyin",
        API_VERSION="v2",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/docs",
        OPENAPI_JSON_PATH="openapi.json",
    )
    about = {"info": {"description": docs.DESCRIPTION}, "security": [{"service": []}]}
    spec = _Api(app, spec_kwargs=about)
    spec.spec.components.security_scheme("service", docs.SECURITY)
    for name, form in schemas.form_schemas().items():
        spec.spec.components.schema(f"Answers_{name}", schema=form)
    spec.register_blueprint(transactions.blueprint(runtime))
    spec.register_blueprint(broadcasts.blueprint(runtime))
    spec.register_blueprint(levers.blueprint(runtime))
    spec.register_blueprint(notifications.blueprint(runtime))
    app.register_blueprint(docs.blueprint())
