from playworld.markup import join, table, tag


def test_text_is_escaped_and_markup_is_not():
    assert tag("b", "<i>", tag("i", "a & b")) == "<b>&lt;i&gt;<i>a &amp; b</i></b>"
    assert join(["<", tag("br")]) == "&lt;<br>"


def test_attributes_are_escaped():
    assert tag("p", class_='x"y', aria_label="<") == '<p class="x&quot;y" aria-label="&lt;"></p>'


def test_the_first_column_names_the_rows():
    assert '<tr><th scope="row">a</th><td>1</td></tr>' in table(("", "n"), [("a", "1")])
