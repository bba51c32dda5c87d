"""What can go wrong before any work is taken, in words for the person who must act.

Outcomes of calls to providers and back offices are values (``providers.py``,
``back_offices.py``); the exceptions here stop a start-up or answer a request.
Each docstring is the error's default message.
"""


class HuiyinError(Exception):
    """Something went wrong; see the log for the request id."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class SettingError(HuiyinError):
    """A setting is missing or contradicts another one."""


class UnknownNameError(HuiyinError):
    """No plug-in has this name."""


class UndeclaredMoveError(HuiyinError):
    """A transaction was to go to a stage its type does not declare: a bug, and nothing was changed."""


class TamperedError(HuiyinError):
    """An encrypted value does not belong to this table, column and row, or the master key changed."""


class ForgottenError(TamperedError):
    """What this message said is no longer kept."""
