import pytest

from attune.core.errors import one_line, without_secrets


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("https://host/a.zip", "https://host/a.zip"),
        ("https://me:pass@word@host:80/a?sig=x&y='z')#end", "https://host:80/a"),
        ("404 for url (https://me@host/a?sig=x); is it there?", "404 for url (https://host/a); is it there?"),
        ("url 'http://host?sig=x', then http://host/b?y.", "url 'http://host', then http://host/b."),
        ("the model me/m@v1? mail@host", "the model me/m@v1? mail@host"),
    ],
)
def test_addresses_lose_users_passwords_and_queries_and_nothing_else(text: str, public: str) -> None:
    assert without_secrets(text) == public
    assert one_line(text) == public
