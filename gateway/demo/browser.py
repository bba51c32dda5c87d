"""A browser without JavaScript for the tour: keeps cookies, follows redirects, fills in forms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit

import urllib3

from gateway.demo.patience import PATIENCE, TourError


@dataclass(slots=True)
class Form:
    """A form that is posted: where to, its fields as they stand, and the options of its choices."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    options: dict[str, list[str]] = field(default_factory=dict)


class Page(HTMLParser):
    """The forms of a page, and its ``data-`` attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.data: dict[str, str] = {}
        self._in_form = False
        self._writing = ""  # the field whose text follows
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.data |= {name.removeprefix("data-"): given[name] for name in given if name.startswith("data-")}
        if tag == "form":
            self._in_form = given.get("method", "").lower() == "post"
            if self._in_form:
                self.forms.append(Form(given.get("action", "")))
        if self._in_form and tag in ("input", "button", "textarea") and given.get("name"):
            self._input(given)
            self._writing = given["name"] if tag == "textarea" else ""

    def handle_data(self, data: str) -> None:
        if self._writing:
            self.forms[-1].fields[self._writing] += data.removeprefix("\n")

    def _input(self, given: Mapping[str, str]) -> None:
        form, name = self.forms[-1], given["name"]
        if given.get("type") == "radio":
            if "disabled" not in given:
                form.options.setdefault(name, []).append(given.get("value", ""))
        else:
            form.fields[name] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        self._writing = "" if tag == "textarea" else self._writing
        self._in_form = self._in_form and tag != "form"


class Browser:
    """One visit."""

    def __init__(self, base: str) -> None:
        self._http = urllib3.PoolManager(retries=False, timeout=PATIENCE)
        self._cookies: dict[str, str] = {}
        self.url = base
        self.page = Page("")

    @property
    def place(self) -> str:
        """The last part of the page's path: the field asked for, ``code``, ``check`` or ``done``."""
        return urlsplit(self.url).path.rpartition("/")[2]

    def get(self, url: str) -> None:
        self._load("GET", url, None)

    def submit(self, name: str, value: str = "") -> None:
        """Send the page's form that has this field; of a choice without a value the first option."""
        for form in self.page.forms:
            if name in form.options:
                value = value or form.options[name][0]
                return self._load("POST", form.action or self.url, {**form.fields, name: value})
            if name in form.fields:
                return self._load(
                    "POST", form.action or self.url, {**form.fields, name: value or form.fields[name]}
                )
        raise TourError(f"The page at {self.url} has no form with {name}.")

    def has(self, name: str) -> bool:
        """Whether a form of the page has this field."""
        return any(name in form.fields or name in form.options for form in self.page.forms)

    def press(self, ending: str) -> None:
        """Send the page's form whose address ends so."""
        for form in self.page.forms:
            if urljoin(self.url, form.action).endswith(ending):
                return self._load("POST", form.action or self.url, form.fields)
        raise TourError(f"The page at {self.url} has no button to {ending}.")

    def _load(self, method: str, url: str, form: Mapping[str, str] | None) -> None:
        self.url = urljoin(self.url, url)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = urlencode(form) if form is not None else None
        answer = self._http.request(method, self.url, body=body, headers=headers, redirect=False)
        for cookie in answer.headers.getlist("Set-Cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        if 300 <= answer.status < 400:
            self._load("GET", answer.headers["Location"], None)
        elif answer.status >= 400:
            raise TourError(f"{method} {self.url} answered {answer.status}.")
        else:
            self.page = Page(answer.data.decode())
