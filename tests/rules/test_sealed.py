"""Secrets kept for reading again: sealed for one purpose, under a key with an id; old keys open only."""

import base64

import pytest

from tenure.plumbing.sealed import Unopenable, seal, unseal

OLD, NEW = (base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))


def test_what_was_sealed_opens_again_and_says_nothing_by_itself():
    token = seal("whsec_密鑰", "webhooks.secret")
    assert unseal(token, "webhooks.secret") == "whsec_密鑰"
    assert "whsec" not in token
    assert seal("whsec_密鑰", "webhooks.secret") != token, "two of the same must not look the same"


def test_sealed_for_one_purpose_opens_for_no_other():
    token = seal("x", "webhooks.secret")
    with pytest.raises(Unopenable):
        unseal(token, "people.totp")


@pytest.mark.parametrize(
    "broken",
    [
        lambda token: token[:-6] + ("AAAA" if token[-6:-2] != "AAAA" else "BBBB") + token[-2:],
        lambda token: token.replace(token.partition(".")[0], "k9"),
        lambda token: token.partition(".")[0] + ".AAAA",
        lambda token: "",
        lambda token: token.partition(".")[0] + ".é",
    ],
    ids=["changed", "unknown key", "cut", "empty", "not base64"],
)
def test_what_was_changed_does_not_open(broken):
    with pytest.raises(Unopenable):
        unseal(broken(seal("x", "a")), "a")


def test_a_new_key_seals_and_the_old_one_still_opens(settings):
    settings.TENURE_FIELD_KEYS = f"k1:{OLD}"
    old = seal("x", "a")
    settings.TENURE_FIELD_KEYS = f"k2:{NEW}, k1:{OLD}"
    assert unseal(old, "a") == "x"
    assert old.startswith("k1.") and seal("x", "a").startswith("k2.")
    settings.TENURE_FIELD_KEYS = f"k2:{NEW}"
    with pytest.raises(Unopenable):
        unseal(old, "a")


def test_the_secret_key_seals_where_no_other_is_named_and_a_changed_one_falls_back(settings):
    settings.TENURE_FIELD_KEYS, settings.SECRET_KEY = "", "one" * 20
    before = seal("x", "a")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "two" * 20, ["one" * 20]
    assert unseal(before, "a") == "x" and seal("x", "a")[:9] != before[:9]
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(Unopenable):
        unseal(before, "a")
    settings.TENURE_FIELD_KEYS = f"k1:{OLD}"
    settings.SECRET_KEY = "one" * 20
    assert unseal(before, "a") == "x", "sealed before keys of their own were named"


@pytest.mark.parametrize("given", ["k1", "k1:AAAA", f":{OLD}", f"k.1:{OLD}"])
def test_keys_that_are_none_are_refused(settings, given):
    settings.TENURE_FIELD_KEYS = given
    with pytest.raises(ValueError, match="TENURE_FIELD_KEYS"):
        seal("x", "a")
