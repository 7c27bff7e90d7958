"""Markdown that people wrote as HTML that can do no harm."""

import pytest

from apps.portal.markdown import MOST_CHARACTERS, markdown_html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("# A\n###### B", "<h2>A</h2>\n<h6>B</h6>\n"),
        ("a ~~b~~ **c**", "<p>a <s>b</s> <strong>c</strong></p>\n"),
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>\n"),
        (
            "![a <b>](https://e.com/x.png)",
            '<p><a href="https://e.com/x.png" rel="noopener noreferrer">a &lt;b&gt;</a></p>\n',
        ),
        ("![](x.png)", '<p><a href="x.png" rel="noopener noreferrer">x.png</a></p>\n'),
        (
            "[![b](https://e.com/b.svg)](https://e.com)",
            '<p><a href="https://e.com" rel="noopener noreferrer">b</a></p>\n',
        ),
        ("```sh\na <b\n```", "<pre><code>a &lt;b\n</code></pre>\n"),
    ],
)
def test_what_becomes_of_it(text: str, html: str) -> None:
    assert markdown_html(text) == html


def test_a_table_has_no_styles() -> None:
    html = markdown_html("| a | b |\n|:--|--:|\n| 1 | 2 |\n")
    assert "<td>1</td>" in html
    assert "style" not in html


def test_what_is_very_long_is_shown_as_it_is() -> None:
    html = markdown_html("<b>" + "# a\n" * MOST_CHARACTERS)
    assert html.startswith("<pre>&lt;b&gt;# a\n")
    assert "<h2>" not in html
