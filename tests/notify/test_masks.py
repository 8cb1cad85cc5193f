"""No token is ever seen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bittrader.notify.masks import is_url, masked, without

pieces = st.text("abcXYZ0123456789_-", min_size=4, max_size=30)
urls = st.builds(
    lambda kind, parts, last: f"{kind}://{'/'.join(parts)}{last}",
    st.sampled_from(["tgram", "discord", "json", "mailtos"]),
    st.lists(pieces, min_size=1, max_size=4),
    st.sampled_from(["", "?to=me@example.org", ":25", "#x"]),
)


@given(urls)
def test_only_the_kind_of_a_url_is_shown(url):
    assert is_url(url)
    assert masked(url) == f"{url.partition(':')[0]}://…"


@given(urls, st.text(max_size=20), st.text(max_size=20))
def test_words_that_quote_a_url_do_so_without_its_secrets(url, before, after):
    secrets = [part for part in url.partition("://")[2].split("/") if len(part) >= 4]
    said = without(f"{before}{url}{after} {' '.join(secrets)} {secrets[0].upper()}", [url])
    clean = without(f"{before}{after}", [url])
    for secret in secrets:
        if secret.lower() not in clean.lower():
            assert secret.lower() not in said.lower()


def test_a_secret_that_was_unquoted_is_taken_out_too():
    assert without("401 for me@home!", ["mailto://me%40home%21:pass@example.org"]) == "401 for …"


@pytest.mark.parametrize("as_sent", ["p%C3%A4ssw%24rt", "p%c3%a4ssw%24rt", "pässw$rt"])
def test_a_secret_that_was_quoted_on_its_way_is_taken_out_too(as_sent):
    assert without(f"refused {as_sent}!", ["mailto://me:pässw$rt@x.org"]) == "refused …!"


@pytest.mark.parametrize("text", ["", "tgram", "tgram:/x", "://x", "tgram:// x", "a b://c", "tgram://"])
def test_what_is_no_url_is_told(text):
    assert not is_url(text)
    assert masked(text) == "…"
