"""What operators' levers refuse, as the API says it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gateway.api.problems import ApiError, Problem
from gateway.errors import UnknownNameError
from gateway.levers.holding import NotNowError


@contextmanager
def refusals(see: str, stands: str = "") -> Iterator[None]:
    """What there is not (404), or cannot be done now (409); ``see`` and ``stands`` say where to look."""
    try:
        yield
    except UnknownNameError as error:
        raise ApiError(404, Problem("NoResultFound", str(error), see)) from None
    except NotNowError as error:
        raise ApiError(409, Problem("BadRequestError", str(error), stands or see)) from None
