"""The systems' API under ``/v2``, and its documentation at ``/docs``."""

from __future__ import annotations

from apispec.core import Components
from flask import Flask

from gateway.api import (
    barometer,
    broadcasts,
    docs,
    halls,
    levers,
    notifications,
    received,
    referrals,
    reviews,
    schemas,
    services,
    templates,
    transactions,
    webhooks,
    writing,
)
from gateway.api.document import Documented
from gateway.runtime import Runtime


def register(app: Flask, runtime: Runtime) -> None:
    """Mount the API and its documentation."""
    app.config.update(
        API_TITLE="回音 Huiyin",
        API_VERSION="v2",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/docs",
        OPENAPI_JSON_PATH="openapi.json",
    )
    about = {
        "info": {"description": docs.DESCRIPTION},
        "servers": [{"url": runtime.settings.public_url, "description": "This instance"}],
        "security": [{"service": []}],
    }
    spec = Documented(app, about, _parts)
    spec.register_blueprint(transactions.blueprint(runtime))
    spec.register_blueprint(broadcasts.blueprint(runtime))
    spec.register_blueprint(levers.blueprint(runtime))
    spec.register_blueprint(reviews.blueprint(runtime))
    spec.register_blueprint(halls.blueprint(runtime))
    spec.register_blueprint(barometer.blueprint(runtime))
    spec.register_blueprint(referrals.blueprint(runtime))
    spec.register_blueprint(services.blueprint(runtime))
    spec.register_blueprint(notifications.blueprint(runtime))
    spec.register_blueprint(templates.blueprint(runtime))
    spec.register_blueprint(received.blueprint(runtime))
    for routes in webhooks.blueprints(runtime):
        spec.register_blueprint(routes)
    spec.register_blueprint(writing.blueprint(runtime))
    app.register_blueprint(docs.blueprint())


def _parts(components: Components) -> None:
    components.security_scheme("service", docs.SECURITY)
    for name, form in schemas.form_schemas().items():
        components.schema(f"Answers_{name}", schema=form)
    for name, body in notifications.DESCRIBED.items():
        components.schema(name, schema=body)
