"""The city's back offices in this process: our connectors speak with the sandbox's own parts.

What the sandbox does is not played anew: its classes answer, each call in the one thread their databases
belong to. Only the line between is another: no HTTP and no signature, which the contract tests look at.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from gateway.back_offices import Silent, Unavailable
from integrations.card_core import CardCore
from integrations.filing_register import FilingRegister
from integrations.pension_registry import PensionRegistry
from integrations.sandbox.cards import Cards
from integrations.sandbox.filings import Filings
from integrations.sandbox.options import Options
from integrations.sandbox.payments import Payments
from integrations.sandbox.pensions import Pensions
from integrations.sandbox.transfers import Transfers
from integrations.sandbox.work_orders import WorkOrders
from integrations.transfer_platform import TransferPlatform
from integrations.work_order_platform import WorkOrderPlatform

DIVISION = "4307"
REVIEW = 2 * 86400.0  # seconds a filing is reviewed
BACK_PAYMENT = 3 * 86400.0
ORDER = 3 * 86400.0  # until a work order is answered by itself
TRANSFER = 9 * 86400.0  # in each of its states: a leg of 15 working days has two or three of them
Answer = dict[str, Any]
T = TypeVar("T")


class Offices:
    """All of them, and the thread they live in. ``clock`` gives epoch seconds."""

    def __init__(self, folder: Path, clock: Callable[[], float]) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="offices")
        self.cards: Cards
        self.pensions: Pensions
        self.filings: Filings
        self.transfers: Transfers
        self.orders: WorkOrders
        self.call(lambda: self._open(folder, clock))
        connectors: Mapping[str, Callable[..., Any]] = {
            "card_core": CardCore,
            "pension_registry": PensionRegistry,
            "filing_register": FilingRegister,
            "transfer_platform": TransferPlatform,
            "work_order_platform": WorkOrderPlatform,
        }
        self.connectors = {name: made({}, clock, Inside(self)) for name, made in connectors.items()}

    def _open(self, folder: Path, clock: Callable[[], float]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.cards = Cards(folder / "city.sqlite", clock)
        self.pensions = Pensions(folder / "pensions.sqlite", self.cards, clock)
        self.payments = Payments(folder / "payments.sqlite", self.cards, self.pensions, clock)
        self.filings = Filings(folder / "filings.sqlite", self.cards, self.pensions, clock)
        self.transfers = Transfers(folder / "transfers.sqlite", self.cards, clock)
        self.orders = WorkOrders(folder / "orders.sqlite", clock)
        # The year itself draws who is matched and when, and writes that into its diary.
        options = Options(matching=False, filing_delay=REVIEW, pension_delay=BACK_PAYMENT)
        self.pensions.options = self.filings.options = options
        self.transfers.options = Options(transfer_delay=TRANSFER)
        self.orders.options = Options(work_order_delay=ORDER)
        self.actions: Mapping[str, Callable[[Mapping[str, Any]], Answer]] = {
            "/card/query": self.cards.query,
            "/card/report-loss": self.cards.report_loss,
            "/card/release": self.cards.release,
            "/pension/standing": self.pensions.standing,
            "/pension/payments": self.payments.query,
            "/transfer/query": self.transfers.query,
            "/workorder/query": self.orders.query,
            "/workorder/register": self.orders.register,
            "/workorder/rate": self.orders.rate,
            "/filing/query": self.filings.query,
            "/filing/submit": self.filings.submit,
            "/filing/correct": self.filings.correct,
            "/filing/cancel": self.filings.cancel,
        }

    def call(self, work: Callable[[], T]) -> T:
        """Do it in their thread, and wait for it."""
        return self._thread.submit(work).result()

    def close(self) -> None:
        self._thread.shutdown()


class Inside:
    """A ``Wire`` that ends in this process. What is said goes through JSON, as it would on the way."""

    def __init__(self, offices: Offices) -> None:
        self._offices = offices

    def operate(self, path: str, form: Mapping[str, str]) -> Answer | Unavailable | Silent:
        return self._answer(path, form)

    def ask(self, path: str, form: Mapping[str, str]) -> Answer | Unavailable:
        return self._answer(path, form)

    def _answer(self, path: str, form: Mapping[str, str]) -> Answer:
        given = {"AAC003": "", **form}
        said = self._offices.call(lambda: self._offices.actions[path](given))
        answer: Answer = json.loads(json.dumps(said))
        return answer
