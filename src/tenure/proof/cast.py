"""Who plays in the living world: firms, their people, and the acts of their stories. Frozen, and nothing more.

Read next: ``proof/acts.py``, where each act is one method, and ``proof/story.py``, where the stories are told.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from tenure.kernel.periods import Span
from tenure.partners.rules import Company


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at a firm or in the office; the first of a firm enrols it."""

    name: str
    email: str
    roles: tuple[str, ...] = ()
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that happens to a firm, on a day at an hour of the programme's zone."""

    at: str
    does: str
    facts: dict[str, Any] = field(default_factory=dict)


def on(at: str, does: str, **facts: Any) -> Act:
    return Act(at if " " in at else f"{at} 10:00", does, facts)


@dataclass(frozen=True, slots=True)
class Firm:
    """A company with its people and its story."""

    name: str
    country: str
    city: str
    address: str
    people: tuple[Person, ...]
    story: tuple[Act, ...]
    postcode: str = ""
    phone: str = "+886 2 5550 0100"
    tax_id: str = ""
    language: str = "en"


def company_of(firm: Firm) -> Company:
    first = firm.people[0]
    return Company(
        legal_name=firm.name,
        country=firm.country,
        address=firm.address,
        city=firm.city,
        postcode=firm.postcode,
        contact_name=first.name,
        contact_email=first.email,
        contact_phone=firm.phone,
        tax_id=firm.tax_id,
    )


def ends_of(span: Span) -> tuple[date, date]:
    return span.first, span.last


def pretend_pdf(words: str) -> bytes:
    """A small page that a PDF reader opens: what a firm would have scanned."""
    text = "".join(sign for sign in words if sign.isascii() and sign not in "()\\")
    stream = f"BT /F1 18 Tf 72 720 Td ({text}) Tj ET"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        "/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
    ]
    page, starts = "%PDF-1.4\n", []
    for n, body in enumerate(objects, 1):
        starts.append(len(page))
        page += f"{n} 0 obj\n{body}\nendobj\n"
    table = "".join(f"{start:010} 00000 n \n" for start in starts)
    size = len(objects) + 1
    page += f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R >>\n"
    return f"{page}startxref\n{page.index('xref')}\n%%EOF\n".encode()
