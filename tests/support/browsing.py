"""Pages as a browser without JavaScript sees them: cookies, links, and forms that are filled in and sent."""

from typing import Self
from urllib.parse import urljoin

import httpx
from bs4 import BeautifulSoup, Tag

from tests.support.accounts import TRUST, Person

SIGN_IN = "/account/sign-in"


class Page:
    """An answer and its document."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.status = answer.status_code
        self.document = BeautifulSoup(answer.text, "html.parser")

    @property
    def path(self) -> str:
        """Path and query of where the browser ended up."""
        return self.answer.url.raw_path.decode()

    @property
    def text(self) -> str:
        """What a reader sees in the main part, with single spaces."""
        main = self.document.find("main") or self.document
        return " ".join(main.get_text(" ").split())

    @property
    def title(self) -> str:
        """The first heading."""
        heading = self.document.find("h1")
        return "" if heading is None else " ".join(heading.get_text(" ").split())

    def links(self) -> set[str]:
        """The addresses that the page links to."""
        return {str(link["href"]) for link in self.document.find_all("a", href=True)}

    def forms(self) -> list[str]:
        """The paths that the page's forms are sent to."""
        return [str(form.get("action", "")) for form in self.document.find_all("form")]

    def has(self, selector: str) -> bool:
        """Whether anything of the page matches a CSS selector."""
        return self.document.select_one(selector) is not None

    def form(self, selector: str = "main form[method=post]") -> Tag:
        """The form that matches; the first of several."""
        found = self.document.select_one(selector)
        assert found is not None, f"no {selector} in {self.path}: {self.text[:2000]}"
        return found


class Browser:
    """Follows redirects, keeps cookies. Use it as a context manager."""

    def __init__(self, url: str, person: Person | None = None, *, language: str = "en") -> None:
        self.url = url
        self.client = httpx.Client(
            base_url=url,
            headers={"Accept-Language": language, "Accept": "text/html"},
            follow_redirects=True,
            timeout=60,
            verify=TRUST,
        )
        if person is not None:
            page = self.sign_in(person)
            assert page.status == 200, page.text
            assert not page.path.startswith(SIGN_IN), page.text

    def sign_in(self, person: Person) -> Page:
        """By the form of the page for it."""
        return self.submit(SIGN_IN, username=person.name, password=person.password)

    def open(self, path: str) -> Page:
        """The page at ``path``."""
        return Page(self.client.get(path))

    def submit(self, path: str, selector: str = "main form[method=post]", **values: object) -> Page:
        """Open the page, fill in its form and send it; see :meth:`send`."""
        return self.send(self.open(path), selector, **values)

    def send(
        self, page: Page, selector: str = "main form[method=post]", *, button: str = "", **values: object
    ) -> Page:
        """Send a form of a page that is open: what is filled in already, and ``values`` instead or besides.

        A list is several values of one name, True and None tick and untick a box. ``button`` is the value of the
        button that is pressed, where the form has several.
        """
        form = page.form(selector)
        data = _filled(form)
        for name, value in values.items():
            if value is None:
                data.pop(name, None)
            elif isinstance(value, list):
                data[name] = [str(one) for one in value]
            else:
                data[name] = ["on" if value is True else str(value)]
        pressed = form.select_one(f'button[value="{button}"]') if button else None
        if pressed is not None:
            data[str(pressed["name"])] = [button]
        address = urljoin(str(page.answer.url), str(form.get("action") or ""))
        if str(form.get("method", "get")).lower() == "get":
            return Page(self.client.get(address, params=data))
        return Page(self.client.post(address, data=data, headers={"Referer": str(page.answer.url)}))

    def post(self, path: str, **values: str) -> Page:
        """Send something to ``path`` as a form that no page has: to try what is refused."""
        token = self.client.cookies.get("_harbor_csrf") or ""
        return Page(self.client.post(path, data={"csrfmiddlewaretoken": token, **values}))

    def close(self) -> None:
        self.client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


def _filled(form: Tag) -> dict[str, list[str]]:
    """What a browser would send of a form that nobody touched."""
    data: dict[str, list[str]] = {}
    for field in form.select("input[name], select[name], textarea[name]"):
        name = str(field["name"])
        if field.has_attr("disabled"):
            continue
        if field.name == "textarea":
            data.setdefault(name, []).append(field.get_text().removeprefix("\n"))
        elif field.name == "select":
            options = field.select("option")
            chosen = [option for option in options if option.has_attr("selected")]
            if not chosen and not field.has_attr("multiple"):
                chosen = options[:1]
            data.setdefault(name, []).extend(str(option.get("value", option.get_text())) for option in chosen)
        elif field.get("type") in {"checkbox", "radio"}:
            if field.has_attr("checked"):
                data.setdefault(name, []).append(str(field.get("value", "on")))
        elif field.get("type") not in {"submit", "button"}:
            data.setdefault(name, []).append(str(field.get("value", "")))
    return data
