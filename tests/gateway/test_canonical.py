"""The canonical request, against one that is put together line by line.

Expected behaviour: https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html, step 1. What botocore
and AWS's vectors sign is in test_sigv4.py; here are the headers no signer of theirs writes.
"""

from hypothesis import given
from hypothesis import strategies as st

from gateway.canonical import canonical_request, form_of

_names = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=";:"), min_size=1, max_size=6)
_values = st.text(st.sampled_from(" \tab%s{}é"), max_size=8)


@given(st.lists(_names, min_size=1, max_size=4, unique=True).map(tuple), st.dictionaries(_names, _values, max_size=4),
       st.data())
def test_headers(signed: tuple[str, ...], others: dict[str, str], data: st.DataObject) -> None:
    """One that is signed and not sent is empty; blanks inside a value are one, and its own percent signs stay."""
    headers = {**others, **{name: data.draw(_values) for name in data.draw(st.sets(st.sampled_from(signed)))}}
    lines = ["POST", "/", ""]
    for name in signed:
        value = headers.get(name, "")
        lines.append(f"{name}:{' '.join(value.split()) if '  ' in value or chr(9) in value else value}")
    lines += ["", ";".join(signed), "0f"]
    made = canonical_request(form_of(signed), "POST", "/", "", headers, "0f", s3=False, presigned=False)
    assert made.decode() == "\n".join(lines)
