"""A partner's year in the browser, in both languages: the story of the README, pressed button by button.

English on a desk in the light, 繁體中文 on a phone in the dark. Every page on the way is looked at by axe.
"""

import re
from datetime import date, timedelta
from itertools import count

import pytest

pytestmark = pytest.mark.xdist_group("browser")
NUMBERS = count(1)
READERS = [("en", "desk", "light"), ("zh-hant", "phone", "dark")]


class Company:
    """A company that joins for one journey, with the person who speaks for it and the staff on the other side."""

    def __init__(self, visit, language: str, size: str, scheme: str):
        n = next(NUMBERS)
        self.person = visit(language, size, scheme)
        self.staff = visit("en")
        self.name = f"晨星資訊{n}股份有限公司" if language == "zh-hant" else f"Northwind Labs {n} Ltd"
        self.email = f"lead{n}@northwind{n}.example"

    # The partner's side

    def join(self) -> None:
        me = self.person
        page = me.go("/join/")
        me.reads_own_language()
        fields = {
            "legal_name": self.name,
            "address": "7 Section 5, Xinyi Road",
            "city": "Taipei",
            "postcode": "110",
            "contact_name": "陳美玲" if me.language == "zh-hant" else "Mei Chen",
            "contact_email": self.email,
            "contact_phone": "02 2712 3456",
            "password": "a long enough sentence",
        }
        page.locator("[name=country]").select_option("TW")
        for name, value in fields.items():
            page.locator(f"main [name={name}]").fill(value)
        page.locator("[name=agreement]").check()
        me.is_sound()
        me.press(page.locator("main .button.primary").last)
        me.sees("Verification", "驗證")
        link = re.search(r"https?://[^/\s]+(/join/confirm/\S+)", me.house.letter(self.email, "/join/confirm/")).group(1)
        me.go(link)
        me.is_sound()
        me.press(page.locator("main form .button.primary"))
        me.is_sound()

    def be_verified(self) -> None:
        page = self.staff.go("/accounts/login/")
        self.staff.press(page.get_by_role("button", name=re.compile("Ingrid Solberg")))
        self.staff.reads_own_language()
        while True:
            page.goto("/office/verifications/")
            row = page.locator("tr", has_text=self.name)
            if not row.count():
                return
            self.staff.press(row.first.get_by_role("link").last)
            self.staff.is_sound()
            self.staff.press(page.locator("button[name=decision][value=pass]"))

    def order(self, method: str) -> str:
        """Through the checkout to the order, or to the card page; returns the order's number when it is known."""
        me, page = self.person, self.person.page
        page.locator(f"main input[name=method][value={method}]").check()
        me.is_sound()
        me.press(page.locator("main form.card .button.primary"))
        me.is_sound()
        me.press(page.locator("main form.card .button.primary"))
        me.is_sound()
        page.locator("main input[name=terms]").check()
        me.press(page.locator("main form.card .button.primary"))
        return page.url.rstrip("/").split("/")[-1]

    def choose_card(self, last4: str) -> None:
        page = self.person.page
        assert "/pay/" in page.url
        self.person.is_sound()
        page.locator("label.choice", has_text=last4).locator("input").check()
        self.person.press(page.locator("button[name=do][value=pay]"))

    def clock(self, to: date) -> None:
        page = self.person.page
        page.locator("#clock-to").fill(to.isoformat())
        self.person.press(page.locator("section.clock form").last.locator("button"), seconds=90)

    def today(self) -> date:
        return date.fromisoformat(self.person.page.locator("section.clock time").get_attribute("datetime"))


@pytest.mark.parametrize(("language", "size", "scheme"), READERS)
def test_a_partners_year(visit, house, language, size, scheme):
    company = Company(visit, language, size, scheme)
    me, page = company.person, company.person.page
    company.join()

    # Before it is verified, the button stands there closed and says why.
    me.go("/offers/")
    me.is_sound()
    me.sees("verification isn't finished", "驗證")
    assert page.locator("[aria-disabled=true]").count() >= 1
    company.be_verified()

    # A declined card costs nothing and the order stays; a good one makes it active at once.
    me.go("/offers/")
    me.press(page.locator("form[action='/checkout/start/'] button").first)
    company.order("card")
    company.choose_card("0002")
    me.is_sound()
    me.sees("declined", "遭拒")
    me.press(page.locator("main form[action$='/pay/'] button").first)
    company.choose_card("4242")
    me.is_sound()
    me.sees("Paid and active", "有效")
    number = page.url.rstrip("/").split("/")[-1]
    assert number.startswith("O-")

    # The invoice, in the reader's language; the back button orders nothing again.
    me.go("/invoices/")
    me.is_sound()
    with page.expect_download() as loading:
        page.get_by_role("link", name=re.compile("Download|下載")).first.click()
    assert loading.value.path().read_bytes().startswith(b"%PDF")

    # Auto-renew, off for good until the next renewal.
    me.go("/offers/")
    me.press(page.locator("article.tile", has_text=re.compile("Action Pack|行動套件")).get_by_role("link").last)
    me.is_sound()
    subscription = page.url
    me.press(page.locator("a.danger"))
    me.is_sound()
    me.press(page.locator("main form .button.danger"))
    me.sees("Off. Nothing is charged by itself", "關閉")
    assert page.locator("a.danger[href$='auto-renew/']").count() == 0

    # The last day is paid for and closed; the day after opens the window until thirty days later.
    expires_on = company.today().replace(year=company.today().year + 1)
    company.clock(expires_on)
    assert company.today() == expires_on
    page.goto(subscription)
    me.is_sound()
    assert page.locator("main [aria-disabled=true]").count() == 1
    company.clock(expires_on + timedelta(days=1))
    page.goto(subscription)
    assert page.locator("main [aria-disabled=true]").count() == 0

    # Renewed by bank transfer: ordered, proved, matched by its reference, done.
    me.press(page.locator("form[action='/checkout/start/'] button").first)
    number = company.order("bank_transfer")
    me.is_sound()
    me.sees("Order placed", "訂單已成立")
    reference = re.search(r"RF\d\d(?: \d{2,4})+", page.locator("main").inner_text()).group(0)
    office = company.staff.go("/office/transfers/")
    office.locator("details.act summary").click()
    office.locator("[name=value_on]").fill(company.today().isoformat())
    office.locator("[name=amount]").fill("15750")
    office.locator("[name=currency]").select_option("TWD")
    if office.locator("select[name=account]").count():
        office.locator("select[name=account]").select_option(index=1)
    office.locator("[name=reference]").fill(f"membership {reference}")
    office.locator("[name=payer]").fill(company.name)
    company.staff.press(office.locator("details.act form .button.primary"))
    me.go(f"/orders/{number}/")
    me.is_sound()
    me.sees("Renewed", "續約完成")

    # Cancelled through a support request, decided by the rule, refunded in one click.
    page.goto(subscription)
    me.press(page.locator("a[href$='/cancel/']"))
    me.is_sound()
    page.locator("textarea[name=description]").fill("We have changed our plans." if language == "en" else "計畫有變。")
    me.press(page.locator("main form .button.danger"))
    me.is_sound()
    request = page.url.rstrip("/").split("/")[-1]
    assert request.startswith("SR-")
    office.goto(f"/office/support/{request}/")
    company.staff.is_sound()
    company.staff.press(office.get_by_role("button", name=re.compile("Refund NT")).first)
    me.go(f"/support/{request}/")
    me.is_sound()
    me.sees("Refunded", "已退款")
    me.go("/invoices/")
    me.sees("CN-", "CN-")


@pytest.mark.parametrize(("language", "size", "scheme"), READERS)
def test_every_main_page_is_sound(visit, house, language, size, scheme):
    """The pages of a partner with a history, and the office's, at both sizes and in both rooms."""
    me = visit(language, size, scheme)
    page = me.go("/accounts/login/")
    me.is_sound()
    me.press(page.get_by_role("button", name=re.compile("Mei-Ling Chen|陳美玲")).first)
    me.reads_own_language()
    for path in ("/", "/offers/", "/benefits/", "/competencies/", "/orders/", "/invoices/", "/company/", "/users/",
                 "/support/", "/support/new/", "/notices/", "/offers/gold-cloud/", "/company/edit/", "/users/invite/"):  # fmt: skip
        me.go(path)
        me.is_sound()
    staff = visit(language, size, scheme)
    page = staff.go("/accounts/login/")
    staff.press(page.get_by_role("button", name=re.compile("Ingrid Solberg")))
    staff.reads_own_language()
    for path in ("", "partners/", "verifications/", "transfers/", "subscriptions/", "support/", "invoices/", "mail/",
                 "parked/", "programme/", "runs/"):  # fmt: skip
        staff.go(f"/office/{path}")
        staff.is_sound()


def test_buying_by_keyboard_alone(visit, house):
    """From the offers page to the placed order with Tab, Space and Enter only."""
    company = Company(visit, "en", "desk", "light")
    me, page = company.person, company.person.page
    company.join()
    company.be_verified()
    me.go("/offers/")

    def tab_to(selector: str) -> None:
        for _ in range(80):
            page.keyboard.press("Tab")
            if page.evaluate("s => document.activeElement.matches(s)", selector):
                # A radio's ring may stand around its whole choice.
                rings = page.evaluate(
                    "[document.activeElement, document.activeElement.closest('label')]"
                    ".filter(e => e).map(e => getComputedStyle(e).outlineStyle)"
                )
                assert set(rings) != {"none"}, f"no focus ring on {selector}"
                return
        raise AssertionError(f"Tab never reaches {selector}")

    def enter() -> None:
        with page.expect_navigation():
            page.keyboard.press("Enter")

    tab_to("form[action='/checkout/start/'] button")
    enter()
    tab_to("input[name=method]")
    while not page.evaluate("document.activeElement.value === 'bank_transfer'"):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    tab_to("main form.card button.primary")
    enter()
    tab_to("main form.card button.primary")
    enter()
    tab_to("input[name=terms]")
    page.keyboard.press("Space")
    tab_to("main form.card button.primary")
    enter()
    me.sees("Order placed", "訂單已成立")
